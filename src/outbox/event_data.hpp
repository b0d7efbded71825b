// The data members of events about outbound messages (contract §24).
#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "mailbox/message.hpp"

namespace countersign::outbox {

/// message_id, agent_email, direction, method, from, to, subject, message_type, and conversation_id, cc, bcc
/// where there are any: the members email.sent, email.failed and email.review_approved share.
[[nodiscard]] boost::json::object outbound_event_data(const mailbox::Message& message);

/// Adds what email.failed has on top of them.
void add_failure(boost::json::object& data, std::string_view reason, journal::Reason code);

}  // namespace countersign::outbox
