// An office of agents over a store: what a flow test says in one line each. Uses the production send step.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "approve/approve.hpp"
#include "hold/submit.hpp"
#include "invariants/invariants.hpp"
#include "mailbox/mailbox.hpp"
#include "outbox/outbox.hpp"
#include "provider/loopback/send_step.hpp"
#include "store/database.hpp"
#include "store/open.hpp"

namespace countersign::test {

inline constexpr std::string_view kSharedDomain = "agents.example";
inline constexpr std::string_view kWorker = "worker-1";

/// 2026-11-23T12:00:00Z, when every office opens.
[[nodiscard]] UtcTime opening_time();

/// For a test that makes a store for every step of a loop and does one thing after the other in it: several
/// connections would take turns, and each would have to be made and to learn every statement, each time anew.
[[nodiscard]] store::Options one_connection();

/// A draft with subject and text to these mailboxes.
[[nodiscard]] mailbox::Draft draft_to(std::vector<std::string> to);

class Office {
 public:
  using SubmitResult = Result<hold::Submitted, hold::SubmitRefusal>;
  using ApproveResult = Result<approve::Decision, approve::Refusal>;
  using RejectResult = Result<std::monostate, approve::Refusal>;

  /// Opens with one account, `owner@example.com`, without agents.
  explicit Office(store::Database& database);

  [[nodiscard]] store::Database& db() { return database_; }
  [[nodiscard]] UtcTime now() const { return clock_.now(); }
  [[nodiscard]] ManualClock& clock() { return clock_; }
  void pass(Duration time) { clock_.advance(time); }
  [[nodiscard]] const UserId& owner() const { return owner_; }
  [[nodiscard]] outbox::SendStep& send_step() { return send_; }

  UserId add_account(std::string_view email);
  /// A live agent of the owner (or of `user`) on the shared domain, without gates.
  void add_agent(std::string_view email, const std::optional<UserId>& user = {});
  [[nodiscard]] account::Agent agent(std::string_view email);
  /// Changes the protection of an agent.
  template <class Change>
  void protect(std::string_view email, Change change) {
    account::Protection protection = agent(email).protection;
    change(protection);
    store_protection(email, protection);
  }
  /// Every outbound message of this agent is held.
  void hold_all(std::string_view email, account::OnExpiry on_expiry = account::OnExpiry::reject);
  void trash_agent(std::string_view email);
  void restore_agent(std::string_view email);
  void suppress(std::string_view agent, std::string_view address);

  [[nodiscard]] MessageId next_id();
  [[nodiscard]] SubmitResult submit(std::string_view agent, const mailbox::Draft& draft, const MessageId& id,
                                    const account::Limits& limits = {});
  /// Submits and expects it to be sent or queued.
  MessageId send(std::string_view agent, const mailbox::Draft& draft);
  /// Submits and expects it to be held.
  MessageId hold(std::string_view agent, const mailbox::Draft& draft);

  [[nodiscard]] ApproveResult approve(const MessageId& id, const approve::PendingApprovalEdit& edit = {},
                                      std::optional<std::int64_t> revision = {});
  [[nodiscard]] RejectResult reject(const MessageId& id, const std::string& reason = "");
  [[nodiscard]] ApproveResult expire_approve(const MessageId& id, const notify::Policy& policy = {});
  [[nodiscard]] RejectResult expire_reject(const MessageId& id);
  [[nodiscard]] std::vector<approve::Expired> expired(const std::optional<journal::Position>& after = {},
                                                      std::int64_t limit = 100);

  [[nodiscard]] std::vector<outbox::Claim> claim(std::string_view worker = kWorker, std::int64_t limit = 32);
  [[nodiscard]] bool fence(const outbox::Claim& claim, std::string_view worker = kWorker);
  bool record(const outbox::Claim& claim, const outbox::Answer& answer);
  /// Claims, passes the fence and records this answer for everything that is due; how many.
  std::size_t hand_over(outbox::Verdict verdict);

  [[nodiscard]] mailbox::Message message(const MessageId& id);
  /// Visible inbound messages of an agent, newest first.
  [[nodiscard]] std::vector<mailbox::Message> inbox(std::string_view agent);
  /// Types of the events about a message, in the order they were written.
  [[nodiscard]] std::vector<std::string> events(const MessageId& id);
  /// Reason codes of a message's lifecycle, in order.
  [[nodiscard]] std::vector<std::string> lifecycle(const MessageId& id);
  /// "queued", "claimed/2", … per attempt of a message: state and epoch.
  [[nodiscard]] std::vector<std::string> attempts(const MessageId& id);
  /// "to a@b external queued" per recipient of a message, by address.
  [[nodiscard]] std::vector<std::string> recipients(const MessageId& id);

  /// Fails the test for every invariant that is broken.
  void expect_sound();

 private:
  void store_protection(std::string_view email, const account::Protection& protection);

  store::Database& database_;
  ManualClock clock_{opening_time()};
  UserId owner_;
  provider::loopback::SendStep send_{{std::string(kSharedDomain), "relay.example"}};
  std::int64_t ids_ = 0;
};

}  // namespace countersign::test
