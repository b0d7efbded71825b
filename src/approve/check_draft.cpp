// Whether an edited draft can be sent at all (contract, sendMessage 4–9).
#include <set>

#include "approve/approve.hpp"
#include "base/text.hpp"
#include "mail/address.hpp"
#include "mailbox/limits.hpp"

namespace countersign::approve {

bool PendingApprovalEdit::empty() const {
  return !subject && !text && !html && !to && !cc && !bcc && !attachments;
}

std::optional<Refusal> check_draft(const mailbox::Draft& draft) {
  if (draft.subject.empty()) return InvalidDraft{"subject", "subject must not be empty"};
  if (draft.subject.find_first_of("\r\n") != std::string::npos) {
    return InvalidDraft{"subject", "subject must not contain CR or LF (CR/LF)"};
  }
  if (draft.text.empty()) return InvalidDraft{"text", "text must not be empty"};
  // A send names one in to or cc; what is left of those may be hidden ones only, when it named the agent
  // itself.
  if (draft.to.empty() && draft.cc.empty() && draft.bcc.empty()) {
    return InvalidDraft{"to", "at least one recipient is required"};
  }
  const std::size_t recipients = draft.to.size() + draft.cc.size() + draft.bcc.size();
  if (recipients > mailbox::kRecipientsMax) return TooManyRecipients{recipients};
  for (const auto* list : {&draft.to, &draft.cc, &draft.bcc}) {
    for (const std::string& recipient : *list) {
      if (!mail::parse_mailbox(recipient))
        return InvalidDraft{"recipient", "not an e-mail address: " + recipient};
    }
  }
  if (draft.bytes() > mailbox::kComposedBytesMax) return TooLarge{draft.bytes()};
  return std::nullopt;
}

}  // namespace countersign::approve
