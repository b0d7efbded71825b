#include "flows/office.hpp"

#include <chrono>

#include "account/suppression.hpp"
#include "mailbox/mailbox.hpp"
#include "notify/settings.hpp"
#include "support/conforming_events.hpp"

namespace countersign::test {
namespace {

using store::Query;

constexpr Query kEvents("office.events", "SELECT type FROM events WHERE message_id = $1 ORDER BY position");
constexpr Query kAttempts("office.attempts",
                          "SELECT state, epoch FROM submissions WHERE message_id = $1 ORDER BY attempt");
constexpr Query kRecipients("office.recipients",
                            "SELECT kind || ' ' || address || ' ' || route || ' ' || state FROM "
                            "message_recipients WHERE message_id = $1 ORDER BY address");

constexpr std::chrono::seconds kLease{60};

template <class Value>
Value must(std::optional<Value> value) {
  if (!value) throw std::logic_error("the office lacks what the test takes for granted");
  return std::move(*value);
}

}  // namespace

UtcTime opening_time() {
  using namespace std::chrono;
  return sys_days{2026y / November / 23} + 12h;
}

store::Options one_connection() {
  store::Options options;
  options.connections = 1;
  return options;
}

mailbox::Draft draft_to(std::vector<std::string> to) {
  mailbox::Draft draft;
  draft.subject = "Quarterly figures";
  draft.text = "Please find them below.";
  draft.to = std::move(to);
  return draft;
}

Office::Office(store::Database& database) : database_(database), owner_(add_account("owner@example.com")) {}

UserId Office::add_account(std::string_view email) {
  const UserId id(derived_id("", {email}));
  // Nobody mails reviewers here: tests about that say what they want.
  notify::Settings unnoticed;
  unnoticed.mute = true;
  unnoticed.on_unseen = notify::OnUnseen::approve;
  (void)database_.write([&](store::Tx& tx) {
    return account::create_user(tx, id, email, now()) && notify::set_account_settings(tx, id, unnoticed);
  });
  return id;
}

void Office::add_agent(std::string_view email, const std::optional<UserId>& user) {
  account::Principal principal;
  principal.user = user.value_or(owner_);
  const auto created = database_.write([&](store::Tx& tx) {
    return account::create_agent(tx, principal, {std::string(email), ""}, kSharedDomain, now());
  });
  if (!created) throw std::logic_error("agent " + std::string(email) + " was refused");
}

account::Agent Office::agent(std::string_view email) {
  return must(
      database_.read([&](store::ReadTx& tx) { return account::find_live_agent(tx, email, kSharedDomain); }));
}

void Office::store_protection(std::string_view email, const account::Protection& protection) {
  const UserId user = agent(email).user;
  (void)database_.write([&](store::Tx& tx) { return account::set_protection(tx, user, email, protection); });
}

void Office::hold_all(std::string_view email, account::OnExpiry on_expiry) {
  protect(email, [&](account::Protection& protection) {
    protection.outbound.policy = account::GatePolicy::allowlist;
    protection.outbound.action = account::GateAction::review;
    protection.hold_on_expiry = on_expiry;
  });
}

void Office::trash_agent(std::string_view email) {
  const UserId user = agent(email).user;
  (void)database_.write([&](store::Tx& tx) { return account::trash_agent(tx, user, email, now()); });
}

void Office::restore_agent(std::string_view email) {
  const auto restored = database_.write(
      [&](store::Tx& tx) { return account::restore_agent(tx, owner_, email, kSharedDomain, now()); });
  EXPECT_TRUE(restored.has_value());
}

void Office::suppress(std::string_view agent, std::string_view address) {
  (void)database_.write(
      [&](store::Tx& tx) { return account::suppress_for_agent(tx, agent, address, "manual", "", now()); });
}

MessageId Office::next_id() { return MessageId(fmt::format("msg_{:032x}", ++ids_)); }

Office::SubmitResult Office::submit(std::string_view agent, const mailbox::Draft& draft, const MessageId& id,
                                    const account::Limits& limits) {
  return database_.write([&](store::Tx& tx) {
    const auto author = must(account::find_live_agent(tx, agent, kSharedDomain));
    const hold::SubmitCommand command{id, mailbox::Kind::send, "conv_" + id.str(), draft};
    return hold::submit(tx, author, limits, command, send_, now());
  });
}

MessageId Office::send(std::string_view agent, const mailbox::Draft& draft) {
  const MessageId id = next_id();
  const SubmitResult result = submit(agent, draft, id);
  EXPECT_TRUE(result.has_value() && std::holds_alternative<hold::Sent>(*result));
  return id;
}

MessageId Office::hold(std::string_view agent, const mailbox::Draft& draft) {
  const MessageId id = next_id();
  const SubmitResult result = submit(agent, draft, id);
  EXPECT_TRUE(result.has_value() && std::holds_alternative<hold::Held>(*result));
  return id;
}

Office::ApproveResult Office::approve(const MessageId& id, const approve::PendingApprovalEdit& edit,
                                      std::optional<std::int64_t> revision) {
  const approve::ApproveCommand command{message(id).user, id, "reviewer", edit, revision};
  return database_.write(
      [&](store::Tx& tx) { return approve::approve_and_send(tx, command, send_, kSharedDomain, now()); });
}

Office::RejectResult Office::reject(const MessageId& id, const std::string& reason) {
  const approve::RejectCommand command{message(id).user, id, "reviewer", reason};
  return database_.write([&](store::Tx& tx) { return approve::reject(tx, command, now()); });
}

Office::ApproveResult Office::expire_approve(const MessageId& id, const notify::Policy& policy) {
  const approve::Expired expired{message(id).user, id, account::OnExpiry::approve, now()};
  return database_.write([&](store::Tx& tx) {
    return approve::expire_approve_and_send(tx, expired, send_, kSharedDomain, policy, now());
  });
}

Office::RejectResult Office::expire_reject(const MessageId& id) {
  const approve::Expired expired{message(id).user, id, account::OnExpiry::reject, now()};
  return database_.write(
      [&](store::Tx& tx) { return approve::expire_reject(tx, expired, "ttl_expired", now()); });
}

std::vector<approve::Expired> Office::expired(const std::optional<journal::Position>& after,
                                              std::int64_t limit) {
  return database_.read([&](store::ReadTx& tx) { return approve::find_expired(tx, now(), after, limit); });
}

std::vector<outbox::Claim> Office::claim(std::string_view worker, std::int64_t limit) {
  const outbox::ClaimCommand command{std::string(worker), now(), now() + kLease, limit, {}};
  return database_.write([&](store::Tx& tx) { return outbox::claim(tx, command); });
}

bool Office::fence(const outbox::Claim& claim, std::string_view worker) {
  const outbox::FenceCommand command{std::string(worker), "scripted", now(), now() + kLease};
  return database_.write([&](store::Tx& tx) { return outbox::fence(tx, claim, command); });
}

bool Office::record(const outbox::Claim& claim, const outbox::Answer& answer) {
  return database_.write([&](store::Tx& tx) { return outbox::record(tx, claim, answer, now()); });
}

std::size_t Office::hand_over(outbox::Verdict verdict) {
  const auto claims = claim();
  for (const outbox::Claim& taken : claims) {
    EXPECT_TRUE(fence(taken));
    outbox::Answer answer;
    answer.verdict = verdict;
    answer.phase = "final_dot";
    answer.provider = "scripted";
    EXPECT_TRUE(record(taken, answer));
  }
  return claims.size();
}

mailbox::Message Office::message(const MessageId& id) {
  return must(database_.read([&](store::ReadTx& tx) { return mailbox::find_for_worker(tx, id); }));
}

std::vector<mailbox::Message> Office::inbox(std::string_view agent) {
  mailbox::ListFilter filter;
  filter.direction = mailbox::Direction::inbound;
  return database_.read(
      [&](store::ReadTx& tx) { return mailbox::list(tx, agent, filter, std::nullopt, 1'000).messages; });
}

std::vector<std::string> Office::events(const MessageId& id) {
  return database_.read([&](store::ReadTx& tx) {
    std::vector<std::string> types;
    for (const store::Row row : tx.query(kEvents, {id.str()})) types.push_back(row.text(0));
    return types;
  });
}

std::vector<std::string> Office::lifecycle(const MessageId& id) {
  return database_.read([&](store::ReadTx& tx) {
    std::vector<std::string> codes;
    for (const auto& row : journal::list_lifecycle(tx, id, std::nullopt, 1'000)) {
      codes.emplace_back(journal::facts(row.reason).code);
    }
    return codes;
  });
}

std::vector<std::string> Office::attempts(const MessageId& id) {
  return database_.read([&](store::ReadTx& tx) {
    std::vector<std::string> out;
    for (const store::Row row : tx.query(kAttempts, {id.str()})) {
      out.push_back(fmt::format("{}/{}", row.view(0), row.integer(1)));
    }
    return out;
  });
}

std::vector<std::string> Office::recipients(const MessageId& id) {
  return database_.read([&](store::ReadTx& tx) {
    std::vector<std::string> out;
    for (const store::Row row : tx.query(kRecipients, {id.str()})) out.push_back(row.text(0));
    return out;
  });
}

void Office::expect_sound() {
  const invariants::Report report = database_.read(
      [&](store::ReadTx& tx) { return invariants::check(tx, invariants::CheckOptions{now()}); });
  for (const invariants::Violation& violation : report.violations()) {
    ADD_FAILURE() << violation.rule << ": " << violation.subject << ": " << violation.detail;
  }
  expect_events_conform(database_);
}

}  // namespace countersign::test
