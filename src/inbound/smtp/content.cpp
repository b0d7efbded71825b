#include "inbound/smtp/content.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace countersign::inbound::smtp {
namespace {

// From here on a client is believed what it announced, and the room is taken at once instead of by doubling.
constexpr std::size_t kBelievedBytes = 1024 * 1024;
constexpr std::size_t kFirstBytes = 2048;
// Where the next LF stands is kept as the distance from the end of the input, 0 for none, so that any input
// is searched once only.
constexpr std::size_t kUnknown = std::string_view::npos;

}  // namespace

bool ContentBudget::take(std::uint64_t bytes) noexcept {
  if ((used_ += bytes) <= bytes_max_) return true;
  used_ -= bytes;
  return false;
}

bool Content::append(std::string_view bytes, std::uint64_t expected_bytes) {
  const std::size_t needed = bytes_.size() + bytes.size();
  if (needed > share_) {
    std::uint64_t room = std::max<std::uint64_t>({needed, 2 * share_, kFirstBytes});
    if (share_ >= kBelievedBytes && expected_bytes >= needed && expected_bytes < room * 4) {
      room = expected_bytes;
    }
    if (!budget_.take(room - share_)) {  // nothing to spare: no more than what is there already
      room = needed;
      if (!budget_.take(room - share_)) return false;
    }
    share_ = room;
    bytes_.reserve(room);
  }
  bytes_.append(bytes);
  return true;
}

void Content::clear() noexcept {
  std::string().swap(bytes_);
  budget_.give_back(share_);
  share_ = 0;
}

ContentReader::ContentReader(Framing framing, const Limits& limits, ContentBudget& budget,
                             std::uint64_t announced_bytes)
    : limits_(limits),
      content_(std::make_shared<Content>(budget)),
      // SIZE may be estimated (RFC 1870 §5), and never counts the last line end.
      announced_bytes_(announced_bytes == 0 ? 0 : announced_bytes + 1024),
      framing_(framing) {}

bool ContentReader::read(std::string_view& input) {
  const std::size_t before = input.size();
  std::size_t next_lf = kUnknown;
  bool ended = false;
  while (!ended && !input.empty()) ended = step(input, next_lf);
  bytes_read_ += before - input.size();
  return ended;
}

bool ContentReader::step(std::string_view& input, std::size_t& next_lf) {
  const char c = input.front();
  switch (state_) {
    case State::line_start:
      state_ = State::text;
      if (c == '.' && framing_ == Framing::dots) {
        state_ = State::dot;
        input.remove_prefix(1);
      }
      return false;
    case State::dot:
      // RFC 5321 §4.5.2: the first dot of a longer line was stuffed.
      state_ = State::text;
      if (c == '\r') {
        state_ = State::dot_cr;
        input.remove_prefix(1);
      }
      return false;
    case State::dot_cr:
      if (c == '\n') {
        input.remove_prefix(1);
        return true;
      }
      fail(ContentFault::bare_line_end);
      state_ = State::text;
      return false;
    case State::text:
      read_text(input, next_lf);
      return false;
    case State::text_cr:
      state_ = State::text;
      if (c == '\n') {
        end_line();
        input.remove_prefix(1);
      } else {
        fail(ContentFault::bare_line_end);
      }
      return false;
  }
  return false;
}

// Up to the next CR or LF.
void ContentReader::read_text(std::string_view& input, std::size_t& next_lf) {
  if (next_lf > input.size()) {
    const std::size_t at = input.find('\n');
    next_lf = at == std::string_view::npos ? 0 : input.size() - at;
  }
  const std::size_t lf = next_lf == 0 ? input.size() : input.size() - next_lf;
  const std::size_t end = std::min(input.substr(0, lf).find('\r'), lf);
  // Of several limits the one that is met first counts, however the input was cut.
  const auto room = limits_.text_line_bytes_max - std::min(line_bytes_, limits_.text_line_bytes_max);
  line_bytes_ += end;
  store(input.substr(0, std::min<std::size_t>(end, room)));
  if (line_bytes_ > limits_.text_line_bytes_max) fail(ContentFault::line_too_long);
  input.remove_prefix(end);
  if (input.empty()) return;
  if (input.front() == '\r') {
    state_ = State::text_cr;
  } else {
    fail(ContentFault::bare_line_end);
  }
  input.remove_prefix(1);
}

void ContentReader::end_line() {
  state_ = State::line_start;
  if (line_bytes_ == 0) in_header_ = false;
  line_bytes_ = 0;
  store("\r\n");
}

void ContentReader::finish() {
  if (state_ == State::text_cr) fail(ContentFault::bare_line_end);
}

void ContentReader::store(std::string_view bytes) {
  if (fault_ != ContentFault::none || bytes.empty()) return;
  stored_ += bytes.size();
  const bool header_first = in_header_ && limits_.header_bytes_max < limits_.message_bytes_max;
  if (header_first && stored_ > limits_.header_bytes_max) return fail(ContentFault::header_too_large);
  if (stored_ > limits_.message_bytes_max) return fail(ContentFault::too_large);
  if (!content_->append(bytes, std::min(announced_bytes_, limits_.message_bytes_max))) {
    fail(ContentFault::no_room);
  }
}

void ContentReader::fail(ContentFault fault) {
  if (fault_ == ContentFault::none || fault == ContentFault::bare_line_end) fault_ = fault;
  content_->clear();
}

bool ContentReader::flooded() const noexcept {
  return bytes_read_ > limits_.message_bytes_max + limits_.drained_bytes_max;
}

std::shared_ptr<const std::string> ContentReader::take() {
  CS_ASSERT(fault_ == ContentFault::none);
  const std::string* bytes = &content_->bytes();
  return {std::move(content_), bytes};
}

}  // namespace countersign::inbound::smtp
