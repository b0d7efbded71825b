// Limits of one message (contract/vocabulary.md §6).
#pragma once

#include <cstddef>
#include <cstdint>

namespace countersign::mailbox {

inline constexpr std::size_t kRecipientsMax = 50;  // to + cc + bcc
inline constexpr std::size_t kAttachmentsMax = 10;
inline constexpr std::int64_t kAttachmentBytesMax = 10'485'760;   // each, decoded
inline constexpr std::int64_t kAttachmentsBytesMax = 26'214'400;  // together, decoded
inline constexpr std::int64_t kComposedBytesMax = 10'485'760;  // subject + text + html + decoded attachments

}  // namespace countersign::mailbox
