#include "sim/mutants.hpp"

#include <algorithm>
#include <string>

#include "mailbox/row.hpp"

namespace countersign::sim {
namespace {

using store::Query;

// A copy of a production statement under a name of its own, since connections keep statements by name.
#define CS_MUTANT(name, sql) \
  Replacement { name, Query("mutant." name, sql) }

const std::string& pending_whatever_it_is() {
  static const std::string kText = [] {
    std::string text = "SELECT " CS_MESSAGE_COLUMNS
                       " FROM messages m JOIN agents a ON a.email = m.agent_email "
                       "WHERE m.id = $1 AND m.user_id = $2 AND a.deleted_at_us IS NULL";
    constexpr std::string_view kColumn = "m.review_status";
    text.replace(text.find(kColumn), kColumn.size(), "'pending_review'");
    return text;
  }();
  return kText;
}

std::vector<Mutant> all_mutants() {
  std::vector<Mutant> all;
  all.push_back(
      {"no-fence",
       "nothing durable is written before the last byte",
       Breach::duplicate,
       {CS_MUTANT("outbox.fence",
                  "UPDATE submissions SET provider = $3 FROM json_each($1) f WHERE submissions.id = f.value "
                  "->> 'id' AND submissions.epoch = f.value ->> 'epoch' AND worker = $2 AND "
                  "state = 'claimed' RETURNING submissions.id, submissions.epoch"),
        CS_MUTANT("outbox.settle_accepted",
                  "UPDATE submissions SET state = 'accepted', lease_until_us = NULL, resend_at_us = "
                  "NULL, fenced_at_us = $2, first_fenced_at_us = $2, settled_at_us = $2, settled_by = "
                  "'reply', provider = a.value ->> 'provider', provider_message_id = a.value ->> "
                  "'provider_message_id', reply_phase = a.value ->> 'phase', reply_code = a.value ->> "
                  "'code', reply_text = a.value ->> 'reply' FROM json_each($1) a WHERE submissions.id = "
                  "a.value ->> 'id' AND submissions.epoch = a.value ->> 'epoch' AND state = 'claimed' "
                  "RETURNING submissions.id, resolution, first_due_at_us"),
        CS_MUTANT("outbox.settle_unknown",
                  "UPDATE submissions SET state = 'unknown', lease_until_us = NULL, unknown_at_us = "
                  "$2, fenced_at_us = $2, first_fenced_at_us = $2, provider = $4, reply_phase = $5, "
                  "reply_code = $6, reply_text = $7 WHERE id = $1 AND epoch = $3 AND state = "
                  "'claimed'")}});
  all.push_back(
      {"no-epoch-check",
       "the fence lets anybody pass, whoever has claimed the attempt by then",
       Breach::duplicate,
       {CS_MUTANT("outbox.fence",
                  "UPDATE submissions SET state = 'handover', provider = $3, fenced_at_us = $4, "
                  "first_fenced_at_us = COALESCE(first_fenced_at_us, $4), lease_until_us = $5 "
                  "FROM json_each($1) f WHERE submissions.id = f.value ->> 'id' AND state IN "
                  "('claimed', 'handover') RETURNING submissions.id, (SELECT value ->> 'epoch' FROM "
                  "json_each($1) WHERE value ->> 'id' = submissions.id)")}});
  all.push_back({"fence-ignored",
                 "the last byte leaves whatever the fence says",
                 Breach::duplicate,
                 {},
                 Defect::fence_ignored});
  all.push_back({"record-with-other-work",
                 "the acceptance is recorded together with work that can fail",
                 Breach::loss,
                 {},
                 Defect::record_with_other_work});
  all.push_back({"resend-on-lost-reply",
                 "a connection that breaks after the last byte counts as a deferral",
                 Breach::duplicate,
                 {},
                 Defect::resend_on_lost_reply});
  all.push_back({"rescue-requeues",
                 "a hand-over whose worker died goes back to the queue",
                 Breach::duplicate,
                 {CS_MUTANT("outbox.leases_over",
                            "SELECT id, message_id, user_id, epoch, attempt, 'claimed', provider, "
                            "first_fenced_at_us FROM submissions WHERE lease_until_us < $1 ORDER BY "
                            "lease_until_us LIMIT $2"),
                  CS_MUTANT("outbox.rescue_claimed",
                            "UPDATE submissions SET state = 'queued', lease_until_us = NULL, fenced_at_us = "
                            "NULL WHERE id = $1 AND epoch = $2 AND lease_until_us < $3")}});
  all.push_back(
      {"lease-ignored",
       "what others are at is taken for abandoned while they are at it",
       Breach::split,
       {CS_MUTANT("outbox.leases_over",
                  "SELECT id, message_id, user_id, epoch, attempt, state, provider, "
                  "first_fenced_at_us FROM submissions WHERE lease_until_us IS NOT NULL ORDER BY "
                  "lease_until_us LIMIT $2"),
        CS_MUTANT("outbox.settle_unknown",
                  "UPDATE submissions SET state = 'unknown', lease_until_us = NULL, unknown_at_us = "
                  "$2, provider = $4, reply_phase = $5, reply_code = $6, reply_text = $7 WHERE id = "
                  "$1 AND epoch = $3 AND state = 'handover'")}});
  all.push_back(
      {"approve-unguarded",
       "a decision does not look whether the message is still pending",
       Breach::split,
       {Replacement{"mailbox.lock_for_review",
                    Query("mutant.mailbox.lock_for_review", pending_whatever_it_is())},
        CS_MUTANT("approve.resolve",
                  "UPDATE messages SET review_status = $3, resolved_at_us = $4, resolved_by = $5, "
                  "rejection_reason = $6, approved_revision = CASE WHEN $7 = 1 THEN revision END "
                  "WHERE id = $1 AND revision = $2"),
        CS_MUTANT("approve.edit",
                  "UPDATE messages SET revision = revision + 1, edited = 1, subject = $3, to_list = "
                  "$4, cc_list = $5, bcc_list = $6, delivered_to = $7, charged_bytes = charged_bytes "
                  "+ $8 WHERE id = $1 AND revision = $2"),
        CS_MUTANT("mailbox.store_dispatch",
                  "UPDATE messages SET method = $2, delivery_status = $3, sent_as = $4, "
                  "rfc_message_id = $5, size_bytes = $6, charged_bytes = charged_bytes + $6 "
                  "WHERE id = $1")}});
  all.push_back(
      {"undo-after-claim",
       "an approval is taken back although a dispatcher has claimed what it queued",
       Breach::split,
       {CS_MUTANT("outbox.withdraw",
                  "DELETE FROM submissions WHERE user_id = $2 AND message_id = $1 AND attempt = 1 AND "
                  "NOT EXISTS (SELECT 1 FROM message_recipients r WHERE r.message_id = $1 AND "
                  "r.route = 'local')")}});
  all.push_back(
      {"undo-keeps-the-edit",
       "the hold that is back is what the reviewer made of the draft",
       Breach::split,
       {CS_MUTANT("approve.restore_draft",
                  "UPDATE messages SET revision = $2, edited = $8, charged_bytes = $9 WHERE id = $1 "
                  "AND review_status = 'pending_review'")}});
  all.push_back({"enqueue-afterwards",
                 "the hand-over is queued by a second transaction",
                 Breach::loss,
                 {},
                 Defect::enqueue_afterwards});
  all.push_back({"answer-afterwards",
                 "the answer to a keyed request is stored by a second transaction",
                 Breach::duplicate,
                 {},
                 Defect::answer_afterwards});
  all.push_back({"copies-beforehand",
                 "local copies are committed on a connection of their own",
                 Breach::split,
                 {},
                 Defect::copies_beforehand});
  all.push_back({"fault-costs-attempt",
                 "a fault of the session is charged to the message",
                 Breach::split,
                 {},
                 Defect::fault_costs_attempt});
  return all;
}

}  // namespace

std::span<const Mutant> mutants() {
  static const std::vector<Mutant> kAll = all_mutants();
  return kAll;
}

const Mutant* find_mutant(std::string_view name) {
  const auto all = mutants();
  const auto found = std::ranges::find(all, name, &Mutant::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace countersign::sim
