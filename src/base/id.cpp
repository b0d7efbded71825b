#include "base/id.hpp"

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/crypto.hpp"

namespace countersign {
namespace {

constexpr std::size_t kOrderDigits = 12;  // milliseconds until the year 10889

}  // namespace

std::string random_hex(std::size_t count) {
  CS_ASSERT(count % 2 == 0 && count <= 128);
  return to_hex(random_bytes(count / 2));
}

std::string random_id(std::string_view prefix) { return std::string(prefix) + random_hex(32); }

std::string ordered_id(std::string_view prefix, UtcTime now) {
  return fmt::format("{}{:012x}{}", prefix, to_us(now) / 1000, random_hex(32 - kOrderDigits));
}

std::string derived_id_near(std::string_view neighbour, std::string_view prefix,
                            std::initializer_list<std::string_view> parts) {
  std::string id = derived_id(prefix, parts);
  const auto digits = neighbour.find('_') + 1;
  if (digits > 0 && neighbour.size() >= digits + kOrderDigits) {
    id.replace(prefix.size(), kOrderDigits, neighbour.substr(digits, kOrderDigits));
  }
  return id;
}

std::string derived_id(std::string_view prefix, std::initializer_list<std::string_view> parts,
                       std::size_t digits) {
  CS_ASSERT(digits <= 64);
  std::string joined;
  for (const std::string_view part : parts) {
    joined += std::to_string(part.size());
    joined += ':';
    joined += part;
  }
  return std::string(prefix) + sha256_hex(joined).substr(0, digits);
}

}  // namespace countersign
