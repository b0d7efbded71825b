// What tests of reviewers' mail do with it: holds, claims, hand-overs that end as they are told, and what
// became of them.
#pragma once

#include <gmock/gmock.h>

#include "flows/office.hpp"
#include "notify/queue.hpp"
#include "notify/review_mail.hpp"
#include "support/stores.hpp"

namespace countersign::test {

using namespace std::chrono_literals;
using notify::Outcome;
using notify::ReviewMail;

inline constexpr std::string_view kAuthor = "writer@agents.example";
inline constexpr store::Query kStates(
    "review_mail_test.states",
    "SELECT n.state || COALESCE(' ' || r.state, '') FROM review_notifications n LEFT "
    "JOIN review_mails r ON r.id = n.mail_id WHERE n.message_id = $1");
inline constexpr store::Query kUnseen(
    "review_mail_test.unseen", "SELECT approved_unseen FROM review_notifications WHERE message_id = $1");
inline constexpr store::Query kEvidence(
    "review_mail_test.evidence",
    "SELECT evidence FROM lifecycle WHERE message_id = $1 AND reason_code = 'review.expired_approved'");
inline constexpr store::Query kAttempts("review_mail_test.attempts",
                                        "SELECT outcome FROM review_mail_attempts ORDER BY mail_id, epoch");

class ReviewMailTest : public StoreTest {
 protected:
  ReviewMailTest() {
    office_.add_agent(kAuthor);
    office_.hold_all(kAuthor, account::OnExpiry::approve);
    settle({});
  }

  void settle(const notify::Settings& settings) {
    (void)db().write(
        [&](store::Tx& tx) { return notify::set_account_settings(tx, office_.owner(), settings); });
  }
  void settle_agent(const notify::Settings& settings) {
    (void)db().write(
        [&](store::Tx& tx) { return notify::set_agent_settings(tx, office_.owner(), kAuthor, settings); });
  }

  void hold_for(std::chrono::seconds time) {
    office_.protect(kAuthor,
                    [&](account::Protection& protection) { protection.hold_ttl_seconds = time.count(); });
  }
  MessageId hold(const std::string& to = "bob@elsewhere.example") {
    const MessageId id = office_.hold(kAuthor, draft_to({to}));
    office_.pass(1ms);
    return id;
  }

  std::vector<ReviewMail> claim(const std::string& worker = "worker-1") {
    const UtcTime now = office_.now();
    const notify::ClaimCommand command{worker, now, now + 60s, 8, 60s, 1h, "seed"};
    return db().write([&](store::Tx& tx) { return notify::claim(tx, command); });
  }
  bool begin(const ReviewMail& mail, const std::string& worker = "worker-1") {
    return db().write([&](store::Tx& tx) {
      return notify::begin_attempt(tx, mail, worker, "scripted", office_.now(), office_.now() + 60s);
    });
  }
  std::string record(store::Tx& tx, const ReviewMail& mail, Outcome outcome) {
    notify::HandedOver result;
    result.outcome = outcome;
    result.provider = "scripted";
    result.detail = "the relay said so";
    result.retry_at = office_.now() + 1s;
    return notify::record(tx, mail, result, office_.now());
  }
  std::string record(const ReviewMail& mail, Outcome outcome) {
    return db().write([&](store::Tx& tx) { return record(tx, mail, outcome); });
  }
  /// Claims whatever is due and records this outcome for each; how many.
  std::size_t send(Outcome outcome = Outcome::accepted) {
    const std::vector<ReviewMail> mails = claim();
    for (const ReviewMail& mail : mails) {
      EXPECT_TRUE(begin(mail));
      record(mail, outcome);
    }
    return mails.size();
  }

  std::string state(const MessageId& id) {
    return db().read([&](store::ReadTx& tx) { return tx.query(kStates, {id.str()}).front().text(0); });
  }
  bool approved_unseen(const MessageId& id) {
    return db().read([&](store::ReadTx& tx) { return tx.query(kUnseen, {id.str()}).front().flag(0); });
  }
  /// Of the clock's approval.
  std::string evidence(const MessageId& id) {
    return db().read([&](store::ReadTx& tx) { return tx.query(kEvidence, {id.str()}).front().text(0); });
  }
  static std::string_view name_of(const std::optional<notify::OnUnseen>& said) {
    return said ? notify::name_of(*said) : "nothing";
  }
  std::vector<std::string> outcomes() {
    return db().read([](store::ReadTx& tx) {
      std::vector<std::string> out;
      const store::Rows rows = tx.query(kAttempts);
      for (const store::Row row : rows) out.push_back(row.text(0));
      return out;
    });
  }

  UtcTime deadline(const MessageId& id) { return *office_.message(id).approval_expires_at; }
  approve::Unseen refused_unseen(const MessageId& id) {
    const auto decision = office_.expire_approve(id);
    if (decision) throw std::logic_error("approved unseen");
    return std::get<approve::Unseen>(decision.error());
  }
  Result<UtcTime, approve::Refusal> postpone(const MessageId& id, const notify::Policy& policy = {}) {
    const approve::Expired expired{office_.owner(), id, account::OnExpiry::approve, deadline(id)};
    return db().write(
        [&](store::Tx& tx) { return approve::postpone_expiry(tx, expired, policy, office_.now()); });
  }

  /// Approved so that it can be taken back for an hour; when.
  UtcTime decided_for_now(const MessageId& id) {
    const UtcTime at = office_.now();
    approve::ApproveCommand command{office_.owner(), id, "reviewer", {}, {}, 1h};
    EXPECT_TRUE(db().write([&](store::Tx& tx) {
      return approve::approve_and_send(tx, command, office_.send_step(), kSharedDomain, at);
    }));
    return at;
  }
  bool taken_back(const MessageId& id, UtcTime at) {
    const approve::UndoCommand command{office_.owner(), id, at};
    return db().write([&](store::Tx& tx) { return approve::undo(tx, command, office_.now()); }).has_value();
  }

  Office office_{db()};
};

}  // namespace countersign::test
