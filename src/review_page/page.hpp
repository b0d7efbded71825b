// The pages behind a reviewer's links as HTML: no script, nothing fetched, whatever a mail holds shown as
// text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http_message.hpp"

namespace countersign::review_page {

enum class Tone : std::uint8_t { ask_approve, ask_reject, done, closed, trouble };

/// The one form of a page that asks.
struct Form {
  std::string action;  // "approve", "reject": relative to the page
  std::string token;
  std::string label;  // of its button
  bool asks_reason = false;
  std::string other_label;  // the other way to decide, as a link
  std::string other_href;
};

/// What a page shows. Texts as they are; render() escapes every one.
struct Page {
  int status = 200;
  Tone tone = Tone::trouble;
  std::string title;
  std::string message;  // one paragraph
  std::vector<std::pair<std::string, std::string>> facts;
  std::string body_title;
  std::string body;  // shown as it stands
  bool body_cut = false;
  std::string note;  // below the body
  std::optional<Form> form;
  std::int64_t retry_after_seconds = 0;  // 0: does not say
};

/// The answer, with the headers of contract §19 and a policy that allows this page's own style and form only.
[[nodiscard]] net::Response render(const Page& page);

}  // namespace countersign::review_page
