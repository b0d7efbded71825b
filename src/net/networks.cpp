#include "net/networks.hpp"

#include <algorithm>
#include <charconv>
#include <span>
#include <string>

#include "base/text.hpp"

namespace countersign::net {
namespace ip = boost::asio::ip;
namespace {

std::vector<std::uint8_t> bytes_of(const ip::address& address) {
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    return {bytes.begin(), bytes.end()};
  }
  const auto bytes = address.to_v6().to_bytes();
  return {bytes.begin(), bytes.end()};
}

bool bit_at(std::span<const std::uint8_t> bytes, std::size_t bit) {
  return ((bytes[bit / 8] >> (7 - bit % 8)) & 1U) != 0;
}

std::optional<std::size_t> number(std::string_view digits) {
  std::size_t value = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (fault != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

ip::address unmapped(const ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return ip::make_address_v4(ip::v4_mapped, address.to_v6());
}

std::optional<Networks> Networks::parse(std::string_view list) {
  Networks out;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    const std::string_view entry = trim(list.substr(begin, end - begin));
    begin = end + 1;
    if (entry.empty()) continue;
    auto network = parse_one(entry);
    if (!network) return std::nullopt;
    out.networks_.push_back(*std::move(network));
  }
  return out;
}

std::optional<Networks::Network> Networks::parse_one(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view name = text.substr(0, slash);
  // Neither a zone (RFC 4007 §11) nor a NUL, where make_address would stop reading.
  if (name.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return std::nullopt;
  boost::system::error_code error;
  Network network{ip::make_address(std::string(name), error), 0};
  if (error || unmapped(network.address) != network.address) return std::nullopt;
  const auto bytes = bytes_of(network.address);
  network.prefix_bits = bytes.size() * 8;
  if (slash == std::string_view::npos) return network;
  const auto bits = number(text.substr(slash + 1));
  if (!bits || *bits > network.prefix_bits) return std::nullopt;
  for (std::size_t bit = *bits; bit < network.prefix_bits; ++bit) {
    if (bit_at(bytes, bit)) return std::nullopt;
  }
  network.prefix_bits = *bits;
  return network;
}

bool Networks::contains(const ip::address& address) const {
  const ip::address plain = unmapped(address);
  const auto bytes = bytes_of(plain);
  return std::ranges::any_of(networks_, [&](const Network& network) {
    if (network.address.is_v4() != plain.is_v4()) return false;
    const auto wanted = bytes_of(network.address);
    for (std::size_t bit = 0; bit < network.prefix_bits; ++bit) {
      if (bit_at(bytes, bit) != bit_at(wanted, bit)) return false;
    }
    return true;
  });
}

}  // namespace countersign::net
