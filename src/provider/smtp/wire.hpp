// What goes over the wire: paths, command parameters, content with its dots stuffed. No I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "provider/smtp/response.hpp"

namespace countersign::provider::smtp {

/// RFC 5321 §4.5.3.1.3: 256 octets including the angle brackets.
inline constexpr std::size_t kAddressBytesMax = 254;

/// True when the address may stand between angle brackets of a command: 1–254 octets of valid UTF-8 without
/// controls, blanks or angle brackets. Nothing that passes can end the command or add a parameter to it.
/// Whether such a mailbox exists is the relay's business. (Quoted local parts with blanks are not taken.)
[[nodiscard]] bool is_wire_address(std::string_view address) noexcept;
[[nodiscard]] bool is_ascii(std::string_view text) noexcept;

/// What EHLO announced (RFC 5321 §4.1.1.1). All false after HELO.
struct Capabilities {
  bool starttls = false;
  bool pipelining = false;     // RFC 2920
  bool eight_bit = false;      // RFC 6152
  bool smtputf8 = false;       // RFC 6531
  bool size = false;           // RFC 1870
  std::uint64_t size_max = 0;  // octets; 0: no limit announced
  bool auth_plain = false;     // RFC 4616
  bool auth_login = false;     // draft-murchison-sasl-login
};
/// Keywords it does not know, or cannot read, are passed over.
[[nodiscard]] Capabilities read_capabilities(const Response& ehlo);

/// What the content asks of the relay.
struct ContentFacts {
  std::uint64_t octets = 0;  // as sent, with CRLF line ends, without stuffed dots (RFC 1870 §5)
  bool eight_bit = false;
};
[[nodiscard]] ContentFacts examine(std::string_view raw) noexcept;

/// `MAIL FROM:<…>` with the parameters that the relay understands and the content needs; no CRLF.
[[nodiscard]] std::string mail_command(std::string_view from, const Capabilities& relay,
                                       const ContentFacts& content, bool smtputf8);

/// Content on its way into DATA (RFC 5321 §4.5.2): a dot at the start of a line is doubled, and lone CR and
/// LF become CRLF, so that no reader can find an end of data that this side did not write.
class DotStuffer {
 public:
  /// Appends the wire form of the next piece to `out`. Pieces may be cut anywhere.
  void write(std::string_view piece, std::string& out);
  /// Appends what a last line without CRLF lacks. After it only ".\r\n" is missing.
  void finish(std::string& out);

 private:
  bool line_start_ = true;
  bool after_cr_ = false;
};

}  // namespace countersign::provider::smtp
