#include "base/id.hpp"

#include "base/assert.hpp"
#include "base/crypto.hpp"

namespace countersign {

std::string random_hex(std::size_t count) {
  CS_ASSERT(count % 2 == 0 && count <= 128);
  return to_hex(random_bytes(count / 2));
}

std::string random_id(std::string_view prefix) { return std::string(prefix) + random_hex(32); }

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
