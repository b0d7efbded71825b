// Replies of an SMTP server: strict reading within limits, and what can be learned from their text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::provider::smtp {

/// RFC 5321 §4.5.3.1.5 asks for 512 octets; servers exceed it, hostile ones without end.
inline constexpr std::size_t kResponseLineBytesMax = 4096;
inline constexpr std::size_t kResponseLinesMax = 128;

/// One reply (RFC 5321 §4.2), without codes, line ends and control characters. Lines are bytes as received.
struct Response {
  int code = 0;  // 200–599
  std::vector<std::string> lines;

  [[nodiscard]] bool positive() const noexcept { return code >= 200 && code < 300; }
  /// RFC 3463 status code at the start of the text when its class agrees with the reply code, else empty.
  [[nodiscard]] std::string enhanced() const;
  /// All lines as one, without their status codes: valid UTF-8, no controls, ≤ kReplyTextBytesMax.
  [[nodiscard]] std::string text() const;
  /// The server's own name for an accepted message, recognised in the replies of Postfix, OpenSMTPD, Exim,
  /// Sendmail and Amazon SES; empty when there is nothing recognisable.
  [[nodiscard]] std::string queue_id() const;
};

/// Reads replies from a stream of bytes. Bytes beyond a complete reply stay buffered for the next one.
class ResponseParser {
 public:
  enum class State : std::uint8_t { incomplete, complete, malformed };

  void feed(std::string_view bytes) { buffer_.append(bytes); }
  /// Takes one reply out of the buffer. `malformed` is final: a code that is none or changes between lines, a
  /// line or a reply over the limits.
  [[nodiscard]] State next(Response& response);
  /// True when nothing is buffered, not even a part of a reply.
  [[nodiscard]] bool empty() const noexcept { return buffer_.empty() && lines_.empty(); }

 private:
  std::string buffer_;
  std::vector<std::string> lines_;
  int code_ = 0;
};

/// Bytes of a stranger made presentable: valid UTF-8 (other bytes become U+FFFD), controls become spaces, at
/// most `bytes_max` octets, cut at a code point.
[[nodiscard]] std::string presentable(std::string_view bytes, std::size_t bytes_max);

}  // namespace countersign::provider::smtp
