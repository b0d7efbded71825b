// The structure of a message: header fields and the tree of its parts, as views into the raw bytes. The walk
// is ours because hostile mail is capped here, before anything is decoded. Internal to the mail module.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/decode.hpp"

namespace countersign::mail {

inline constexpr std::size_t kRawBytesMax = 64 * 1024 * 1024;  // above every limit on stored mail
inline constexpr std::size_t kHeaderBytesMax = 256 * 1024;     // per header; fields beyond are left out
inline constexpr std::size_t kFieldBytesMax = 64 * 1024;       // a longer field is read as empty
inline constexpr std::size_t kFieldsMax = 1000;                // per header
inline constexpr std::size_t kPartsMax = 500;                  // parts beyond are left out
inline constexpr std::size_t kDepthMax = 10;                   // multiparts deeper down are left out

struct Field {
  std::string_view name;
  std::string_view value;  // as it stands, folds included
};

/// A message or a part of one (RFC 2045 §2.4).
struct Entity {
  std::vector<Field> fields;
  std::string_view body;
  MediaType media_type;
  Disposition disposition;
  std::vector<Entity> parts;  // of a multipart
  bool multipart = false;

  /// The first field of that name (lower case), unfolded; nothing when there is none.
  [[nodiscard]] std::optional<std::string> field(std::string_view name) const;
  /// All fields of that name, unfolded.
  [[nodiscard]] std::vector<std::string> all(std::string_view name) const;
  [[nodiscard]] std::string transfer_encoding() const;
  /// File name of the disposition, else of the media type.
  [[nodiscard]] const std::string& filename() const;
};

/// Reads the structure of any bytes. The views point into `raw`. A multipart without a usable boundary or
/// without parts counts as one plain text.
[[nodiscard]] Entity read_entity(std::string_view raw);
/// The same with the body as it stands: no media type or parts.
[[nodiscard]] Entity read_header_only(std::string_view raw);

}  // namespace countersign::mail
