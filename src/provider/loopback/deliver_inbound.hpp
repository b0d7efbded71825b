// Delivering to an agent that lives here, in the caller's transaction.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "account/agent.hpp"
#include "mail/parse.hpp"
#include "mailbox/message.hpp"
#include "screen/screen.hpp"
#include "store/tx.hpp"

namespace countersign::provider::loopback {

/// An outbound message as its local recipient receives it.
struct LocalMail {
  const mailbox::Message& message;  // the outbound row
  const mailbox::Draft& draft;
  std::string_view rfc_message_id;
  std::string_view reply_to;                        // as the composed header says it; empty: none
  std::string_view raw;                             // the composed bytes
  std::optional<screen::Report> screening{};        // nothing: no recipient asks for it
  std::vector<mail::AttachmentInfo> attachments{};  // as whoever opens a copy will see them
};

/// Puts a copy into `recipient`'s mailbox: the inbound row, its journal and its event, all in tx, so that no
/// copy exists unless the decision behind it does (the seed's case B). The copy's id follows from the
/// outbound id and the recipient, so a second delivery of the same message changes nothing. The recipient's
/// inbound gate and screening apply (hold, hide or flag), except to mail from itself. The sender is
/// authenticated by construction: it is an agent of this deployment.
void deliver_inbound(store::Tx& tx, const account::Agent& recipient, const LocalMail& mail, UtcTime now);

/// The id of that copy.
[[nodiscard]] MessageId local_copy_id(const MessageId& outbound, std::string_view recipient);

}  // namespace countersign::provider::loopback
