#include "console/guard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/crypto.hpp"
#include "base/text.hpp"

namespace countersign::console {
namespace {

bool changes_something(const net::Request& request) {
  return request.method != "GET" && request.method != "HEAD";
}

// `https://host:port` of an Origin or a URL, without the default port.
std::string origin_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  const std::size_t end = url.find_first_of("/?#", scheme + 3);
  std::string origin = ascii_lower(url.substr(0, end));
  for (const std::string_view port : {std::string_view(":80"), std::string_view(":443")}) {
    const bool default_port = origin.starts_with(port == ":80" ? "http://" : "https://");
    if (default_port && origin.ends_with(port)) origin.resize(origin.size() - port.size());
  }
  return origin;
}

// The origin is where people reach this server, or where this very request was sent to.
bool is_own_origin(std::string_view origin, const net::Request& request, std::string_view public_url) {
  const std::string given = origin_of(origin);
  if (given.empty()) return false;
  if (!public_url.empty() && given == origin_of(public_url)) return true;
  const std::string_view host = request.headers.get("Host");
  if (host.empty()) return false;
  const std::string_view scheme = std::string_view(given).substr(0, given.find("://") + 3);
  return given == origin_of(std::string(scheme) + std::string(host));
}

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

bool is_same_origin(const net::Request& request, std::string_view public_url) {
  const auto site = request.headers.find("Sec-Fetch-Site");
  if (site && *site != "same-origin" && *site != "none") return false;
  const auto origin = request.headers.find("Origin");
  if (origin && !is_own_origin(*origin, request, public_url)) return false;
  if (!changes_something(request)) return true;
  return origin.has_value() || (site && *site == "same-origin");
}

std::optional<std::string> session_token(const net::Headers& headers) {
  for (const net::Header& field : headers) {
    if (!net::equal_ignoring_case(field.name, "Cookie")) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t end = rest.find(';');
      const std::string_view pair = trim(rest.substr(0, end));
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      if (!pair.starts_with(kCookie) || pair.substr(kCookie.size(), 1) != "=") continue;
      const std::string_view token = pair.substr(kCookie.size() + 1);
      if (token.size() == kTokenDigits && is_hex(token)) return std::string(token);
    }
  }
  return std::nullopt;
}

std::string token_hash(std::string_view token) { return sha256_hex(token); }

std::string csrf_token(std::string_view token) {
  return to_hex(hmac_sha256(token, "console: this page may change something"));
}

std::string setup_token(std::string_view secret, UtcTime expires) {
  const std::string until = std::to_string(to_us(expires) / 1'000'000);
  return until + "." + to_hex(hmac_sha256(secret, "console setup " + until));
}

bool is_setup_token(std::string_view token, std::string_view secret, UtcTime now) {
  const std::string_view digits = token.substr(0, token.find('.'));
  std::int64_t until = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), until);
  constexpr std::int64_t kSecondsMax = 253'402'300'799;  // the last second of the year 9999
  if (error != std::errc() || end != digits.data() + digits.size() || until < 0 || until > kSecondsMax)
    return false;
  const UtcTime expires = from_us(until * 1'000'000);
  return equal_constant_time(token, setup_token(secret, expires)) && now < expires;
}

std::string cookie_of(std::string_view token, std::int64_t lifetime_seconds, bool secure) {
  return fmt::format("{}={}; Path=/console; Max-Age={}; HttpOnly; SameSite=Strict{}", kCookie, token,
                     token.empty() ? 0 : lifetime_seconds, secure ? "; Secure" : "");
}

}  // namespace countersign::console
