#pragma once

#include <functional>
#include <string_view>

namespace countersign::provider::feedback {

/// What became of one notification or report, for a counter: "applied", "ignored", "bad_signature", … All
/// values are this program's own words.
using OutcomeHook = std::function<void(std::string_view source, std::string_view outcome)>;

}  // namespace countersign::provider::feedback
