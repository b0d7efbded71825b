#include "mailauth/arc.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <vector>

#include "base/text.hpp"
#include "mailauth/dkim_judge.hpp"
#include "mailauth/dkim_signature.hpp"
#include "mailauth/dkim_tags.hpp"

namespace countersign::mailauth {
namespace {

// In the order in which a set is sealed (RFC 8617 §5.1.1).
constexpr std::array<const char*, 3> kFieldNames{"arc-authentication-results", "arc-message-signature",
                                                 "arc-seal"};
constexpr std::size_t kResults = 0;
constexpr std::size_t kMessageSignature = 1;
constexpr std::size_t kSeal = 2;

// One instance: where its three fields stand in the message.
using Set = std::array<std::optional<std::size_t>, kFieldNames.size()>;

std::optional<std::size_t> instance_of(std::optional<std::string_view> value) {
  const auto number = decode_tag_number(value.value_or(""), 2);
  if (!number || *number < 1 || *number > kArcInstancesMax) return std::nullopt;
  return static_cast<std::size_t>(*number);
}

// The results field is no tag list; it begins with `i=1;` (RFC 8617 §4.1.1). Comments there are not expected.
std::optional<std::size_t> instance_of_field(const HeaderField& field, std::size_t kind) {
  if (kind != kResults) {
    const auto tags = TagList::parse(field.value());
    return tags ? instance_of(tags->find("i")) : std::nullopt;
  }
  const auto tags = TagList::parse(field.value().substr(0, field.value().find(';')));
  return tags ? instance_of(tags->find("i")) : std::nullopt;
}

// The sets by instance, complete and without gaps; nothing when they are not (RFC 8617 §5.2, step 3 A to C).
std::optional<std::vector<Set>> collect(const SignedMessage& message) {
  std::vector<Set> sets;
  for (std::size_t kind = 0; kind < kFieldNames.size(); ++kind) {
    for (const std::size_t at : message.all(kFieldNames[kind])) {
      const auto instance = instance_of_field(message.fields()[at], kind);
      if (!instance) return std::nullopt;
      if (sets.size() < *instance) sets.resize(*instance);
      auto& place = sets[*instance - 1][kind];
      if (place) return std::nullopt;
      place = at;
    }
  }
  const auto complete = [](const Set& set) {
    return std::ranges::all_of(set, [](const auto& place) { return place.has_value(); });
  };
  return std::ranges::all_of(sets, complete) ? std::optional(std::move(sets)) : std::nullopt;
}

struct Seal {
  std::string domain;
  std::string selector;
  KeyType key_type = KeyType::rsa;
  std::string octets;
  std::string_view without;
};

std::string key_name_of(const Seal& seal) { return seal.selector + "._domainkey." + seal.domain; }

// RFC 8617 §4.1.3. `first`: the seal of instance 1, whose cv= is none while all others say pass.
std::optional<Seal> read_seal(std::string_view value, bool first) {
  const auto tags = TagList::parse(value);
  if (!tags || tags->find("h")) return std::nullopt;
  if (ascii_lower(tags->find("cv").value_or("")) != (first ? "none" : "pass")) return std::nullopt;
  const auto algorithm = read_algorithm(tags->find("a"));
  const auto domain = decode_tag_domain(tags->find("d").value_or(""), 2);
  const auto selector = decode_tag_domain(tags->find("s").value_or(""), 1);
  auto octets = decode_tag_base64(tags->find("b").value_or(""));
  if (!algorithm || !domain || !selector || !octets) return std::nullopt;
  return Seal{*domain, *selector, *algorithm, std::move(*octets), *tags->span("b")};
}

class SealJudge final : public KeyJudge {
 public:
  SealJudge(const Sha256& digest, const std::string& octets) : digest_(digest), octets_(octets) {}
  Judgement judge(const KeyRecord& record) override {
    if (record.key->verify(digest_, octets_)) return {DkimStatus::pass, ""};
    return {DkimStatus::fail, ""};
  }

