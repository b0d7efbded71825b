// What send, reply, forward and test share: from the claim of the key to the answer.
#pragma once

#include <functional>

#include "agent/rest/handlers/context.hpp"
#include "agent/rest/handlers/drafts.hpp"
#include "hold/loop.hpp"
#include "mailbox/message.hpp"

namespace countersign::agent::rest {

/// Makes the draft of a call, behind the claim of its key (sendMessage 3–9).
using Drafting = std::function<Result<SendRequest, ApiError>(const Call&)>;

/// What is known of a request before its draft.
struct Sending {
  UserId user;
  Keyed keyed;
  mailbox::Kind kind = mailbox::Kind::send;
  /// The agent's, when the request was admitted; `off`: nothing is screened. A later change is for later
  /// mail.
  account::Sensitivity sensitivity = account::Sensitivity::off;
  hold::Answering answering = hold::Answering::nothing;
};

/// Takes the key, drafts, screens and submits for the agent of the path; then waits where the call asks for
/// it. The caller has admitted the request and found no stored answer.
[[nodiscard]] Awaitable<Response> accept(Context& context, const Call& call, Sending sending,
                                         Drafting drafting);

/// The answer of an accepted request, which `wait=sent` may hold back for a while (contract §10).
[[nodiscard]] Awaitable<Response> finish(Context& context, const Call& call, Answer answer);

}  // namespace countersign::agent::rest
