// Reading a stored message: what the API shows of its raw bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mail/address.hpp"

namespace countersign::mail {

/// One attachment of a message, by contract §13: a leaf part with a file name, or Content-Disposition
/// attachment, or a Content-ID with a non-text type; `index` counts them from 0 in document order.
struct AttachmentInfo {
  std::int64_t index = 0;
  std::string filename;         // decoded, "" when absent
  std::string content_type;     // type/subtype without parameters, "" when absent
  std::string content_id;       // without angle brackets, "" when absent
  std::int64_t size_bytes = 0;  // decoded
};

/// What a reader wants of a message. Every string is valid UTF-8 without NUL.
struct Message {
  std::optional<Mailbox> from;  // RFC 5322 From when it holds exactly one usable mailbox
  std::vector<std::string> to;  // bare addresses
  std::vector<std::string> cc;
  std::vector<std::string> reply_to;
  std::string subject;     // RFC 2047 decoded
  std::string message_id;  // without angle brackets
  std::string in_reply_to;
  std::vector<std::string> references;
  std::string conversation_header;  // X-E2A-Conversation-ID as it stands; trust is the caller's business
  /// Written by a machine, by what it says of itself.
  bool report = false;          // multipart/report (RFC 6522)
  bool auto_submitted = false;  // Auto-Submitted other than "no" (RFC 3834 §5), or X-Autoreply and the like
  bool list = false;  // List-Id or List-Unsubscribe (RFC 2919, RFC 2369), Precedence bulk, list, junk
  std::string text;   // quoted history stripped, ≤ 16 KiB (cut at a code point)
  bool text_truncated = false;
  std::string html;  // ≤ 1 MiB
  std::vector<AttachmentInfo> attachments;
};

/// Parses with caps first (header bytes, parts, depth); what lies beyond a cap is left out, never an error:
/// any bytes give a Message. Thread-safe.
[[nodiscard]] Message parse(std::string_view raw);

/// Whom a message says it is from; reads the header only.
struct Author {
  std::size_t fields = 0;          // From fields; RFC 5322 §3.6 allows one
  std::optional<Mailbox> mailbox;  // what parse() calls `from`
};
[[nodiscard]] Author author_of(std::string_view raw);

/// The decoded bytes of attachment `index`, or nothing.
[[nodiscard]] std::optional<std::string> attachment_content(std::string_view raw, std::int64_t index);

/// A part that is carried along rather than read.
struct CarriedPart {
  std::string filename;      // decoded, "" when absent
  std::string content_type;  // type/subtype without parameters; "" when absent
  std::string content_id;    // without angle brackets, "" when absent
  std::string content;       // decoded bytes
};

/// A message taken apart, for providers that take fields instead of bytes. Every string but the content of
/// parts is valid UTF-8 without NUL. The same bytes always give the same result.
struct Decomposition {
  std::vector<Mailbox> from;
  std::vector<Mailbox> to;
  std::vector<Mailbox> cc;
  std::vector<Mailbox> reply_to;
  std::string subject;
  std::string text;  // whole, quoted history included; line ends LF
  std::string html;
  std::vector<CarriedPart> parts;  // every leaf that is neither text to read nor HTML, or is an attachment
  /// The other fields of the header, decoded, in order; without trace and MIME fields, Bcc, Date and
  /// Message-ID.
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Takes a message apart with the caps of parse().
[[nodiscard]] Decomposition decompose(std::string_view raw);

}  // namespace countersign::mail
