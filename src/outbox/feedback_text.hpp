// Feedback that waits, as the text a row keeps. Internal to the outbox.
#pragma once

#include <string>
#include <string_view>

#include "outbox/feedback.hpp"

namespace countersign::outbox {

[[nodiscard]] std::string to_text(const Feedback& feedback);
/// The reverse. A text that to_text did not write is a bug.
[[nodiscard]] Feedback feedback_from_text(std::string_view text);

}  // namespace countersign::outbox
