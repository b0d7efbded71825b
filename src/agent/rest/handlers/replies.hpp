// What a reply and a forward make of the message they refer to (contract §11). Pure functions of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/rest/errors.hpp"
#include "base/result.hpp"
#include "mailbox/message.hpp"

namespace countersign::agent::rest {

/// The message that is answered or passed on. `raw` is empty when there are no bytes.
struct Parent {
  mailbox::Message message;
  std::string raw;
};

enum class Audience : std::uint8_t { sender, everybody };

/// Whom a reply goes to, before what its author adds, and what it refers to.
struct ReplyPlan {
  std::string subject;
  std::vector<std::string> to;  // mailbox texts
  std::vector<std::string> cc;
  std::string in_reply_to;  // without angle brackets; empty when the parent has no id
  std::vector<std::string> references;
};
/// provider_id_domain   where the provider replaces Message-IDs: the domain that its own ids stand in
///                      (`0100…@email.amazonses.com`); empty where it keeps them.
/// Refuses invalid_recipient when there is nobody to answer, and invalid_request for a bounce.
[[nodiscard]] Result<ReplyPlan, ApiError> plan_reply(const Parent& parent, Audience audience,
                                                     std::string_view provider_id_domain);

/// What of a message a forward carries on.
struct ForwardPlan {
  std::string subject;
  std::string text;  // the quoted block
  std::string html;
  std::vector<mailbox::DraftAttachment> attachments;
};
[[nodiscard]] ForwardPlan plan_forward(const Parent& parent);

/// `text` as HTML: escaped, line ends kept.
[[nodiscard]] std::string text_as_html(std::string_view text);

}  // namespace countersign::agent::rest
