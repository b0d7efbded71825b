// Composing: a draft becomes the bytes of one RFC 5322 / MIME message. Composed once; every attempt sends
// these bytes.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "mail/address.hpp"

namespace countersign::mail {

struct AttachmentPart {
  std::string filename;
  std::string content_type;  // `type/subtype` with optional parameters; anything unusable becomes
                             // application/octet-stream
  std::string_view content;  // decoded bytes
};

/// Everything that ends up in the message. There is no Bcc here on purpose: blind copies live in the envelope
/// only.
struct Composition {
  Mailbox from;
  std::vector<std::string> to;  // mailbox texts, already validated by parse_mailbox
  std::vector<std::string> cc;
  std::string reply_to;  // mailbox text or empty
  std::string subject;   // UTF-8, no CR/LF/NUL
  std::string text;      // UTF-8, any line ends
  std::string html;      // UTF-8 or empty
  std::vector<AttachmentPart> attachments;
  std::string message_id;  // without angle brackets
  UtcTime date;
  std::string in_reply_to;                                         // without angle brackets, or empty
  std::vector<std::string> references;                             // without angle brackets
  std::vector<std::pair<std::string, std::string>> extra_headers;  // ASCII names; values unstructured UTF-8
};

/// The complete message with CRLF line ends: From, To, Cc, Reply-To, Subject, Date, Message-ID, In-Reply-To,
/// References, the extra headers, MIME-Version, then text/plain, or multipart/alternative when there is html,
/// inside multipart/mixed when there are attachments. Deterministic: the same composition gives the same
/// bytes (boundaries derive from message_id). Lines ≤ 998 octets always, ≤ 78 where folding
/// allows (RFC 5322 §2.1.1); bodies 7bit or quoted-printable, attachments base64, file names by RFC 2231 plus
/// an RFC 2047-free ASCII fallback, header text by RFC 2047. Header values can never start a new header field
/// whatever they hold: CR, LF, NUL and other controls are replaced by spaces.
[[nodiscard]] std::string compose(const Composition& composition);

}  // namespace countersign::mail
