// Drafts out of request bodies: the checks of sendMessage 4–9 in their order, and the same shapes for a
// reviewer's edits. Pure functions of the body.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/rest/errors.hpp"
#include "agent/rest/request.hpp"
#include "approve/approve.hpp"
#include "base/result.hpp"
#include "mailbox/message.hpp"

namespace countersign::agent::rest {

inline constexpr std::size_t kConversationIdCharactersMax = 200;

/// A body of sendMessage that may be submitted. `conversation_id` is empty when the caller gave none.
struct SendRequest {
  mailbox::Draft draft;
  std::string conversation_id;
};

/// What is wrong with the template members of a body, or nothing (sendMessage 1).
[[nodiscard]] std::optional<ApiError> check_template_shape(const Call& call);
/// True when the body refers to a template.
[[nodiscard]] bool refers_to_template(const Call& call);

/// Whether an agent may be among the recipients of what it writes.
enum class OwnAddress : std::uint8_t {
  left_out,
  kept_in_to,  // of a reply: whoever is answered is the agent itself (contract §11)
};

/// own_address   the agent's address. It is the recipient of a self-send, and otherwise left out.
/// The recipients come out trimmed, lower-cased and without duplicates over to, cc and bcc.
[[nodiscard]] Result<SendRequest, ApiError> read_send_request(const Call& call, std::string_view own_address);

/// What reply and forward have in common with a send: cc, bcc, text, html, reply_to, conversation_id and the
/// unsubscribe option of a body, unchecked.
[[nodiscard]] SendRequest read_common(const Call& call);
/// The recipients of a body member, trimmed and lower-cased.
[[nodiscard]] std::vector<std::string> read_recipients(const Call& call, std::string_view member);
/// Checks and settles a request that was put together (sendMessage 4–9). The body's
/// attachments follow those that the draft already carries.
[[nodiscard]] Result<SendRequest, ApiError> checked_request(const Call& call, SendRequest request,
                                                            std::string_view own_address,
                                                            OwnAddress own = OwnAddress::left_out);

/// Leaves each address once, in the first of the three lists that names it, and of `own_address` what `own`
/// says. It always stays where it is the one recipient, in `to`: a self-send.
void settle_recipients(std::vector<std::string>& to, std::vector<std::string>& cc,
                       std::vector<std::string>& bcc, std::string_view own_address, OwnAddress own);

/// The attachments of a body, decoded (sendMessage 8).
[[nodiscard]] Result<std::vector<mailbox::DraftAttachment>, ApiError> read_attachments(const Call& call);

/// A reviewer's changes, lists trimmed and lower-cased. Whether the draft they leave can be sent is approve's
/// business; only the attachments are checked here.
[[nodiscard]] Result<approve::PendingApprovalEdit, ApiError> read_edit(const Call& call);

/// Trimmed, lower-cased, sorted labels of a body member (contract §9.6).
[[nodiscard]] Result<std::vector<std::string>, ApiError> read_labels(const Call& call,
                                                                     std::string_view member);
/// True for 1–64 characters of [a-z0-9:_-].
[[nodiscard]] bool valid_label(std::string_view label);
inline constexpr std::size_t kLabelsPerListMax = 50;

}  // namespace countersign::agent::rest
