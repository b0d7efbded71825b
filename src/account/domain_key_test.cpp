// Signing keys of domains, on every store.
#include "account/domain_key.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/stores.hpp"

namespace countersign::account {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

const UtcTime kNow = from_us(1'795'000'000'000'000);

DomainKey key(const std::string& domain, const std::string& selector, UtcTime at = kNow) {
  DomainKey out;
  out.domain = domain;
  out.selector = selector;
  out.algorithm = "rsa";
  out.sealed_private_key = std::string("\x01\x00 sealed \xff", 11);
  out.dns_record = "v=DKIM1; k=rsa; p=AAAA";
  out.created_at = at;
  return out;
}

class DomainKeyTest : public test::StoreTest {
 protected:
  Result<std::monostate, KeyRefusal> create(const DomainKey& one) {
    return db().write([&](store::Tx& tx) { return create_domain_key(tx, one); });
  }
  std::vector<std::string> signing(const std::string& domain) {
    const auto keys = db().read([&](store::ReadTx& tx) { return signing_keys(tx, domain); });
    std::vector<std::string> names;
    for (const DomainKey& one : keys) names.push_back(one.selector + "@" + one.domain);
    return names;
  }
  bool retire(const std::string& domain, const std::string& selector) {
    return db().write([&](store::Tx& tx) { return retire_domain_key(tx, domain, selector, kNow); });
  }
};
COUNTERSIGN_ON_EVERY_STORE(DomainKeyTest);

TEST_P(DomainKeyTest, AKeyIsReadAsItWasStored) {
  ASSERT_TRUE(create(key("example.com", "a")).has_value());
  const auto keys = db().read([&](store::ReadTx& tx) { return list_domain_keys(tx, "example.com"); });
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys[0].sealed_private_key, key("", "").sealed_private_key);
  EXPECT_EQ(keys[0].dns_record, "v=DKIM1; k=rsa; p=AAAA");
  EXPECT_EQ(keys[0].user, std::nullopt);
  EXPECT_EQ(keys[0].created_at, kNow);
  EXPECT_EQ(keys[0].retired_at, std::nullopt);
}

TEST_P(DomainKeyTest, TheClosestDomainWithKeysSigns) {
  ASSERT_TRUE(create(key("example.com", "a")).has_value());
  ASSERT_TRUE(create(key("example.com", "b", kNow + Duration(1))).has_value());
  ASSERT_TRUE(create(key("near.example.com", "c")).has_value());
  EXPECT_THAT(signing("example.com"), ElementsAre("b@example.com", "a@example.com"));
  EXPECT_THAT(signing("far.example.com"), ElementsAre("b@example.com", "a@example.com"));
  EXPECT_THAT(signing("x.near.example.com"), ElementsAre("c@near.example.com"));
  EXPECT_THAT(signing("badexample.com"), IsEmpty());
  EXPECT_THAT(signing("com"), IsEmpty());
  EXPECT_THAT(signing(""), IsEmpty());
}

TEST_P(DomainKeyTest, ARetiredKeySignsNothingAndKeepsItsSelector) {
  ASSERT_TRUE(create(key("example.com", "a")).has_value());
  EXPECT_TRUE(retire("example.com", "a"));
  EXPECT_FALSE(retire("example.com", "a"));
  EXPECT_FALSE(retire("example.com", "b"));
  EXPECT_THAT(signing("example.com"), IsEmpty());
  const auto again = create(key("example.com", "a"));
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error(), KeyRefusal::selector_taken);
  const auto keys = db().read([&](store::ReadTx& tx) { return list_domain_keys(tx, ""); });
  EXPECT_THAT(keys, ElementsAre(Field(&DomainKey::retired_at, kNow)));
}

TEST_P(DomainKeyTest, ADomainHasFewKeysAtATime) {
  for (std::int64_t i = 0; i < kSigningKeysMax; ++i) {
    ASSERT_TRUE(create(key("example.com", std::to_string(i))).has_value());
  }
  const auto refused = create(key("example.com", "more"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error(), KeyRefusal::too_many);
  ASSERT_TRUE(retire("example.com", "0"));
  EXPECT_TRUE(create(key("example.com", "more")).has_value());
}

}  // namespace
}  // namespace countersign::account
