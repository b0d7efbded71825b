// Cutting the quoted history off a reply. Internal to the mail module.
#pragma once

#include <string>
#include <string_view>

namespace countersign::mail {

/// The text (LF line ends) without the history its author did not write: a block of `>` lines at the end with
/// its lead-in (`On … wrote:`), everything below `-----Original Message-----`, everything below the
/// From/Sent/Subject block that Outlook puts above a quoted message. Conservative: quotes with an answer
/// below them stay, forwarded messages stay, those that only the subject tells apart (`Fw: …`) included, and
/// when nothing would be left the text comes back as it was.
/// Linear.
[[nodiscard]] std::string strip_quoted_history(std::string_view text, std::string_view subject);

}  // namespace countersign::mail
