#include "mailauth/domain.hpp"

#include <idn2.h>
#include <libpsl.h>

#include <algorithm>
#include <memory>

#include "base/text.hpp"

namespace countersign::mailauth {
namespace {

constexpr std::size_t kDomainBytesMax = 253;  // RFC 7208 §7.3, RFC 1035 §2.3.4 without the root
constexpr std::size_t kLabelBytesMax = 63;
constexpr std::size_t kUnicodeDomainBytesMax = 1024;  // far above any that has A-labels

bool labels_fit(std::string_view domain) {
  while (true) {
    const auto dot = domain.find('.');
    const auto label = domain.substr(0, dot);
    if (label.empty() || label.size() > kLabelBytesMax) return false;
    if (dot == std::string_view::npos) return true;
    domain.remove_prefix(dot + 1);
  }
}

struct FreePsl {
  void operator()(psl_ctx_t* list) const { psl_free(list); }
};

/// The newest list on this system, read once; the one compiled into libpsl when there is none.
const psl_ctx_t* suffix_list() {
  static const std::unique_ptr<psl_ctx_t, FreePsl> list(psl_latest(nullptr));
  return list ? list.get() : psl_builtin();
}

}  // namespace

std::optional<std::string> to_ascii_domain(std::string_view domain) {
  if (domain.ends_with('.')) domain.remove_suffix(1);
  if (domain.size() > kUnicodeDomainBytesMax) return std::nullopt;
  if (std::ranges::any_of(domain, [](char c) { return (c >= 0 && c <= ' ') || c == '\x7f'; })) {
    return std::nullopt;
  }
  std::string ascii = ascii_lower(domain);
  if (std::ranges::any_of(domain, [](char c) { return c < 0; })) {
    if (!is_utf8(domain)) return std::nullopt;
    char* encoded = nullptr;
    const std::string text(domain);
    const int outcome = idn2_to_ascii_8z(text.c_str(), &encoded, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (outcome != IDN2_OK) return std::nullopt;
    ascii = ascii_lower(encoded);
    idn2_free(encoded);
  }
  if (ascii.size() > kDomainBytesMax || !labels_fit(ascii)) return std::nullopt;
  return ascii;
}

std::string organisational_domain(const std::string& domain) {
  const char* registered = psl_registrable_domain(suffix_list(), domain.c_str());
  return registered == nullptr ? domain : registered;
}

bool is_within(std::string_view domain, std::string_view parent) {
  if (!domain.ends_with(parent)) return false;
  return domain.size() == parent.size() ||
         (domain.size() > parent.size() && domain[domain.size() - parent.size() - 1] == '.');
}

}  // namespace countersign::mailauth
