// Views: rows of the durable middle as the JSON that the contract shows (behaviour.md §9.2, schemas.json).
// Members are written in a fixed order, and optional ones are left out rather than null.
#pragma once

#include <boost/json/object.hpp>

#include "account/agent.hpp"
#include "account/principal.hpp"
#include "account/usage.hpp"
#include "journal/journal.hpp"
#include "mail/parse.hpp"
#include "mailbox/conversation.hpp"
#include "mailbox/message.hpp"
#include "outbox/resolve.hpp"

namespace countersign::agent::rest {

[[nodiscard]] boost::json::object attachment_view(const mail::AttachmentInfo& attachment);
[[nodiscard]] boost::json::object agent_view(const account::Agent& agent);
[[nodiscard]] boost::json::object api_key_view(const account::ApiKey& key);

/// Settings as GET shows them: empty and zero members left out.
/// screening: the deployment screens content; where it does not, sensitivities read `off`.
[[nodiscard]] boost::json::object protection_view(const account::Protection& protection, bool screening);

struct AccountUsage {
  std::int64_t agents = 0;
  std::int64_t domains = 0;
  account::Usage stored;
};
[[nodiscard]] boost::json::object account_view(const account::Principal& principal, const AccountUsage& usage,
                                               std::string_view upgrade_url);

/// A row of a list: no content.
[[nodiscard]] boost::json::object message_summary_view(const mailbox::Message& message);

/// Who looks: an agent at its mailbox, or a reviewer, who also sees why and how a message was held.
enum class Viewer : std::uint8_t { agent, reviewer };
/// The whole message. Parses `content.raw`, so call it outside of transactions.
[[nodiscard]] boost::json::object message_view(const mailbox::Message& message,
                                               const mailbox::Content& content, Viewer viewer);

[[nodiscard]] boost::json::object conversation_view(const mailbox::Conversation& conversation);
/// messages   oldest first; participants and labels are theirs.
[[nodiscard]] boost::json::object conversation_detail_view(const mailbox::Conversation& conversation,
                                                           const std::vector<mailbox::Message>& messages);

/// An entry of the review queue.
[[nodiscard]] boost::json::object review_view(const mailbox::Message& message);
[[nodiscard]] boost::json::object lifecycle_view(const journal::LifecycleRow& row);

/// One attempt to hand a message over. Our own addition.
[[nodiscard]] boost::json::object handover_view(const outbox::HandOverView& hand_over);

/// What a reviewer countersigns beyond the contract's members: `{bcc, reply_to, attachments}` of the draft.
/// Our own addition, since the contract shows a held draft without them.
[[nodiscard]] boost::json::object draft_view(const mailbox::Message& message,
                                             const std::vector<mailbox::DraftAttachmentInfo>& attachments);

}  // namespace countersign::agent::rest
