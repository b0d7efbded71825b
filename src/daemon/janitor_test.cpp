// What the janitor removes, what it must not, and that a process that is started again and again gets on with
// it.
#include "daemon/janitor.hpp"

#include <gmock/gmock.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <map>
#include <thread>

#include "account/agent.hpp"
#include "account/idempotency.hpp"
#include "account/usage.hpp"
#include "invariants/invariants.hpp"
#include "journal/event_log.hpp"
#include "mailbox/mailbox.hpp"
#include "support/stores.hpp"
#include "webhook/fan_out.hpp"
#include "webhook/lane.hpp"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Pair;

constexpr std::string_view kDomain = "agents.example";
constexpr std::string_view kAgent = "reader@agents.example";
constexpr std::string_view kOld = "old@agents.example";
constexpr std::string_view kRaw = "Subject: x\r\nMessage-ID: <1@x>\r\n\r\nBody.\r\n";

#define CS_COUNT(table) "(SELECT CAST(count(*) AS BIGINT) FROM " table ")"
constexpr store::Query kCounts(
    "janitor_test.counts",
    "SELECT " CS_COUNT("idempotency_keys") ", " CS_COUNT("messages") ", " CS_COUNT("agents") ", " CS_COUNT(
        "conversations") ", " CS_COUNT("events") ", " CS_COUNT("webhook_deliveries") ", " CS_COUNT("webhook_"
                                                                                                   "attempt"
                                                                                                   "s"));

class JanitorTest : public test::StoreTest {
 protected:
  JanitorTest() {
    (void)db().write([&](store::Tx& tx) {
      (void)account::create_user(tx, user_, "owner@example.com", clock_.now());
      account::Principal principal;
      principal.user = user_;
      for (const std::string_view email : {kAgent, kOld}) {
        (void)account::create_agent(tx, principal, {std::string(email), ""}, kDomain, clock_.now());
      }
      return std::monostate{};
    });
  }

  template <class Body>
  auto in_tx(Body body) {
    return db().write(std::move(body));
  }
  struct Counts {
    std::int64_t answers = 0;
    std::int64_t messages = 0;
    std::int64_t agents = 0;
    std::int64_t conversations = 0;
    std::int64_t events = 0;
    std::int64_t deliveries = 0;
    std::int64_t attempts = 0;
    [[nodiscard]] std::int64_t sum() const { return answers + messages + events + deliveries; }
  };
  Counts counts() {
    return db().read([&](store::ReadTx& tx) {
      const store::Rows rows = tx.query(kCounts);
      const store::Row row = rows.front();
      return Counts{row.integer(0), row.integer(1), row.integer(2), row.integer(3),
                    row.integer(4), row.integer(5), row.integer(6)};
    });
  }

