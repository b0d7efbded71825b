#include "notify/link.hpp"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "base/assert.hpp"
#include "base/seal.hpp"

namespace countersign::notify {
namespace {

constexpr std::string_view kPurpose = "review links";

std::string_view bytes_of(const Sha256& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

constexpr std::int64_t kSecondsMax = 253'402'300'799;  // the end of the year 9999

}  // namespace

std::string_view name_of(LinkAction action) {
  switch (action) {
    case LinkAction::approve:
      return "approve";
    case LinkAction::reject:
      return "reject";
  }
  CS_ASSERT(false);
}

Links::Links(std::string_view secret) : key_(derive_key(secret, kPurpose)) {}

std::string Links::mac(std::string_view payload, std::string_view link_key) const {
  const Sha256 digest = hmac_sha256(bytes_of(key_), fmt::format("{}\n{}", link_key, payload));
  return base64url_encode(bytes_of(digest));
}

std::string Links::make(const LinkClaims& claims, std::string_view link_key) const {
  const auto expiry = std::chrono::floor<std::chrono::seconds>(claims.expires_at).time_since_epoch().count();
  const std::string payload =
      fmt::format("{}|{}|{}|{}", claims.message.str(), name_of(claims.action), expiry, claims.revision);
  return base64url_encode(payload) + "." + mac(payload, link_key);
}

std::optional<LinkClaims> Links::read(std::string_view token) {
  if (token.size() > kTokenBytesMax) return std::nullopt;
  const std::size_t dot = token.find('.');
  if (dot == std::string_view::npos || !base64url_decode(token.substr(dot + 1))) return std::nullopt;
  const auto payload = base64url_decode(token.substr(0, dot));
  if (!payload) return std::nullopt;
  const auto parts = split(*payload, '|');
  if (parts.size() != 4 || !parts[0].starts_with("msg_")) return std::nullopt;
  const auto expiry = number_of(parts[2]);
  const auto revision = number_of(parts[3]);
  if (!expiry || *expiry > kSecondsMax || !revision) return std::nullopt;
  LinkClaims claims;
  claims.message = MessageId(std::string(parts[0]));
  if (parts[1] == "reject") {
    claims.action = LinkAction::reject;
  } else if (parts[1] != "approve") {
    return std::nullopt;
  }
  claims.expires_at = UtcTime(std::chrono::seconds(*expiry));
  claims.revision = *revision;
  return claims;
}

bool Links::proven(std::string_view token, std::string_view link_key) const {
  const std::size_t dot = token.find('.');
  if (dot == std::string_view::npos) return false;
  const auto payload = base64url_decode(token.substr(0, dot));
  return payload && equal_constant_time(token.substr(dot + 1), mac(*payload, link_key));
}

}  // namespace countersign::notify
