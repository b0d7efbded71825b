#include "mailauth/dmarc_record.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.hpp"

namespace countersign::mailauth {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view without_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

struct Tag {
  std::string name;
  std::string_view value;
};

/// Takes `name = value` off the front of a list parted by `;`. The name is empty for what is no tag.
Tag take_tag(std::string_view& list) {
  const auto text = list.substr(0, list.find(';'));
  list.remove_prefix(std::min(text.size() + 1, list.size()));
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return {};
  return {ascii_lower(without_blanks(text.substr(0, equals))), without_blanks(text.substr(equals + 1))};
}

std::optional<DmarcPolicy> policy_of(std::string_view value) {
  const auto name = ascii_lower(value);
  if (name == "none") return DmarcPolicy::none;
  if (name == "quarantine") return DmarcPolicy::quarantine;
  if (name == "reject") return DmarcPolicy::reject;
  return std::nullopt;
}

/// At least one URI: a scheme and something after it.
bool names_a_report_address(std::string_view value) {
  while (!value.empty()) {
    const auto item = value.substr(0, value.find(','));
    value.remove_prefix(std::min(item.size() + 1, value.size()));
    const auto uri = without_blanks(item);
    const auto colon = uri.find(':');
    const bool schemed = colon != std::string_view::npos && colon > 0 && colon + 1 < uri.size();
    if (schemed && uri.find_first_of(kBlanks) == std::string_view::npos) return true;
  }
  return false;
}

Alignment alignment_of(std::string_view value) {
  return ascii_lower(value) == "s" ? Alignment::strict : Alignment::relaxed;
}

}  // namespace

bool is_dmarc_record(std::string_view text) {
  const auto first = text.substr(0, text.find(';'));
  const auto equals = first.find('=');
  if (equals == std::string_view::npos || first.empty()) return false;
  const auto name = first.substr(0, equals);
  // No blank may stand before the v, which is what the record is known by (§6.4).
  return (name.starts_with('v') || name.starts_with('V')) && without_blanks(name).size() == 1 &&
         without_blanks(first.substr(equals + 1)) == "DMARC1";
}

std::optional<DmarcRecord> parse_dmarc_record(std::string_view text) {
  static constexpr std::array<std::string_view, 5> kNames = {"p", "sp", "adkim", "aspf", "rua"};
  std::array<std::optional<std::string_view>, kNames.size()> values;
  take_tag(text);
  while (!text.empty()) {
    const auto tag = take_tag(text);
    const auto place = std::ranges::find(kNames, tag.name);
    if (place == kNames.end()) continue;
    auto& value = values[static_cast<std::size_t>(place - kNames.begin())];
    if (!value) value = tag.value;
  }
  const auto& [p, sp, adkim, aspf, rua] = values;
  DmarcRecord record;
  const auto policy = policy_of(p.value_or(""));
  record.subdomain_policy = policy_of(sp.value_or(""));
  if (!policy || (sp && !record.subdomain_policy)) {
    if (!names_a_report_address(rua.value_or(""))) return std::nullopt;
    record.subdomain_policy.reset();
  } else {
    record.policy = *policy;
  }
  record.dkim = alignment_of(adkim.value_or("r"));
  record.spf = alignment_of(aspf.value_or("r"));
  return record;
}

}  // namespace countersign::mailauth
