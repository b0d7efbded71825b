#include "daemon/setting_rows.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <utility>

#include "base/text.hpp"
#include "net/networks.hpp"
#include "provider/http_reply.hpp"

namespace countersign::daemon {

std::string check_any(const std::string&) { return ""; }

std::string check_not_empty(const std::string& value) { return value.empty() ? "must not be empty" : ""; }

std::string check_store_url(const std::string& value) {
  if (value.empty()) return "";
  for (const std::string_view scheme : {"sqlite:", "postgres://", "postgresql://"}) {
    if (value.starts_with(scheme) && value.size() > scheme.size()) return "";
  }
  return "must be sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE";
}

std::string check_public_url(const std::string& value) {
  if (value.empty()) return "";
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (value.starts_with(scheme) && value.size() > scheme.size() &&
        value.find_first_of(" \t\r\n?#") == std::string::npos) {
      return "";
    }
  }
  return "must be an http:// or https:// URL without query";
}

// RFC 1035 §2.3.1 with the digits of RFC 1123 §2.1; 253 characters are what fits RFC 1035 §3.1.
std::string check_domain(const std::string& value) {
  if (value.empty()) return "";
  constexpr std::string_view kFault = "must be a domain name such as agents.example.com";
  if (value.size() > 253) return std::string(kFault);
  std::size_t begin = 0;
  while (begin <= value.size()) {
    const std::size_t end = std::min(value.find('.', begin), value.size());
    const std::string_view label = std::string_view(value).substr(begin, end - begin);
    const bool sized = !label.empty() && label.size() <= 63;
    if (!sized || label.front() == '-' || label.back() == '-') return std::string(kFault);
    for (const char c : ascii_lower(label)) {
      const bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
      if (!allowed) return std::string(kFault);
    }
    begin = end + 1;
  }
  return "";
}

// Where secrets are sent to.
std::string check_endpoint(const std::string& value) {
  return value.empty() || provider::is_endpoint(value)
             ? ""
             : "must be an https:// URL (http:// only towards this machine itself)";
}

// RFC 9110 §5.5: what may stand in a header field.
std::string check_header_value(const std::string& value) {
  return std::ranges::all_of(value, [](char c) { return c > 0x20 && c < 0x7f; })
             ? ""
             : "must be ASCII characters without blanks";
}

std::string check_host(const std::string& value) {
  return value.find_first_of(" \t\r\n/@") == std::string::npos ? "" : "must be a host name or address";
}

// A list in one text: its entries, without blanks around them.
std::vector<std::string> entries_of(const std::string& value) {
  std::vector<std::string> entries;
  for (std::size_t begin = 0; begin <= value.size();) {
    const std::size_t end = std::min(value.find(',', begin), value.size());
    const std::string_view entry = trim(std::string_view(value).substr(begin, end - begin));
    if (!entry.empty()) entries.emplace_back(entry);
    begin = end + 1;
  }
  return entries;
}

// Enough entropy for HMAC-SHA256 (RFC 2104 §3: no shorter than the hash).
std::string check_secret(const std::string& value) {
  return value.empty() || value.size() >= 32 ? "" : "must have at least 32 bytes";
}

std::optional<Endpoint> read_endpoint(const std::string& value) {
  const std::size_t colon = value.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  std::string address = value.substr(0, colon);
  const bool bracketed = address.size() > 2 && address.front() == '[' && address.back() == ']';
  if (bracketed) address = address.substr(1, address.size() - 2);
  if (address.empty() || bracketed != (address.find(':') != std::string::npos)) return std::nullopt;
  boost::system::error_code no_address;
  boost::asio::ip::make_address(address, no_address);
  if (no_address) return std::nullopt;
  Endpoint out{.address = std::move(address)};
  const char* const end = value.data() + value.size();
  const auto [rest, fault] = std::from_chars(value.data() + colon + 1, end, out.port);
  if (fault != std::errc() || rest != end) return std::nullopt;
  return out;
}

std::string check_listen(const std::string& value) {
  return read_endpoint(value) ? "" : "must be ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080";
}

std::string check_listen_or_off(const std::string& value) {
  return value.empty() || read_endpoint(value)
             ? ""
             : "must be ADDRESS:PORT such as 0.0.0.0:25 or [::]:25, or empty to turn it off";
}

std::string check_networks(const std::string& value) {
  return net::Networks::parse(value) ? "" : "must be networks such as 10.0.0.0/8, separated by commas";
}

std::string check_servers(const std::string& value) {
  for (const std::string& entry : entries_of(value)) {
    if (entry.find_first_not_of("0123456789abcdefABCDEF:.@") != std::string::npos) {
      return "must be addresses such as 192.0.2.53 or 127.0.0.1@5353, separated by commas";
    }
  }
  return "";
}

void listen_on(const std::string& value, std::string& address, std::uint16_t& port) {
  const auto endpoint = read_endpoint(value);
  address = endpoint ? endpoint->address : "";
  port = endpoint ? endpoint->port : std::uint16_t{0};
}

// Rows of the table, by type.

Setting text(std::string_view key, std::string fallback, std::string_view doc, CheckText check,
             ApplyText apply) {
  return {.key = key,
          .type = SettingType::text,
          .fallback = std::move(fallback),
          .doc = doc,
          .apply = apply,
          .check = check};
}

Setting number(std::string_view key, std::int64_t fallback, Range range, std::string_view doc,
               ApplyNumber apply) {
  return {.key = key,
          .type = SettingType::number,
          .fallback = fallback,
          .doc = doc,
          .apply = apply,
          .min = range.min,
          .max = range.max};
}

Setting flag(std::string_view key, bool fallback, std::string_view doc, ApplyFlag apply) {
  return {.key = key, .type = SettingType::flag, .fallback = fallback, .doc = doc, .apply = apply};
}

Setting choice(std::string_view key, std::span<const std::string_view> choices, std::int64_t fallback,
               std::string_view doc, ApplyNumber apply) {
  return {.key = key,
          .type = SettingType::choice,
          .fallback = fallback,
          .doc = doc,
          .apply = apply,
          .choices = choices};
}

Setting else_is(std::string_view note, Setting setting) {
  setting.fallback_note = note;
  return setting;
}

Setting shown(Shown how, Setting setting) {
  setting.shown = how;
  return setting;
}

}  // namespace countersign::daemon
