#include "mailauth/dkim_signature.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "mailauth/dkim_tags.hpp"

namespace countersign::mailauth {
namespace {

SignatureFault permerror(std::string text) { return {DkimStatus::permerror, std::move(text)}; }
SignatureFault policy(std::string text) { return {DkimStatus::policy, std::move(text)}; }

// All below return what is wrong, or nothing.
using Fault = std::optional<SignatureFault>;

std::optional<Canonical> canonical_of(std::string_view name) {
  const std::string lower = ascii_lower(name);
  if (lower == "simple") return Canonical::simple;
  if (lower == "relaxed") return Canonical::relaxed;
  return std::nullopt;
}

Fault read_canonical(const TagList& tags, Signature& out) {
  const auto value = tags.find("c");
  if (!value) return std::nullopt;
  const std::size_t slash = value->find('/');
  const auto header = canonical_of(value->substr(0, slash));
  const auto body = slash == std::string_view::npos ? std::optional(Canonical::simple)
                                                    : canonical_of(value->substr(slash + 1));
  if (!header || !body) return permerror("the canonicalisation is unknown (c=)");
  out.header_form = *header;
  out.body_form = *body;
  return std::nullopt;
}

Fault read_names(const TagList& tags, SignatureKind kind, Signature& out) {
  const auto value = tags.find("h");
  if (!value) return permerror("h= is missing");
  const auto names = split_colons(*value);
  if (names.size() > kSignedNamesMax) return permerror("h= names too many fields");
  for (const std::string_view name : names) {
    const bool proper =
        !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; });
    if (!proper) return permerror("h= is malformed");
    out.signed_names.push_back(ascii_lower(name));
  }
  const auto names_field = [&](std::string_view name) {
    return std::ranges::find(out.signed_names, name) != out.signed_names.end();
  };
  // RFC 6376 §5.4.
  if (!names_field("from")) return permerror("the From field is not signed (h=)");
  // RFC 8617 §4.1.2.
  if (kind == SignatureKind::arc_message && names_field("arc-seal")) return permerror("h= names ARC-Seal");
  return std::nullopt;
}

// dkim-quoted-printable (RFC 6376 §2.11), as far as finding the domain needs it.
std::string decode_identity(std::string_view value) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    if (c == '=' && i + 2 < value.size() && digit(value[i + 1]) >= 0 && digit(value[i + 2]) >= 0) {
      out += static_cast<char>(digit(value[i + 1]) * 16 + digit(value[i + 2]));
      i += 2;
    } else {
      out += c;
    }
  }
  return out;
}

Fault read_identity(const TagList& tags, Signature& out) {
  out.identity_domain = *out.domain;
  const auto value = tags.find("i");
  if (!value) return std::nullopt;
  const std::string identity = decode_identity(*value);
  const std::size_t at = identity.rfind('@');
  if (at == std::string::npos) return permerror("i= has no @");
  out.identity_domain = ascii_lower(std::string_view(identity).substr(at + 1));
  const bool within = out.identity_domain == *out.domain || out.identity_domain.ends_with("." + *out.domain);
  if (!within) return permerror("i= is not within d=");
  return std::nullopt;
}

Fault read_times(const TagList& tags, UtcTime now) {
  constexpr std::size_t kDigitsMax = 12;
  std::optional<std::uint64_t> times[2];
  const std::string_view names[] = {"t", "x"};
  for (std::size_t i = 0; i < 2; ++i) {
    const auto value = tags.find(names[i]);
    if (!value) continue;
    times[i] = decode_tag_number(*value, kDigitsMax);
    if (!times[i]) return permerror(std::string(names[i]) + "= is no time");
  }
  const auto& [signed_at, expires_at] = times;
  if (signed_at && expires_at && *expires_at <= *signed_at) return permerror("x= is not after t=");
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  const auto clock = [&](std::chrono::seconds skew) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>((seconds + skew).count(), 0));
  };
  if (signed_at && *signed_at > clock(kClockSkew)) return policy("signed in the future (t=)");
  if (expires_at && *expires_at < clock(-kClockSkew)) return policy("the signature has expired (x=)");
  return std::nullopt;
}

Fault read_octets(const TagList& tags, Signature& out) {
  const auto signature = tags.find("b");
  const auto body_hash = tags.find("bh");
  if (!signature || !body_hash) return permerror(signature ? "bh= is missing" : "b= is missing");
  auto octets = decode_tag_base64(*signature);
  if (!octets) return permerror("b= is malformed");
  auto hash = decode_tag_base64(*body_hash);
  if (!hash || hash->size() != Sha256().size()) return permerror("bh= is no SHA-256");
  out.octets = std::move(*octets);
  out.body_hash = std::move(*hash);
  if (const auto length = tags.find("l")) {
    constexpr std::size_t kDigitsMax = 76;
    out.length = decode_tag_number(*length, kDigitsMax);
    if (!out.length) return permerror("l= is no number");
  }
  return std::nullopt;
}

