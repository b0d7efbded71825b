// Our ids as message tags, which providers bring back with everything they tell later about a message.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace countersign::provider {

/// Names and values of tags: ASCII letters, digits, `_` and `-`, at most 256 (SES API v2, MessageTag; Resend,
/// Send Email, tags).
inline constexpr std::size_t kTagBytesMax = 256;
inline constexpr std::string_view kMessageTag = "countersign-message";        // HandOver::message_id
inline constexpr std::string_view kSubmissionTag = "countersign-submission";  // HandOver::submission

[[nodiscard]] inline bool is_tag_value(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kTagBytesMax && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
  });
}

}  // namespace countersign::provider
