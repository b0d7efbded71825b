// The author's draft, kept while a reviewer's edit of it can be taken back. Internal to approve.
#pragma once

#include "mailbox/message.hpp"
#include "store/tx.hpp"

namespace countersign::approve {

/// Keeps the draft as it stands; `attachments`: they are about to be replaced as well.
void keep_draft(store::Tx& tx, const mailbox::Message& message, bool attachments, UtcTime now);
/// Puts back what was kept, with its revision. Nothing to do when the message was approved as it was. False:
/// it was edited, and what it was before is not known any more.
[[nodiscard]] bool restore_draft(store::Tx& tx, const mailbox::Message& message);

}  // namespace countersign::approve
