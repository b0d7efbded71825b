// The delivery status: it rises by rank and never falls (contract §9.4).
#include "base/assert.hpp"
#include "base/text.hpp"
#include "mailbox/mailbox.hpp"

namespace countersign::mailbox {
namespace {

using store::Query;

#define CS_RANK                                                                                          \
  "CASE delivery_status WHEN 'accepted' THEN 1 WHEN 'sending' THEN 2 WHEN 'unknown' THEN 3 WHEN 'sent' " \
  "THEN 4 "                                                                                              \
  "WHEN 'deferred' THEN 5 WHEN 'delivered' THEN 6 WHEN 'failed' THEN 7 WHEN 'bounced' THEN 8 ELSE 9 END"

constexpr Query kAdvance("mailbox.advance_delivery",
                         "UPDATE messages SET delivery_status = $2, delivery_detail = $3 "
                         "WHERE id = $1 AND delivery_status IS NOT NULL AND " CS_RANK " < $4");

// Differs in how a JSON list becomes rows.
constexpr Query kSending(
    "mailbox.mark_sending",
    "UPDATE messages SET delivery_status = 'sending' WHERE delivery_status = 'accepted' AND "
    "id IN (SELECT value FROM json_each($1))",
    "UPDATE messages SET delivery_status = 'sending' WHERE delivery_status = 'accepted' AND "
    "id IN (SELECT value FROM jsonb_array_elements_text($1::jsonb))");
constexpr Query kResume("mailbox.resume_sending",
                        "UPDATE messages SET delivery_status = 'sending', delivery_detail = '' "
                        "WHERE id = $1 AND delivery_status = 'unknown'");
constexpr Query kProviderId(
    "mailbox.note_provider_id",
    "UPDATE messages SET provider_message_id = $2 WHERE id = $1 AND provider_message_id = ''");

int rank_of(DeliveryStatus status) {
  switch (status) {
    case DeliveryStatus::accepted:
      return 1;
    case DeliveryStatus::sending:
      return 2;
    case DeliveryStatus::unknown:
      return 3;
    case DeliveryStatus::sent:
      return 4;
    case DeliveryStatus::deferred:
      return 5;
    case DeliveryStatus::delivered:
      return 6;
    case DeliveryStatus::failed:
      return 7;
    case DeliveryStatus::bounced:
      return 8;
    case DeliveryStatus::complained:
      return 9;
  }
  CS_ASSERT(false);
}

}  // namespace

void mark_sending(store::Tx& tx, const std::vector<std::string>& messages) {
  tx.send(kSending, {to_json_list(messages)});
}

void resume_sending(store::Tx& tx, const MessageId& id) { tx.send(kResume, {id.str()}); }

void note_provider_id(store::Tx& tx, const MessageId& id, std::string_view provider_message_id) {
  if (!provider_message_id.empty()) tx.send(kProviderId, {id.str(), provider_message_id});
}

bool advance_delivery(store::Tx& tx, const MessageId& id, DeliveryStatus status, std::string_view detail) {
  return tx.execute(kAdvance, {id.str(), name_of(status), detail, rank_of(status)}) == 1;
}

}  // namespace countersign::mailbox
