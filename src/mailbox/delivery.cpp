// The delivery status of outbound messages, as the outbox derives it.
#include "mailbox/mailbox.hpp"

namespace countersign::mailbox {
namespace {

using store::Query;

// PostgreSQL: the array keeps the planner from reading the whole table for a join with a list that is longer
// than it expects.
#define CS_THE_LISTED                                                                      \
  "WHERE messages.id = ANY (ARRAY(SELECT unnest($1::text[]))) AND messages.id = d.id AND " \
  "messages.delivery_status IS NOT NULL"
constexpr Query kSet(
    "mailbox.set_delivery",
    "UPDATE messages SET delivery_status = $2, delivery_detail = $3 WHERE id = $1 AND delivery_status IS NOT "
    "NULL",
    store::Together{"UPDATE messages SET delivery_status = d.status, delivery_detail = d.detail FROM "
                    "unnest($1::text[], $2::text[], $3::text[]) AS d (id, status, detail) " CS_THE_LISTED,
                    1});
// In one statement, since each makes a new version of the row, and the id one of its indexes.
constexpr Query kSetWithId(
    "mailbox.set_delivery_with_id",
    "UPDATE messages SET delivery_status = $2, delivery_detail = $3, provider_message_id = CASE "
    "provider_message_id WHEN '' THEN $4 ELSE provider_message_id END WHERE id = $1 AND delivery_status IS "
    "NOT NULL",
    store::Together{
        "UPDATE messages SET delivery_status = d.status, delivery_detail = d.detail, "
        "provider_message_id = CASE messages.provider_message_id WHEN '' THEN d.provider_message_id "
        "ELSE messages.provider_message_id END FROM unnest($1::text[], $2::text[], $3::text[], "
        "$4::text[]) AS d (id, status, detail, provider_message_id) " CS_THE_LISTED,
        1});
#undef CS_THE_LISTED

// Differs in how a JSON list becomes rows. An array, because the rows of a list are taken for a hundred by
// PostgreSQL's planner, which then reads the whole table.
constexpr Query kSending(
    "mailbox.mark_sending",
    "UPDATE messages SET delivery_status = 'sending' WHERE delivery_status = 'accepted' AND "
    "id IN (SELECT value FROM json_each($1))",
    "UPDATE messages SET delivery_status = 'sending' WHERE delivery_status = 'accepted' AND "
    "id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))");
}  // namespace

void mark_sending(store::Tx& tx, std::string_view messages) { tx.send(kSending, {messages}); }

void set_delivery(store::Tx& tx, const MessageId& id, DeliveryStatus status, std::string_view detail,
                  std::string_view provider_message_id) {
  if (provider_message_id.empty()) return tx.send(kSet, {id.str(), name_of(status), detail});
  tx.send(kSetWithId, {id.str(), name_of(status), detail, provider_message_id});
}

}  // namespace countersign::mailbox
