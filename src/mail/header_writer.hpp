// Writing header fields: folding, encoded-words, and the guarantee that a value never starts a new field.
// Internal to the mail module.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mail/address.hpp"

namespace countersign::mail {

/// Preferred length of a header line without its CRLF (RFC 5322 §2.1.1).
inline constexpr std::size_t kHeaderLineWanted = 78;
/// A word without blanks up to this length is left whole; longer ones become encoded-words, so that no line
/// reaches 998 octets (RFC 5322 §2.1.1) whatever the name of the field.
inline constexpr std::size_t kHeaderWordMax = 850;

/// The mailbox in pieces between which a line may be folded: `=?utf-8?q?J=C3=B6rg?=`, `<j@example.org>`.
[[nodiscard]] std::vector<std::string> mailbox_words(const Mailbox& mailbox);

/// Appends header fields to a message, each ending with CRLF.
class HeaderWriter {
 public:
  explicit HeaderWriter(std::string& out) : out_(out) {}

  /// A value of ours that is known to be ASCII, clean and short.
  void verbatim(std::string_view name, std::string_view value);
  /// Free text (RFC 5322 §2.2.1): as it stands when it is printable ASCII, encoded-words otherwise.
  void unstructured(std::string_view name, std::string_view value);
  /// An address list, folded after commas. Nothing when the list is empty.
  void mailboxes(std::string_view name, std::span<const Mailbox> mailboxes);
  /// `<id>` for each usable id (printable ASCII without blanks and angle brackets). Nothing when none is.
  void message_ids(std::string_view name, std::span<const std::string> ids);

 private:
  void begin(std::string_view name);
  void word(std::string_view word);
  void end() { out_ += "\r\n"; }
  void fold();
  void encoded_words(std::string_view value);
  [[nodiscard]] std::size_t column() const { return out_.size() - line_start_; }

  std::string& out_;
  std::size_t line_start_ = 0;
  bool first_ = true;  // nothing follows the field's name yet
};

}  // namespace countersign::mail