  MessageId receive(std::string_view agent, std::string conversation) {
    mailbox::NewInbound row;
    row.id = MessageId(fmt::format("msg_{:032x}", ++messages_));
    row.user = user_;
    row.agent_email = agent;
    row.conversation_id = std::move(conversation);
    row.sender = "ann@elsewhere.example";
    row.header_from = row.sender;
    row.now = clock_.now();
    EXPECT_TRUE(in_tx([&](store::Tx& tx) { return mailbox::create_inbound_message(tx, row, kRaw); }));
    return row.id;
  }
  void trash(const MessageId& id) {
    EXPECT_TRUE(in_tx([&](store::Tx& tx) { return mailbox::trash(tx, kAgent, id, clock_.now()); }));
  }
  void answer_keys(int number) {
    in_tx([&](store::Tx& tx) {
      for (int i = 0; i < number; ++i) {
        const std::string key = "key " + std::to_string(++keys_);
        (void)account::claim_key(tx, user_, key, "print", clock_.now());
        account::store_answer(tx, user_, key, "print", 202, "{}", clock_.now());
      }
      return std::monostate{};
    });
  }
  webhook::WebhookId create_webhook() {
    webhook::Webhook hook;
    hook.id = webhook::WebhookId("wh_1");
    hook.user = user_;
    hook.url = "https://one.example/";
    hook.events = {"email.sent"};
    hook.created_at = clock_.now();
    EXPECT_TRUE(in_tx([&](store::Tx& tx) { return webhook::create(tx, hook, "sealed").has_value(); }));
    return hook.id;
  }
  void happen(int events) {
    in_tx([&](store::Tx& tx) {
      for (int i = 0; i < events; ++i) {
        const MessageId about(fmt::format("msg_{:032x}", ++messages_));
        journal::emit(tx, {user_, std::string(kAgent), about, "conv_1", journal::Direction::outbound},
                      journal::EventType::email_sent, {{"message_id", about.str()}}, clock_.now());
      }
      return std::monostate{};
    });
  }
  void deliver_all(const webhook::WebhookId& id) {
    in_tx([&](store::Tx& tx) {
      while (webhook::fan_out(tx, 1000).events > 0) {
      }
      std::vector<webhook::Outcome> outcomes;
      for (const webhook::Job& job : webhook::load_lane(tx, id, 100'000, clock_.now())->jobs) {
        outcomes.push_back({job.id, id, {job.attempt, clock_.now(), 1ms, 204, "192.0.2.1", ""}, true});
      }
      return webhook::record(tx, outcomes, 60s);
    });
  }

  // The sweep of a process that ends after so many transactions.
  void sweep(int transactions = 1'000'000) {
    asio::io_context io;
    Janitor* running = nullptr;
    Janitor janitor(db(), clock_, {}, [&](std::string_view what, std::int64_t rows) {
      removed_[std::string(what)] += rows;
      if (--transactions <= 0) running->stop();
    });
    running = &janitor;
    auto done = asio::co_spawn(io, janitor.sweep(), asio::use_future);
    io.run();
    done.get();
  }
  // Of what the fixture makes up: nothing that would need a journal.
  void expect_invariants() {
    const invariants::Report report =
        db().read([&](store::ReadTx& tx) { return invariants::check(tx, {.now = clock_.now()}); });
    for (const invariants::Violation& found : report.violations()) {
      if (found.rule != "conversations-agree" && found.rule != "storage-metered") continue;
      ADD_FAILURE() << found.rule << ": " << found.subject << " " << found.detail;
    }
  }

  UserId user_{std::string(32, 'a')};
  ManualClock clock_{from_us(1'795'435'200'000'000)};
  int messages_ = 0;
  int keys_ = 0;
  std::map<std::string, std::int64_t> removed_;
};
COUNTERSIGN_ON_EVERY_STORE(JanitorTest);

TEST_P(JanitorTest, RemovesWhatIsOverAndNothingElse) {
  const webhook::WebhookId hook = create_webhook();
  answer_keys(2);
  trash(receive(kAgent, "conv_1"));
  receive(kAgent, "conv_1");
  happen(2);
  deliver_all(hook);
  sweep();
  EXPECT_TRUE(removed_.empty());
  clock_.advance(25h);
  answer_keys(1);
  sweep();
  EXPECT_THAT(removed_, ElementsAre(Pair("answers", 2)));
  clock_.advance(30 * 24h);
  sweep();
  EXPECT_THAT(removed_, ElementsAre(Pair("answers", 3), Pair("messages", 1)));
  clock_.advance(7 * 24h);
  sweep();
  EXPECT_EQ(removed_["events"], 2);
  EXPECT_EQ(counts().attempts, 2);
  clock_.advance(60 * 24h);
  sweep();
  EXPECT_EQ(removed_["deliveries"], 2);
  EXPECT_EQ(counts().attempts, 0) << "with their deliveries";
  EXPECT_EQ(counts().messages, 1) << "what is live is kept";
  expect_invariants();
}

TEST_P(JanitorTest, NothingThatIsStillNeededIsRemoved) {
  const webhook::WebhookId hook = create_webhook();
  happen(1);
  deliver_all(hook);
  happen(1);  // not fanned out
  clock_.advance(400 * 24h);
  sweep();
  EXPECT_EQ(counts().events, 1);
  EXPECT_TRUE(db().read([](store::ReadTx& tx) { return journal::events_waiting(tx); }));
}

TEST_P(JanitorTest, AnAgentGoesWithEverythingPieceByPiece) {
  for (int i = 0; i < 120; ++i) receive(kOld, i % 3 == 0 ? "" : "conv_" + std::to_string(i % 40));
  receive(kAgent, "conv_1");
  const auto bytes = [&] {
    return db().read(
        [&](store::ReadTx& tx) { return account::usage_of(tx, user_, clock_.now()).storage_bytes; });
  };
  EXPECT_EQ(bytes(), static_cast<std::int64_t>(121 * kRaw.size()));
  EXPECT_TRUE(in_tx([&](store::Tx& tx) { return account::trash_agent(tx, user_, kOld, clock_.now()); }));
  clock_.advance(29 * 24h);
  sweep();
  EXPECT_EQ(counts().messages, 121);
  clock_.advance(2 * 24h);
  for (int restarts = 0; counts().agents > 1; ++restarts) {
    ASSERT_LT(restarts, 10);
    sweep(1);
    expect_invariants();
  }
  EXPECT_EQ(removed_["agents"], 121);
  EXPECT_EQ(counts().messages, 1);
  EXPECT_EQ(counts().conversations, 1);
  EXPECT_EQ(bytes(), static_cast<std::int64_t>(kRaw.size()));
}

TEST_P(JanitorTest, AProcessThatIsRestartedAllTheTimeGetsOnWithEveryKind) {
  const webhook::WebhookId hook = create_webhook();
  answer_keys(2000);
  happen(1500);
  deliver_all(hook);
  for (int i = 0; i < 60; ++i) trash(receive(kAgent, "conv_1"));
  clock_.advance(200 * 24h);
  answer_keys(1);
  sweep(4);  // the first process: a transaction of each kind there is something of
  EXPECT_LT(counts().answers, 2001);
  EXPECT_LT(counts().messages, 60);
  EXPECT_LT(counts().deliveries, 1500);
  EXPECT_LT(counts().events, 1500);
  for (int restarts = 0; counts().sum() > 1; ++restarts) {
    ASSERT_LT(restarts, 20) << counts().sum() << " rows are left";
    sweep(1);
  }
  EXPECT_EQ(counts().answers, 1);
}

TEST_P(JanitorTest, SweepsThatMeetRemoveEachThingOnce) {
  answer_keys(1500);
  for (int i = 0; i < 30; ++i) trash(receive(kAgent, "conv_1"));
  clock_.advance(40 * 24h);
  std::array<std::int64_t, 3> swept{};
  {
    std::vector<std::jthread> nodes;
    for (std::int64_t& mine : swept) {
      nodes.emplace_back([this, &mine] {
        asio::io_context io;
        Janitor janitor(db(), clock_, {}, [&](std::string_view, std::int64_t rows) { mine += rows; });
        auto done = asio::co_spawn(io, janitor.sweep(), asio::use_future);
        io.run();
        done.get();
      });
    }
  }
  EXPECT_EQ(swept[0] + swept[1] + swept[2], 1530);
  EXPECT_EQ(counts().sum(), 0);
}

}  // namespace
}  // namespace countersign::daemon
