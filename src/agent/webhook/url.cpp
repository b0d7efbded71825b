#include "agent/webhook/url.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace countersign::agent::webhook {
namespace {

constexpr std::string_view kScheme = "https://";
constexpr std::size_t kNameBytesMax = 253;  // RFC 1035 §2.3.4
constexpr std::size_t kLabelBytesMax = 63;
constexpr std::size_t kPortDigitsMax = 5;
constexpr int kPortMax = 65'535;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_character(char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_'; }

// RFC 3986 §2.2, §2.3, with `%` of §2.1. Backslashes above all, which some readers take for slashes.
bool is_url_character(char c) {
  constexpr std::string_view kOther = "-._~:/?[]@!$&'()*+,;=%";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
         kOther.find(c) != std::string_view::npos;
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kLabelBytesMax && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, is_name_character);
}

// A last label that begins with a digit makes `1`, `0x7f.1` or `017700000001` an address for some readers.
bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > kNameBytesMax) return false;
  std::string_view last;
  for (std::size_t begin = 0; begin <= host.size();) {
    const std::size_t end = std::min(host.find('.', begin), host.size());
    last = host.substr(begin, end - begin);
    if (!is_label(last)) return false;
    begin = end + 1;
  }
  return !is_digit(last.front());
}

bool is_port(std::string_view port) {
  if (port.empty() || port.size() > kPortDigitsMax || !std::ranges::all_of(port, is_digit)) return false;
  int number = 0;
  for (const char c : port) number = number * 10 + (c - '0');
  return number > 0 && number <= kPortMax;
}

}  // namespace

std::optional<std::string> host_of(std::string_view url) {
  if (ascii_lower(url.substr(0, kScheme.size())) != kScheme) return std::nullopt;
  if (!std::ranges::all_of(url, is_url_character)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  const std::string_view authority = url.substr(0, url.find_first_of("/?"));
  const std::size_t colon = authority.find(':');
  std::string host = ascii_lower(authority.substr(0, colon));
  if (host.ends_with('.')) host.pop_back();
  if (!is_host_name(host)) return std::nullopt;
  if (colon != std::string_view::npos && !is_port(authority.substr(colon + 1))) return std::nullopt;
  return host;
}

}  // namespace countersign::agent::webhook
