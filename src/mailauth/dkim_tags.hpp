// Tag lists (RFC 6376 §3.2): `v=1; a=rsa-sha256; …`, the form of signatures, seals and key records.
// Internal to mailauth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace countersign::mailauth {

inline constexpr std::size_t kTagListBytesMax = 16 * 1024;
inline constexpr std::size_t kTagsMax = 64;

/// Tags in their order; names are compared with regard to case, and none stands there twice.
class TagList {
 public:
  /// Views into `text`, which must outlive the list. Refuses with a reason for people: not of the form, a tag
  /// twice, longer than the limits. Octets above 0x7f are accepted in values (RFC 8616 §3).
  [[nodiscard]] static Result<TagList, std::string> parse(std::string_view text);

  /// The value without blanks and folds around it.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  /// All that stands between the tag's "=" and the ";" after it, as it stands.
  [[nodiscard]] std::optional<std::string_view> span(std::string_view name) const;
  [[nodiscard]] bool begins_with(std::string_view name) const;

 private:
  struct Tag {
    std::string_view name;
    std::string_view span;
  };
  [[nodiscard]] const Tag* tag(std::string_view name) const;

  std::vector<Tag> tags_;
};

/// The parts of a colon-separated list without the blanks around them (h=, q=, t=, s=). Empty parts stay.
[[nodiscard]] std::vector<std::string_view> split_colons(std::string_view value);

/// base64string of RFC 6376 §2.10: blanks and folds anywhere, padding may be absent.
[[nodiscard]] std::optional<std::string> decode_tag_base64(std::string_view value);

/// 1*digits_max DIGIT; nothing for anything else. A number beyond 64 bits becomes the largest.
[[nodiscard]] std::optional<std::uint64_t> decode_tag_number(std::string_view value, std::size_t digits_max);

/// Lower case of a domain or, with labels_min 1, a selector: labels of letters, digits, "-" and "_", 1 to 63
/// octets each. Nothing for anything else, U-labels (RFC 8616) among it.
[[nodiscard]] std::optional<std::string> decode_tag_domain(std::string_view value, std::size_t labels_min);

}  // namespace countersign::mailauth
