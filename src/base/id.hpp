// Identifiers: strong types, random ones made at the edges, derived ones made anywhere.
#pragma once

#include <compare>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.hpp"

namespace countersign {

/// An identifier that cannot be confused with another kind. Comparable, movable, printable through str().
template <class Tag>
class Id {
 public:
  Id() = default;
  explicit Id(std::string value) : value_(std::move(value)) {}
  [[nodiscard]] const std::string& str() const noexcept { return value_; }
  [[nodiscard]] bool empty() const noexcept { return value_.empty(); }
  friend auto operator<=>(const Id&, const Id&) = default;

 private:
  std::string value_;
};

using UserId = Id<struct UserTag>;              // 32 hex, no prefix (contract §4.4)
using MessageId = Id<struct MessageTag>;        // msg_ + 32 hex
using SubmissionId = Id<struct SubmissionTag>;  // sub_ + 32 hex
using ApiKeyId = Id<struct ApiKeyTag>;          // apk_ + 32 hex

/// `count` lower-case hexadecimal digits (count even, ≤ 128) from the kernel's random source.
/// Throws EnvironmentError when the kernel refuses.
[[nodiscard]] std::string random_hex(std::size_t count);

/// prefix + 32 random hexadecimal digits: `random_id("msg_")`.
[[nodiscard]] std::string random_id(std::string_view prefix);

/// prefix + 32 hexadecimal digits: 12 for the milliseconds since 1970, 20 random. Rows made together then
/// stand together in every index, where random ids would touch a page each; see docs/decisions/0005.
[[nodiscard]] std::string ordered_id(std::string_view prefix, UtcTime now);

/// prefix + `digits` (≤ 64) hexadecimal digits of SHA-256 over the length-prefixed parts.
/// Rows that follow from another row take such an id, so that a rerun of a transaction body or a second
/// attempt at the same step names the same row, and the primary key refuses the duplicate.
[[nodiscard]] std::string derived_id(std::string_view prefix, std::initializer_list<std::string_view> parts,
                                     std::size_t digits = 32);

/// As derived_id with 32 digits, the first 12 of which are those of `neighbour` (an ordered id, or an id
/// derived from one): what follows from a row stands where that row stands. A neighbour without that many
/// digits gives none.
[[nodiscard]] std::string derived_id_near(std::string_view neighbour, std::string_view prefix,
                                          std::initializer_list<std::string_view> parts);

}  // namespace countersign