Fault read_tags(const TagList& tags, SignatureKind kind, UtcTime now, Signature& out) {
  if (const auto domain = tags.find("d")) out.domain = decode_tag_domain(*domain, 2);
  if (const auto selector = tags.find("s")) out.selector = decode_tag_domain(*selector, 1);
  if (kind == SignatureKind::dkim && tags.find("v") != "1") return permerror("the version is not 1 (v=)");
  const auto algorithm = read_algorithm(tags.find("a"));
  if (!algorithm) return algorithm.error();
  out.key_type = *algorithm;
  if (!out.domain) return permerror("d= is missing or no domain in A-labels");
  if (!out.selector) return permerror("s= is missing or no selector");
  out.without = tags.span("b").value_or("");
  if (auto fault = read_octets(tags, out)) return fault;
  if (auto fault = read_canonical(tags, out)) return fault;
  if (auto fault = read_names(tags, kind, out)) return fault;
  out.identity_domain = *out.domain;
  // In ARC-Message-Signature, i= is the instance (RFC 8617 §4.1.2).
  if (kind == SignatureKind::dkim) {
    if (auto fault = read_identity(tags, out)) return fault;
  }
  if (const auto methods = tags.find("q")) {
    const auto is_dns = [](std::string_view method) { return ascii_lower(method) == "dns/txt"; };
    if (!std::ranges::any_of(split_colons(*methods), is_dns))
      return permerror("the key is not in the DNS (q=)");
  }
  return read_times(tags, now);
}

}  // namespace

Result<KeyType, SignatureFault> read_algorithm(std::optional<std::string_view> value) {
  if (!value) return unexpected(permerror("a= is missing"));
  const std::string name = ascii_lower(*value);
  if (name == "rsa-sha256") return KeyType::rsa;
  if (name == "ed25519-sha256") return KeyType::ed25519;
  if (name == "rsa-sha1") return unexpected(permerror("rsa-sha1 does not count any more (RFC 8301)"));
  return unexpected(permerror("the algorithm is unknown (a=)"));
}

Signature read_signature(std::string_view value, SignatureKind kind, UtcTime now) {
  Signature out;
  const auto tags = TagList::parse(value);
  if (!tags) {
    out.fault = permerror(tags.error());
  } else {
    out.fault = read_tags(*tags, kind, now, out);
  }
  return out;
}

SignedMessage::SignedMessage(std::string_view raw) : message_(split_message(raw)) {
  for (std::size_t i = 0; i < message_.fields.size(); ++i) {
    const std::string& name = message_.fields[i].name;
    if (!name.empty()) by_name_[name].push_back(i);
  }
}

const std::vector<std::size_t>& SignedMessage::all(const std::string& name) const {
  static const std::vector<std::size_t> kNone;
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? kNone : found->second;
}

const BodyDigest& SignedMessage::body_digest(Canonical form, std::optional<std::uint64_t> length) {
  const std::pair key(form, length);
  if (const auto found = bodies_.find(key); found != bodies_.end()) return found->second;
  return bodies_.emplace(key, digest_body(message_.body, form, length)).first->second;
}

std::string SignedMessage::signed_fields(const Signature& signature, std::optional<std::size_t> own) const {
  std::string input;
  // The fields of a name are used from the bottom up, each once; what is named once more than there are
  // fields signs that there is none (RFC 6376 §5.4.2).
  std::unordered_map<std::string_view, std::size_t> used;
  for (const std::string& name : signature.signed_names) {
    const auto& candidates = all(name);
    std::size_t& count = used[name];
    if (count < candidates.size() && candidates[candidates.size() - 1 - count] == own) ++count;
    if (count >= candidates.size()) continue;
    const HeaderField& field = message_.fields[candidates[candidates.size() - 1 - count]];
    ++count;
    append_canonical_field(input, field.text, signature.header_form);
    input += "\r\n";
  }
  return input;
}

std::string_view SignedMessage::partly_signed(const Signature& signature) const {
  // RFC 5322 §3.6 and RFC 2045 §3.
  static const std::array<std::string, 12> kOnce = {
      "subject",     "to",         "cc",           "date",         "message-id", "reply-to",
      "in-reply-to", "references", "mime-version", "content-type", "content-id", "content-transfer-encoding"};
  for (const std::string& name : kOnce) {
    const std::size_t there = all(name).size();
    if (there < 2) continue;
    const auto signed_times = static_cast<std::size_t>(std::ranges::count(signature.signed_names, name));
    if (signed_times > 0 && signed_times < there) return name;
  }
  return {};
}

Sha256 SignedMessage::header_digest(const Signature& signature, std::size_t own) const {
  std::string input = signed_fields(signature, own);
  append_without(input, message_.fields[own].text, signature.without, signature.header_form);
  return sha256(input);
}

Sha256 SignedMessage::header_digest(const Signature& signature, std::string_view new_field) const {
  std::string input = signed_fields(signature, std::nullopt);
  append_canonical_field(input, new_field, signature.header_form);
  return sha256(input);
}

void append_without(std::string& out, std::string_view text, std::string_view without, Canonical form) {
  const auto at = static_cast<std::size_t>(without.data() - text.data());
  std::string emptied(text.substr(0, at));
  emptied += text.substr(at + without.size());
  append_canonical_field(out, emptied, form);
}

}  // namespace countersign::mailauth
