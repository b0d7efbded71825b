#include "base/seal.hpp"

#include <gtest/gtest.h>

namespace countersign {
namespace {

// RFC 5869 A.3: no salt and no info, the first 32 octets.
TEST(DeriveKey, is_hkdf_of_rfc_5869) {
  EXPECT_EQ(to_hex(derive_key(std::string(22, '\x0b'), "")),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
  EXPECT_NE(derive_key("secret", "a"), derive_key("secret", "b"));
}

TEST(Sealer, opens_only_what_it_sealed_for_the_same_context) {
  const Sealer sealer(derive_key("secret", "test"));
  for (const std::string& text : {std::string(), std::string("a key"), std::string(100'000, '\0')}) {
    const std::string sealed = sealer.seal(text, "row 1");
    EXPECT_EQ(sealer.open(sealed, "row 1"), text);
    EXPECT_EQ(sealer.open(sealed, "row 2"), std::nullopt);
    EXPECT_EQ(Sealer(derive_key("other", "test")).open(sealed, "row 1"), std::nullopt);
    EXPECT_NE(sealer.seal(text, "row 1"), sealed);
  }
}

TEST(Sealer, refuses_what_was_changed_or_cut_anywhere) {
  const Sealer sealer(derive_key("secret", "test"));
  const std::string sealed = sealer.seal("a private key", "");
  EXPECT_EQ(sealed.find("private"), std::string::npos);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(sealer.open(changed, ""), std::nullopt) << i;
    EXPECT_EQ(sealer.open(sealed.substr(0, i), ""), std::nullopt) << i;
  }
}

}  // namespace
}  // namespace countersign
