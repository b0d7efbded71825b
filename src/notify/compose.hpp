// The mail to a reviewer: what waits, why, until when, and what to do about it. Never the body of what is
// held (contract §14).
#pragma once

#include <string>
#include <string_view>

#include "mail/address.hpp"
#include "notify/link.hpp"
#include "notify/review_mail.hpp"

namespace countersign::notify {

/// Who writes, and where the links lead.
struct Sender {
  mail::Mailbox from;
  std::string public_url;  // without trailing slash; empty: no links
};

/// The complete message, CRLF line ends. Deterministic: the same mail about the same holds gives the same
/// bytes, Message-ID and links, so that a repeat is recognised as one.
[[nodiscard]] std::string compose(const ReviewMail& mail, const Sender& sender, const Links& links);

/// The Message-ID of a mail, without angle brackets.
[[nodiscard]] std::string message_id_of(const ReviewMailId& mail, const Sender& sender);

/// `text` on one line, without controls and the invisible characters that change the direction of text
/// (Unicode bidirectional controls), at most `code_points_max` long.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t code_points_max);

/// For people: `2026-11-23 13:45 UTC`.
[[nodiscard]] std::string readable_time(UtcTime time);

/// What the hold's reason says for people.
[[nodiscard]] std::string why_held(const mailbox::Message& message);

}  // namespace countersign::notify
