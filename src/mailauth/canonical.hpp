// How DKIM and ARC see a message: its header fields as they stand, and both canonical forms of header and
// body (RFC 6376 §3.4). Nothing here knows a signature. Internal to mailauth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.hpp"

namespace countersign::mailauth {

enum class Canonical : std::uint8_t { simple, relaxed };

/// One field as it stands in the message. A line that is no field (an mbox "From " line, text without a
/// colon) has an empty name, which nothing selects.
struct HeaderField {
  std::string name;       // lower case, without the blanks before the colon
  std::string_view text;  // name, colon, value and folds; without the CRLF at its end
  std::size_t colon = 0;  // where it stands in text

  [[nodiscard]] std::string_view value() const { return text.substr(colon + 1); }
};

inline constexpr std::size_t kSignedHeaderBytesMax = 256 * 1024;
inline constexpr std::size_t kSignedFieldsMax = 1000;

/// Views into the message. Only CRLF ends a line; the first empty line ends the header.
struct SplitMessage {
  std::vector<HeaderField> fields;  // in the order of the message
  std::string_view body;            // empty when no empty line ends the header
  /// The header is longer or has more fields than the limits say; `fields` is its beginning. What a signature
  /// covers cannot be told then.
  bool over_limits = false;
  /// A line in the header is no field; `fields` ends before it. To whoever reads the message the header ends
  /// there (mail/entity.cpp), so that a signature over what follows would vouch for what nobody is shown.
  bool malformed = false;
};
[[nodiscard]] SplitMessage split_message(std::string_view raw);

/// Appends the canonical form of a field without a CRLF at its end (RFC 6376 §3.4.1, §3.4.2). `text` is the
/// field as in HeaderField; one without a colon is copied.
void append_canonical_field(std::string& out, std::string_view text, Canonical form);

/// SHA-256 over the canonical body (RFC 6376 §3.4.3, §3.4.4, §3.7), without a copy of it. `length` is l=:
/// only that many octets of the canonical form are hashed.
struct BodyDigest {
  Sha256 digest{};
  std::uint64_t canonical_bytes = 0;  // of the whole canonical body
};
[[nodiscard]] BodyDigest digest_body(std::string_view body, Canonical form,
                                     std::optional<std::uint64_t> length);

}  // namespace countersign::mailauth