 private:
  const Sha256& digest_;
  const std::string& octets_;
};

// What the seal of instance `count` signs: all fields of the sets up to it (RFC 8617 §5.1.1).
// `prefix` is the canonical form of the sets before it and grows by this one.
Sha256 seal_digest(const SignedMessage& message, const Set& set, const Seal& seal, std::string& prefix) {
  for (std::size_t kind = 0; kind < kSeal; ++kind) {
    append_canonical_field(prefix, message.fields()[*set[kind]].text, Canonical::relaxed);
    prefix += "\r\n";
  }
  const std::size_t before = prefix.size();
  append_without(prefix, message.fields()[*set[kSeal]].text, seal.without, Canonical::relaxed);
  const Sha256 digest = sha256(prefix);
  prefix.resize(before);
  append_canonical_field(prefix, message.fields()[*set[kSeal]].text, Canonical::relaxed);
  prefix += "\r\n";
  return digest;
}

boost::asio::awaitable<bool> chain_holds(KeyFinder& keys, SignedMessage& message,
                                         const std::vector<Set>& sets, UtcTime now) {
  std::vector<Seal> seals;
  std::vector<Sha256> digests;
  std::string prefix;
  for (const Set& set : sets) {
    auto seal = read_seal(message.fields()[*set[kSeal]].value(), seals.empty());
    if (!seal) co_return false;
    digests.push_back(seal_digest(message, set, *seal, prefix));
    seals.push_back(std::move(*seal));
  }
  // Each may have a key of its own, which takes its time to ask for.
  std::set<std::string> names;
  for (const Seal& seal : seals) names.insert(key_name_of(seal));
  if (names.size() > kSealKeysMax) co_return false;
  // Step 4: the newest message signature. Older ones no longer match by right.
  const std::size_t newest = *sets.back()[kMessageSignature];
  const Signature signature =
      read_signature(message.fields()[newest].value(), SignatureKind::arc_message, now);
  if (signature.fault) co_return false;
  const Judgement of_message = co_await judge_signature(keys, message, signature, newest);
  if (of_message.status != DkimStatus::pass) co_return false;
  // Step 6: the seals, from the outermost inwards.
  for (std::size_t i = seals.size(); i-- > 0;) {
    SealJudge judge(digests[i], seals[i].octets);
    const Judgement of_seal = co_await judge_by_key(keys, key_name_of(seals[i]), seals[i].key_type, judge);
    if (of_seal.status != DkimStatus::pass) co_return false;
  }
  co_return true;
}

// d= of the seal with the highest instance that can be read.
std::string outermost_sealer(const SignedMessage& message) {
  std::string sealer;
  std::size_t highest = 0;
  for (const std::size_t at : message.all(kFieldNames[kSeal])) {
    const auto tags = TagList::parse(message.fields()[at].value());
    if (!tags) continue;
    const auto instance = instance_of(tags->find("i"));
    const auto domain = decode_tag_domain(tags->find("d").value_or(""), 2);
    if (!instance || !domain || *instance <= highest) continue;
    highest = *instance;
    sealer = *domain;
  }
  return sealer;
}

}  // namespace

boost::asio::awaitable<ArcNote> check_arc(net::DnsResolver& dns, std::string_view raw, UtcTime now) {
  SignedMessage message(raw);
  const bool any =
      std::ranges::any_of(kFieldNames, [&](const char* name) { return !message.all(name).empty(); });
  if (!any) co_return ArcNote{};
  ArcNote note;
  note.status = ArcStatus::fail;
  note.sealed_by = outermost_sealer(message);
  const auto sets = collect(message);
  if (!sets || message.over_limits() || message.malformed()) co_return note;
  KeyFinder keys(dns);
  const bool holds = co_await chain_holds(keys, message, *sets, now);
  if (holds) note.status = ArcStatus::pass;
  co_return note;
}

}  // namespace countersign::mailauth
