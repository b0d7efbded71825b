// Bounces and complaints that come as mail: from the bytes of a report to the outbox.
//
// read_bounce is pure and takes its time; take_bounce belongs into a transaction. Whoever receives mail for
// return paths calls one after the other: the Maildir reader here, an SMTP receiver elsewhere.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "outbox/feedback.hpp"
#include "provider/feedback/return_path.hpp"
#include "store/tx.hpp"

namespace countersign::provider::feedback {

/// A report about one message of ours.
struct Bounce {
  MessageId message;
  std::vector<outbox::Feedback> feedback;  // one per recipient; may be empty (all relayed, say)
};

/// Why a mail tells the outbox nothing. All are final: reading it again changes nothing.
enum class NoBounce : std::uint8_t {
  no_report,      // neither a delivery status nor a complaint; forms of single servers are not guessed at
  no_token,       // to no return path of this deployment
  other_message,  // the token names one message, and what the report quotes is another
};
[[nodiscard]] std::string_view name_of(NoBounce reason);

/// raw                  the mail
/// envelope_recipients  where it was delivered to, as far as its server says so; where that is unknown, what
///                      the mail itself says (Delivered-To, X-Original-To, Envelope-To, To)
/// The message is the one whose token stands in one of these addresses, or, for a complaint, in the envelope
/// sender that it quotes. Nothing else identifies it: Message-ID and X-E2A-Message-ID stand in every copy and
/// get around with it, whereas the token is made from a secret and travels in the envelope only. The header
/// X-E2A-Message-ID counts only against a report: one that quotes another message's is not applied.
/// What a token proves is that the reporter had the envelope of this message, as its recipients' servers do;
/// they are believed about all recipients of that message and about nothing else.
[[nodiscard]] Result<Bounce, NoBounce> read_bounce(std::string_view raw,
                                                   const std::vector<std::string>& envelope_recipients,
                                                   const ReturnPaths& paths, UtcTime received);

/// Applies it (all in tx); the outcome of each feedback. A repeat of the same report changes nothing.
/// Throws store::Unavailable.
[[nodiscard]] std::vector<outbox::FeedbackOutcome> take_bounce(store::Tx& tx, const Bounce& bounce,
                                                               UtcTime now);

}  // namespace countersign::provider::feedback
