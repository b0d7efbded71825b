#include "outbox/recipients.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "mailbox/mailbox.hpp"

namespace countersign::outbox {
namespace {

using mailbox::DeliveryStatus;
using store::Query;

// Differs in how a JSON list becomes rows.
#define CS_RECIPIENTS                                                                                   \
  "SELECT message_id, address, CASE route WHEN 'external' THEN 1 ELSE 0 END, state, "                   \
  "COALESCE(submission_id, ''), detail, unknown_in, delivery, delivery_detail FROM message_recipients " \
  "WHERE message_id "
constexpr Query kRecipients("outbox.recipients",
                            CS_RECIPIENTS "IN (SELECT value FROM json_each($1)) ORDER BY 1, 2",
                            CS_FOR_EACH(CS_RECIPIENTS "= l.id"));
// The array keeps PostgreSQL from reading the whole table for a join with a list that is longer than it
// expects.
constexpr Query kSettleRecipient(
    "outbox.settle_recipient",
    "UPDATE message_recipients SET state = $3, submission_id = $4, detail = $5, unknown_in = $6 "
    "WHERE message_id = $1 AND address = $2",
    store::Together{
        "UPDATE message_recipients SET state = r.state, submission_id = r.submission, "
        "detail = r.detail, unknown_in = r.unknown_in FROM unnest($1::text[], $2::text[], "
        "$3::text[], $4::text[], $5::text[], $6::text[]) AS r (message, address, state, submission, "
        "detail, unknown_in) WHERE message_recipients.message_id = ANY (ARRAY(SELECT "
        "unnest($1::text[]))) AND message_recipients.message_id = r.message AND "
        "message_recipients.address = r.address",
        2});
constexpr Query kNoteDelivery(
    "outbox.note_delivery",
    "UPDATE message_recipients SET delivery = $3, delivery_detail = $4, delivery_at_us = $5 "
    "WHERE message_id = $1 AND address = $2");

// Ascending: a recipient moves to the right only.
constexpr std::array<std::string_view, 6> kDeliveries{"",       "delayed", "delivered",
                                                      "failed", "bounced", "complained"};

std::ptrdiff_t rank_of(std::string_view delivery) {
  const auto found = std::ranges::find(kDeliveries, delivery);
  CS_ASSERT(found != kDeliveries.end());
  return found - kDeliveries.begin();
}

// What one recipient's standing means for the message.
DeliveryStatus standing_of(const RecipientRow& row) {
  if (row.delivery == "complained") return DeliveryStatus::complained;
  if (row.delivery == "bounced") return DeliveryStatus::bounced;
  if (row.delivery == "failed" || row.state == "refused" || row.state == "cancelled")
    return DeliveryStatus::failed;
  if (row.state == "unknown") return DeliveryStatus::unknown;
  if (row.state == "queued") return DeliveryStatus::sending;
  if (row.delivery == "delivered") return DeliveryStatus::delivered;
  if (row.delivery == "delayed") return DeliveryStatus::deferred;
  return DeliveryStatus::sent;
}

std::string_view detail_of(const RecipientRow& row) {
  return row.delivery_detail.empty() ? row.detail : row.delivery_detail;
}

}  // namespace

std::map<MessageId, std::vector<RecipientRow>> read_recipients(store::Tx& tx, std::string_view messages) {
  std::map<MessageId, std::vector<RecipientRow>> recipients;
  for (const store::Row row : tx.query(kRecipients, {messages})) {
    recipients[MessageId(row.text(0))].push_back({row.text(1), row.flag(2), row.text(3), row.text(4),
                                                  row.text(5), row.text(6), row.text(7), row.text(8)});
  }
  return recipients;
}

Recipients::Recipients(store::Tx& tx, MessageId message)
    : Recipients(tx, message, read_recipients(tx, to_json_list({message.str()}))[message]) {}

Recipients::Recipients(store::Tx& tx, MessageId message, std::vector<RecipientRow> rows)
    : tx_(tx), message_(std::move(message)), rows_(std::move(rows)) {}

RecipientRow* Recipients::find_row(std::string_view address) {
  const auto found = std::ranges::find_if(
      rows_, [&](const RecipientRow& row) { return row.external && row.address == address; });
  return found == rows_.end() ? nullptr : &*found;
}

const RecipientRow* Recipients::find(std::string_view address) const {
  const auto found = std::ranges::find_if(
      rows_, [&](const RecipientRow& row) { return row.external && row.address == address; });
  return found == rows_.end() ? nullptr : &*found;
}

std::vector<std::string> Recipients::addresses_in(std::string_view state) const {
  std::vector<std::string> addresses;
  for (const RecipientRow& row : rows_) {
    if (row.external && row.state == state) addresses.push_back(row.address);
  }
  return addresses;
}

void Recipients::settle(std::string_view address, std::string_view state, const SubmissionId& submission,
                        std::string_view detail) {
  RecipientRow* row = find_row(address);
  CS_ASSERT(row != nullptr);
  row->state = state;
  row->submission = submission.str();
  row->detail = detail;
  if (state == "unknown" && !row->was_unknown_in(submission)) {
    row->unknown_in += (row->unknown_in.empty() ? "" : " ") + submission.str();
  }
  const auto by = submission.empty() ? std::nullopt : std::optional<std::string_view>(submission.str());
  tx_.send(kSettleRecipient, {message_.str(), address, state, by, detail, row->unknown_in});
}

bool Recipients::note_delivery(std::string_view address, std::string_view delivery, std::string_view detail,
                               UtcTime at) {
  RecipientRow* row = find_row(address);
  if (row == nullptr || row->state != "accepted" || rank_of(delivery) <= rank_of(row->delivery)) return false;
  row->delivery = delivery;
  row->delivery_detail = detail;
  tx_.send(kNoteDelivery, {message_.str(), address, delivery, detail, at});
  return true;
}

void Recipients::derive(std::string_view provider_message_id) {
  // Worst news first. `sent` stands before what is still on its way, because a status never moves down.
  constexpr std::array kOrder{DeliveryStatus::complained, DeliveryStatus::bounced,  DeliveryStatus::failed,
                              DeliveryStatus::unknown,    DeliveryStatus::deferred, DeliveryStatus::sent,
                              DeliveryStatus::delivered,  DeliveryStatus::sending};
  std::vector<const RecipientRow*> external;
  for (const RecipientRow& row : rows_) {
    if (row.external) external.push_back(&row);
  }
  CS_ASSERT(!external.empty());
  const auto count = [&](DeliveryStatus status) {
    return std::ranges::count_if(external,
                                 [&](const RecipientRow* row) { return standing_of(*row) == status; });
  };
  auto status = *std::ranges::find_if(kOrder, [&](DeliveryStatus candidate) { return count(candidate) > 0; });
  const auto total = std::ssize(external);
  const auto delivered = count(DeliveryStatus::delivered);
  // Some have it and others are still tried: the message as a whole was sent, and no more is known.
  if (status == DeliveryStatus::delivered && delivered < total) status = DeliveryStatus::sent;

  const auto affected = status == DeliveryStatus::sent && delivered > 0 ? delivered : count(status);
  const auto first =
      std::ranges::find_if(external, [&](const RecipientRow* row) { return standing_of(*row) == status; });
  std::string detail;
  if (status == DeliveryStatus::sent || status == DeliveryStatus::delivered) {
    if (status == DeliveryStatus::sent && delivered > 0) {
      detail = fmt::format("delivered to {} of {} recipients", delivered, total);
    }
  } else if (status != DeliveryStatus::sending) {
    detail = detail_of(**first);
    if (affected < total) {
      detail = fmt::format("{} of {} recipients ({}): {}", affected, total, (*first)->address, detail);
    }
  }
  mailbox::set_delivery(tx_, message_, status, detail, provider_message_id);
}

}  // namespace countersign::outbox
