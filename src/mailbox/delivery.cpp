// The delivery status of outbound messages, as the outbox derives it.
#include "mailbox/mailbox.hpp"

namespace countersign::mailbox {
namespace {

using store::Query;

constexpr Query kSet("mailbox.set_delivery",
                     "UPDATE messages SET delivery_status = $2, delivery_detail = $3 "
                     "WHERE id = $1 AND delivery_status IS NOT NULL");

// Differs in how a JSON list becomes rows. An array, because the rows of a list are taken for a hundred by
// PostgreSQL's planner, which then reads the whole table.
constexpr Query kSending(
    "mailbox.mark_sending",
    "UPDATE messages SET delivery_status = 'sending' WHERE delivery_status = 'accepted' AND "
    "id IN (SELECT value FROM json_each($1))",
    "UPDATE messages SET delivery_status = 'sending' WHERE delivery_status = 'accepted' AND "
    "id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))");
constexpr Query kProviderId(
    "mailbox.note_provider_id",
    "UPDATE messages SET provider_message_id = $2 WHERE id = $1 AND provider_message_id = ''");

}  // namespace

void mark_sending(store::Tx& tx, std::string_view messages) { tx.send(kSending, {messages}); }

void note_provider_id(store::Tx& tx, const MessageId& id, std::string_view provider_message_id) {
  if (!provider_message_id.empty()) tx.send(kProviderId, {id.str(), provider_message_id});
}

void set_delivery(store::Tx& tx, const MessageId& id, DeliveryStatus status, std::string_view detail) {
  tx.send(kSet, {id.str(), name_of(status), detail});
}

}  // namespace countersign::mailbox
