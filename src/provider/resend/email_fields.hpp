// A stored message as the fields that Resend takes (API reference, Send Email).
//
// What cannot be carried over: the exact bytes of the message, its Message-ID and Date (Resend gives its
// own), the nesting of its parts and their transfer encodings, fields that occur more than once (the first is
// taken), and fields whose names Resend reserves. What a reader sees is the same: text, HTML, attachments
// with their names, types and Content-IDs, subject, addresses and the other fields of the header.
#pragma once

#include <string>

#include "base/result.hpp"
#include "provider/transport.hpp"

namespace countersign::provider::resend {

/// "Max 50" for `to`; in all, as the contract has it (contract §8).
inline constexpr std::size_t kRecipientsMax = 50;

/// The JSON body of the request. Depends on the message and its key only, so that a repeat of a hand-over has
/// identical bytes. Only recipients of the envelope stand in it: those of the header's To and Cc in `to` and
/// `cc`, all others in `bcc`. Resend insists on a `to`: when nobody of To is left it is those of Cc, or the
/// one blind recipient; several blind recipients alone are refused, because each would see the others.
/// Refuses with the reason, for people.
[[nodiscard]] Result<std::string, std::string> email_json(const HandOver& message);

}  // namespace countersign::provider::resend
