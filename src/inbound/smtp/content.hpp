// The content of a message on its way in: framing, line ends, dots, and how much memory it may take. No I/O.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "inbound/smtp/options.hpp"

namespace countersign::inbound::smtp {

/// Memory that the content of all connections may take together. Thread-safe.
class ContentBudget {
 public:
  explicit ContentBudget(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}
  /// False, and no change, when there is no room.
  [[nodiscard]] bool take(std::uint64_t bytes) noexcept;
  void give_back(std::uint64_t bytes) noexcept { used_ -= bytes; }
  [[nodiscard]] std::uint64_t used() const noexcept { return used_; }

 private:
  const std::uint64_t bytes_max_;
  std::atomic<std::uint64_t> used_ = 0;
};

/// Bytes together with their share of the budget, which lives as long as they do.
class Content {
 public:
  explicit Content(ContentBudget& budget) : budget_(budget) {}
  ~Content() { budget_.give_back(share_); }
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;

  /// False when the budget has no room: then nothing was appended.
  [[nodiscard]] bool append(std::string_view bytes, std::uint64_t expected_bytes);
  void clear() noexcept;
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

 private:
  ContentBudget& budget_;
  std::string bytes_;
  std::uint64_t share_ = 0;
};

enum class ContentFault : std::uint8_t {
  none,
  too_large,
  header_too_large,
  line_too_long,
  bare_line_end,  // RFC 5321 §2.3.8; outranks the others
  no_room,
};

/// Reads content in pieces cut anywhere.
///
/// Only CR LF ends a line, and in DATA only CR LF . CR LF ends the content. A lone CR or LF is a fault
/// and never part of an end (RFC 5321 §4.1.1.4), so `\n.\n`, `\r.\r`, `\n.\r\n` and `\r\n.\n` end nothing.
/// After a fault, what was stored is dropped and the rest swallowed up to the true end, so that the client
/// gets one definite answer. NUL and bytes outside ASCII are content like any other.
class ContentReader {
 public:
  enum class Framing : std::uint8_t { dots, chunks };

  ContentReader(Framing framing, const Limits& limits, ContentBudget& budget, std::uint64_t announced_bytes);

  /// Consumes from the front of `input`. With dots: true when the end was read. With chunks: always false and
  /// all of `input` is taken.
  bool read(std::string_view& input);
  /// Chunks: nothing follows. (A CR that waited for its LF was a bare one.)
  void finish();

  [[nodiscard]] ContentFault fault() const noexcept { return fault_; }
  /// Bytes read, whether stored or not.
  [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }
  /// More was sent after the fault than an answer is worth.
  [[nodiscard]] bool flooded() const noexcept;
  /// The content, once and without fault.
  [[nodiscard]] std::shared_ptr<const std::string> take();

 private:
  enum class State : std::uint8_t { line_start, dot, dot_cr, text, text_cr };

  bool step(std::string_view& input, std::size_t& next_lf);
  void read_text(std::string_view& input, std::size_t& next_lf);
  void end_line();
  void store(std::string_view bytes);
  void fail(ContentFault fault);

  const Limits& limits_;
  std::shared_ptr<Content> content_;
  const std::uint64_t announced_bytes_;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t stored_ = 0;
  std::size_t line_bytes_ = 0;
  const Framing framing_;
  State state_ = State::line_start;
  ContentFault fault_ = ContentFault::none;
  bool in_header_ = true;
};

}  // namespace countersign::inbound::smtp
