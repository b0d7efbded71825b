// Decoding what a header field or a body part holds. GMime does the work and stays behind this header, which
// is internal to the mail module. Every string that comes back is UTF-8 unless it says "bytes".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "mail/address.hpp"

namespace countersign::mail {

struct MediaType {
  std::string name;      // lower-cased `type/subtype`; "" when absent or malformed
  std::string boundary;  // parameters, "" when absent
  std::string charset;
  std::string filename;  // parameter `name`
};

struct Disposition {
  bool attachment = false;
  std::string filename;
};

struct AddressList {
  std::vector<Mailbox> mailboxes;  // usable ones only
  std::size_t addresses = 0;       // entries with an `@`, usable or not
  bool has_group = false;
};

/// A field's value on one line: line ends removed (RFC 5322 §2.2.3), NUL replaced, blanks at both ends gone.
[[nodiscard]] std::string unfold(std::string_view value);

// The following take unfolded values.
[[nodiscard]] MediaType decode_media_type(const std::string& value);
[[nodiscard]] Disposition decode_disposition(const std::string& value);
/// Free text with encoded-words (RFC 2047), raw 8-bit as UTF-8 or else Latin-1; controls become spaces.
[[nodiscard]] std::string decode_header(const std::string& value);
/// At most `mailboxes_max` mailboxes of an address list, members of groups among them.
[[nodiscard]] AddressList decode_addresses(const std::string& value, std::size_t mailboxes_max);
/// The ids between angle brackets, or the first word when there are none. Longer ones than a line may be are
/// left out (RFC 5322 §2.1.1).
[[nodiscard]] std::vector<std::string> message_ids(std::string_view value);

/// The bytes of a body under its Content-Transfer-Encoding (RFC 2045 §6), at most about `bytes_max` of them;
/// an unknown encoding counts as none.
[[nodiscard]] std::string decode_transfer(std::string_view body, std::string_view encoding,
                                          std::size_t bytes_max);
/// How many bytes decode_transfer gives without a maximum.
[[nodiscard]] std::size_t decoded_size(std::string_view body, std::string_view encoding);

/// Text in `charset`, or in what mail means by it (windows-1252 by iso-8859-1), as UTF-8, U+FFFD for what
/// cannot be read and for NUL. Without a known charset: UTF-8 when it is that, else windows-1252.
[[nodiscard]] std::string decode_charset(std::string_view bytes, const std::string& charset);

}  // namespace countersign::mail
