#include "net/address_rules.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace countersign::net {
namespace {

namespace ip = boost::asio::ip;

struct Block4 {
  std::uint32_t first;
  int bits;
};

// IANA IPv4 Special-Purpose Address Registry, and multicast (RFC 5771).
constexpr std::array<Block4, 16> kNotPublic4{{
    {0x00000000, 8},   // 0.0.0.0/8       this network, RFC 791 §3.2
    {0x0A000000, 8},   // 10.0.0.0/8      private use, RFC 1918
    {0x64400000, 10},  // 100.64.0.0/10   shared address space (CGNAT), RFC 6598
    {0x7F000000, 8},   // 127.0.0.0/8     loopback, RFC 1122 §3.2.1.3
    {0xA9FE0000, 16},  // 169.254.0.0/16  link local, RFC 3927; metadata services
    {0xAC100000, 12},  // 172.16.0.0/12   private use, RFC 1918
    {0xC0000000, 24},  // 192.0.0.0/24    IETF protocol assignments, RFC 6890 §2.1
    {0xC0000200, 24},  // 192.0.2.0/24    documentation, RFC 5737
    {0xC0586300, 24},  // 192.88.99.0/24  6to4 relay anycast, RFC 7526
    {0xC0A80000, 16},  // 192.168.0.0/16  private use, RFC 1918
    {0xC6120000, 15},  // 198.18.0.0/15   benchmarking, RFC 2544
    {0xC6336400, 24},  // 198.51.100.0/24 documentation, RFC 5737
    {0xCB007100, 24},  // 203.0.113.0/24  documentation, RFC 5737
    {0xE0000000, 4},   // 224.0.0.0/4     multicast, RFC 5771
    {0xF0000000, 4},   // 240.0.0.0/4     reserved, RFC 1112 §4; 255.255.255.255 broadcast
    {0xA83F8110, 32},  // 168.63.129.16   the platform's virtual address in Azure
}};

struct Block6 {
  std::array<std::uint8_t, 16> first;
  int bits;
};

// Only 2000::/3 is global unicast at all (RFC 4291 §2.4, IANA IPv6 address space); these are the exceptions
// in it.
constexpr std::array<Block6, 5> kNotPublic6{{
    {{0x20, 0x01, 0x00, 0x00}, 23},  // 2001::/23      protocol assignments, Teredo among them, RFC 2928
    {{0x20, 0x01, 0x0d, 0xb8}, 32},  // 2001:db8::/32  documentation, RFC 3849
    {{0x20, 0x02}, 16},              // 2002::/16      6to4, RFC 3056
    {{0x26, 0x20, 0x00, 0x4f, 0x80, 0x00}, 48},  // 2620:4f:8000::/48 AS112, RFC 7534
    {{0x3f, 0xff}, 20},                          // 3fff::/20      documentation, RFC 9637
}};

bool within(std::uint32_t address, const Block4& block) {
  const std::uint32_t mask = ~std::uint32_t{0} << (32 - block.bits);
  return (address & mask) == block.first;
}

bool within(const ip::address_v6::bytes_type& address, const std::array<std::uint8_t, 16>& first, int bits) {
  for (int i = 0; i < bits; ++i) {
    const auto at = static_cast<std::size_t>(i / 8);
    const int bit = 0x80 >> (i % 8);
    if ((address[at] & bit) != (first[at] & bit)) return false;
  }
  return true;
}

bool is_public4(std::uint32_t address) {
  return std::ranges::none_of(kNotPublic4, [&](const Block4& block) { return within(address, block); });
}

// RFC 5214 §6.1: the interface identifier of ISATAP is ::0:5efe:a.b.c.d or ::200:5efe:a.b.c.d.
bool is_isatap(const ip::address_v6::bytes_type& address) {
  return (address[8] == 0x00 || address[8] == 0x02) && address[9] == 0x00 && address[10] == 0x5e &&
         address[11] == 0xfe;
}

bool is_public6(const ip::address_v6& address) {
  const ip::address_v6::bytes_type bytes = address.to_bytes();
  if (address.scope_id() != 0 || !within(bytes, {0x20}, 3) || is_isatap(bytes)) return false;
  return std::ranges::none_of(kNotPublic6,
                              [&](const Block6& block) { return within(bytes, block.first, block.bits); });
}

}  // namespace

bool is_public(const ip::address& address) {
  return address.is_v4() ? is_public4(address.to_v4().to_uint()) : is_public6(address.to_v6());
}

}  // namespace countersign::net
