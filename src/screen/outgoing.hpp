// Screening of what an agent sends: everything that received mail is screened for, and what must not leave:
// secrets, numbers that belong to people, data in bulk, also inside attachments and encoded text. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "screen/screen.hpp"

namespace countersign::screen {

struct OutgoingAttachment {
  std::string_view filename;
  std::string_view content_type;
  std::string_view content;  // decoded
};

struct Outgoing {
  std::string_view author;  // the agent's address
  std::string_view subject;
  std::string_view text;
  std::string_view html;
  std::vector<OutgoingAttachment> attachments;
};

/// Any bytes give a report, in time linear in their number. kScreenBytesMax holds for each body, and for the
/// attachments that are text together.
[[nodiscard]] Report screen_outgoing(const Outgoing& message);

}  // namespace countersign::screen
