// What a scripted server says, and what it does after that.
#pragma once

#include <cstdint>
#include <string>

namespace countersign::test {

/// One answer of the server. Nothing is sent when `text` is empty.
struct Say {
  enum class Then : std::uint8_t {
    go_on,
    close,  // end of stream after the text
    reset,  // RST after the text
    hold,   // nothing more is said until the client goes away
    stall,  // nor is anything more read
  };
  Say(const char* words) : text(words) {}  // NOLINT(google-explicit-constructor)
  Say(std::string words, Then after = Then::go_on) : text(std::move(words)), then(after) {}  // NOLINT
  std::string text;
  Then then = Then::go_on;
};
[[nodiscard]] inline Say say_and_close(std::string text = "") { return {std::move(text), Say::Then::close}; }
[[nodiscard]] inline Say say_and_reset(std::string text = "") { return {std::move(text), Say::Then::reset}; }
[[nodiscard]] inline Say say_and_hold(std::string text = "") { return {std::move(text), Say::Then::hold}; }
[[nodiscard]] inline Say say_and_stall(std::string text = "") { return {std::move(text), Say::Then::stall}; }

}  // namespace countersign::test
