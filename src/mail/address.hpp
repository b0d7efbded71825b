// Addresses: RFC 5322 mailboxes as people and programs write them, and their bare form.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::mail {

/// One mailbox. `address` is the addr-spec as written (not lower-cased), `display_name` decoded and unquoted
/// or empty.
struct Mailbox {
  std::string display_name;
  std::string address;
  friend bool operator==(const Mailbox&, const Mailbox&) = default;
};

/// Reads exactly one mailbox: `a@b.example`, `Name <a@b.example>`, `"Last, First" <a@b.example>` (RFC 5322
/// §3.4, with UTF-8 as in RFC 6531/6532). Nothing for lists, groups, comments-only, empty local part or
/// domain, local part over 64 octets, domain over 255 octets or with an invalid label, control characters
/// (CR, LF and NUL above all), invalid UTF-8, or text over 320 code points. Route addresses and obsolete
/// forms are refused.
[[nodiscard]] std::optional<Mailbox> parse_mailbox(std::string_view text);
/// The same for what stands in received mail: a local part may have more than 64 octets as long as the
/// address fits a path (254 octets), as the rewritten addresses of forwarders do. Whoever receives is not to
/// insist on the limits (RFC 5321 §4.5.3.1).
[[nodiscard]] std::optional<Mailbox> parse_received_mailbox(std::string_view text);

/// Trimmed and ASCII-lower-cased; the form in which addresses are looked up (contract §1).
[[nodiscard]] std::string normalise(std::string_view address);

/// The lower-cased addr-spec of a mailbox text, or of the text itself when it does not parse: `Name <R@X>` →
/// `r@x`, `"r"@x` → `r@x`.
[[nodiscard]] std::string bare_address(std::string_view mailbox_text);
/// The same for each of a list.
[[nodiscard]] std::vector<std::string> bare_addresses(const std::vector<std::string>& mailbox_texts);

/// What stands after the last `@`, lower-cased; empty without one.
[[nodiscard]] std::string domain_of(std::string_view address);

/// True when local part or domain holds a byte outside ASCII, so that handing over needs SMTPUTF8 (RFC 6531).
[[nodiscard]] bool needs_smtputf8(std::string_view address);

/// The mailbox as it stands in a header: display name as atom, quoted-string or RFC 2047 encoded-words.
[[nodiscard]] std::string to_header(const Mailbox& mailbox);

}  // namespace countersign::mail
