// Page cursors (contract §6): opaque to clients, bound to the filters they were made for, tamper-evident.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace countersign::agent::rest {

/// The last row of a page: where the next one continues, strictly after it.
struct CursorKey {
  std::int64_t created_at_us = 0;
  std::string id;
  friend bool operator==(const CursorKey&, const CursorKey&) = default;
};

enum class CursorFault : std::uint8_t { invalid };

/// Makes and reads cursors of the form base64url(JSON) "." base64url(HMAC-SHA256(secret, first part)).
class Cursors {
 public:
  explicit Cursors(std::string secret) : secret_(std::move(secret)) {}

  /// filters: any text that names the list and every filter in force after defaulting
  /// (`messages|a@b|inbound|…`); only its hash is in the cursor.
  [[nodiscard]] std::string encode(const CursorKey& key, std::string_view filters) const;
  /// Refuses what was not made by encode with the same secret and filters: answer 400 invalid_cursor.
  [[nodiscard]] Result<CursorKey, CursorFault> decode(std::string_view cursor,
                                                      std::string_view filters) const;

 private:
  std::string secret_;
};

}  // namespace countersign::agent::rest
