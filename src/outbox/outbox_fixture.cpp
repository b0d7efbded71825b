#include "outbox/outbox_fixture.hpp"

namespace countersign::outbox {
namespace {

using store::Query;

constexpr Query kAttempts("outbox_test.attempts",
                          "SELECT state, epoch FROM submissions WHERE message_id = $1 ORDER BY attempt");
constexpr Query kRecipients(
    "outbox_test.recipients",
    "SELECT address || ' ' || state FROM message_recipients WHERE message_id = $1 ORDER BY address");
constexpr Query kEvents("outbox_test.events",
                        "SELECT type FROM events WHERE message_id = $1 ORDER BY position");

UserId user_of(int number) { return UserId(fmt::format("{:032x}", number)); }

std::vector<std::string> texts(store::Database& db, const Query& query, const MessageId& id) {
  return db.read([&](store::ReadTx& tx) {
    std::vector<std::string> out;
    for (const store::Row row : tx.query(query, {id.str()})) out.push_back(row.text(0));
    return out;
  });
}

}  // namespace

UserId OutboxTest::add_account(int number) {
  const UserId user = user_of(number);
  (void)db().write([&](store::Tx& tx) {
    (void)account::create_user(tx, user, fmt::format("owner{}@example.com", number), now_);
    account::Principal principal;
    principal.user = user;
    return account::create_agent(tx, principal, {agent_of(number), ""}, kDomain, now_).has_value();
  });
  return user;
}

MessageId OutboxTest::queue(int account, const std::vector<std::string>& to) {
  const MessageId id(fmt::format("msg_{:032x}", ++messages_));
  mailbox::Draft draft;
  draft.subject = "Quarterly figures";
  draft.text = "Please find them below.";
  draft.to = to;
  std::vector<Recipient> external;
  for (const std::string& address : to) external.push_back({address, "to"});
  return db().write([&](store::Tx& tx) {
    const mailbox::NewOutbound fresh{.id = id,
                                     .user = user_of(account),
                                     .agent_email = agent_of(account),
                                     .conversation_id = "conv",
                                     .now = now_};
    mailbox::insert_accepted(tx, fresh, draft);
    mailbox::Message message;
    message.id = id;
    message.user = fresh.user;
    message.agent_email = fresh.agent_email;
    mailbox::Dispatch dispatch;
    dispatch.sent_as = "own_address";
    dispatch.rfc_message_id = id.str() + "@agents.example";
    mailbox::store_dispatch(tx, message, dispatch, "Subject: Quarterly figures\r\n\r\nBelow.\r\n");
    enqueue(tx, message, external, now_);
    return id;
  });
}

std::vector<Claim> OutboxTest::claim(std::int64_t limit, const UserId& last_user, std::string_view worker) {
  const ClaimCommand command{std::string(worker), now_,       now_ + kLease, limit,
                             last_user,           "scripted", repeat_window_};
  return db().write([&](store::Tx& tx) { return outbox::claim(tx, command); });
}

Claim OutboxTest::claim_one() {
  const std::vector<Claim> claims = claim();
  EXPECT_EQ(claims.size(), 1U);
  return claims.empty() ? Claim{} : claims.front();
}

bool OutboxTest::fence(const Claim& claim, std::string_view worker) {
  const FenceCommand command{std::string(worker), "scripted", now_, now_ + kLease};
  return db().write([&](store::Tx& tx) { return outbox::fence(tx, claim, command); });
}

bool OutboxTest::record(const Claim& claim, const Answer& answer) {
  return db().write([&](store::Tx& tx) { return outbox::record(tx, claim, answer, now_); });
}

bool OutboxTest::record(const Claim& claim, Verdict verdict, std::vector<RecipientAnswer> recipients) {
  Answer answer;
  answer.verdict = verdict;
  answer.phase = "final_dot";
  answer.code = verdict == Verdict::accepted ? 250 : verdict == Verdict::refused ? 550 : 451;
  answer.text = "as scripted";
  answer.provider = "scripted";
  answer.provider_message_id = verdict == Verdict::accepted ? "provider-1" : "";
  answer.recipients = std::move(recipients);
  return record(claim, answer);
}

bool OutboxTest::release(const Claim& claim, std::string_view detail) {
  return db().write([&](store::Tx& tx) { return outbox::release(tx, claim, kWorker, now_, now_, detail); });
}

bool OutboxTest::renew(const Claim& claim) {
  return db().write(
      [&](store::Tx& tx) { return outbox::renew(tx, std::span(&claim, 1), kWorker, now_ + kLease) == 1; });
}

bool OutboxTest::repeat(const Claim& claim) {
  const RepeatCommand command{now_, now_, kRepeatWindow, "the answer was lost"};
  return db().write([&](store::Tx& tx) { return outbox::repeat(tx, claim, kWorker, command); });
}

Rescued OutboxTest::rescue(std::string_view repeatable_provider) {
  const RescueCommand command{now_, now_, 100, std::string(repeatable_provider), kRepeatWindow};
  return db().write([&](store::Tx& tx) { return outbox::rescue(tx, command); });
}

std::optional<Work> OutboxTest::work(const Claim& claim) {
  return db().read([&](store::ReadTx& tx) {
    return load_work(tx, std::span(&claim, 1), kWorker, "relay.example").front();
  });
}

mailbox::Message OutboxTest::message(const MessageId& id) {
  return db().read([&](store::ReadTx& tx) { return mailbox::find_for_worker(tx, id).value(); });
}

std::vector<std::string> OutboxTest::attempts(const MessageId& id) {
  return db().read([&](store::ReadTx& tx) {
    std::vector<std::string> out;
    for (const store::Row row : tx.query(kAttempts, {id.str()})) {
      out.push_back(fmt::format("{}/{}", row.view(0), row.integer(1)));
    }
    return out;
  });
}

std::vector<std::string> OutboxTest::recipients(const MessageId& id) { return texts(db(), kRecipients, id); }
std::vector<std::string> OutboxTest::events(const MessageId& id) { return texts(db(), kEvents, id); }

std::vector<std::string> OutboxTest::lifecycle(const MessageId& id) {
  return db().read([&](store::ReadTx& tx) {
    std::vector<std::string> codes;
    for (const auto& row : journal::list_lifecycle(tx, id, std::nullopt, 100)) {
      codes.emplace_back(journal::facts(row.reason).code);
    }
    return codes;
  });
}

}  // namespace countersign::outbox
