// What is attached to a message, as people see it and get it. Internal to console.
#pragma once

#include <boost/json/array.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/parse.hpp"
#include "mailbox/mailbox.hpp"
#include "net/http_message.hpp"

namespace countersign::console {

struct AttachmentEntry {
  std::string filename;
  std::string content_type;
  std::int64_t bytes = 0;
  std::string content_id;
};
[[nodiscard]] std::vector<AttachmentEntry> entries_of(const std::vector<mail::AttachmentInfo>& attachments);
[[nodiscard]] std::vector<AttachmentEntry> entries_of(
    const std::vector<mailbox::DraftAttachmentInfo>& attachments);
[[nodiscard]] boost::json::array attachments_view(const std::vector<AttachmentEntry>& attachments);

/// What a reviewer should know before believing a message: names that pretend to be something else, programs,
/// characters that reverse what is read. A list of {code, text}.
[[nodiscard]] boost::json::array warnings_of(std::string_view subject, std::string_view text,
                                             const std::vector<AttachmentEntry>& attachments);

/// The fields of a header as they stand, unfolded: a list of [name, value].
[[nodiscard]] boost::json::array raw_headers(std::string_view raw);

struct AttachmentBytes {
  std::string filename;
  std::string content_type;
  std::string content;
};
/// Attachment `index` of a draft, or of the message as it is kept.
[[nodiscard]] std::optional<AttachmentBytes> load_attachment(store::ReadTx& tx,
                                                             const mailbox::Message& message,
                                                             std::int64_t index);
/// An answer that no browser runs, whatever is in it: saved under a safe name, in a sandbox without an
/// origin, with a media type from a short list or none in particular.
[[nodiscard]] net::Response download_of(const AttachmentBytes& attachment);

}  // namespace countersign::console
