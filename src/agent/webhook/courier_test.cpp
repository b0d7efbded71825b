// The courier against an endpoint that goes wrong where it is told to, on every store.
#include "agent/webhook/courier.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "agent/webhook/signature.hpp"
#include "support/scripted_http_server.hpp"
#include "support/stores.hpp"
#include "support/test_certificates.hpp"
#include "support/zone_resolver.hpp"
#include "webhook/fan_out.hpp"
#include "webhook/lane.hpp"

namespace countersign::agent::webhook {
namespace {

namespace asio = boost::asio;
namespace hooks = countersign::webhook;
using namespace std::chrono_literals;
using test::http_answer;
using test::HttpTurn;
using test::say_and_hold;
using test::say_and_reset;
using test::ScriptedHttpServer;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kHost = "a.hooks.test";
constexpr std::string_view kSecret = "whsec_0123456789abcdef0123456789abcdef";
constexpr auto kPatience = 300s;  // only a courier that hangs gets there
// A timeout that is waited for, and leaves a busy machine time to connect and to send.
constexpr auto kLongEnough = 3s;

constexpr store::Query kUser("courier_test.user",
                             "INSERT INTO users (id, email, created_at_us) VALUES ($1, $1, 1)");
constexpr store::Query kStates(
    "courier_test.states",
    "SELECT d.event_id, d.status, d.attempts, COALESCE(d.last_status_code, -1), d.last_error, d.id FROM "
    "webhook_deliveries d ORDER BY d.position");
constexpr store::Query kOpen("courier_test.open",
                             "SELECT (SELECT CAST(count(*) AS BIGINT) FROM events WHERE status = 'pending') "
                             "+ (SELECT CAST(count(*) AS "
                             "BIGINT) FROM webhook_deliveries WHERE status = 'pending')");
constexpr store::Query kHeld("courier_test.held",
                             "SELECT CAST(count(*) AS BIGINT) FROM webhook_lanes WHERE worker <> ''");
constexpr store::Query kForgetEvents("courier_test.forget_events", "DELETE FROM events");

HttpTurn taken() { return {http_answer(200, "")}; }
HttpTurn refused() { return {http_answer(500, "")}; }

struct State {
  std::string event;
  std::string status;
  std::int64_t attempts = 0;
  std::int64_t code = 0;
  std::string error;
  hooks::DeliveryId id;
};

/// Real time, moved ahead where a test says so, and how often somebody waited for it.
class CountingTimers final : public net::Timers {
 public:
  std::atomic<int> waits = 0;
  std::atomic<std::chrono::seconds> ahead{0s};

  [[nodiscard]] std::chrono::steady_clock::time_point now() const override {
    return real_.now() + ahead.load();
  }
  std::unique_ptr<net::Timer> make(const asio::any_io_executor& executor) override {
    return std::make_unique<Counting>(real_.make(executor), waits);
  }

 private:
  class Counting final : public net::Timer {
   public:
    Counting(std::unique_ptr<net::Timer> real, std::atomic<int>& waits)
        : real_(std::move(real)), waits_(waits) {}
    void expires_after(std::chrono::steady_clock::duration time) override { real_->expires_after(time); }
    void cancel() override { real_->cancel(); }
    asio::awaitable<void> wait() override {
      ++waits_;
      return real_->wait();
    }

   private:
    std::unique_ptr<net::Timer> real_;
    std::atomic<int>& waits_;
  };

  net::Timers& real_ = net::steady_timers();
};

class CourierTest : public test::StoreTest {
 protected:
  CourierTest() {
    (void)db().write([](store::Tx& tx) { return tx.execute(kUser, {"ada"}); });
    options_.worker = "node_1";
    options_.poll_interval = 10ms;
    options_.retry_first = 10ms;
    options_.timeout = kPatience;
    options_.ca_file = certificates_.ca_file();
  }
  ~CourierTest() override {
    stop();
    store_.close();  // its threads post to io_
  }

  ScriptedHttpServer& serve(ScriptedHttpServer::Connections connections) {
    return server_.emplace(std::move(connections), certificates_.certificate_file(),
                           certificates_.key_file());
  }
  void start() {
    targets_.emplace(asio::make_strand(asio::any_io_executor(io_.get_executor())), dns_, allow_private_);
    CourierHooks hooks;
    hooks.attempted = [this](std::string_view outcome, std::chrono::microseconds) {
      {
        const std::lock_guard lock(mutex_);
        outcomes_.emplace_back(outcome);
      }
      if (auto change = std::exchange(after_first_, nullptr)) change();
    };
    courier_.emplace(io_.get_executor(), db(), clock_, *targets_, sealer_, options_, hooks, timers_);
    done_ = asio::co_spawn(io_, courier_->run(), asio::use_future);
    thread_ = std::thread([this] { io_.run(); });
  }
  void stop() {
    if (!thread_.joinable()) return;
    courier_->stop();
    EXPECT_EQ(done_.wait_for(kPatience), std::future_status::ready) << "it ends";
    io_.stop();
    thread_.join();
    courier_.reset();
  }

  hooks::WebhookId webhook(std::string_view name = "one") {
    hooks::Webhook fresh;
    fresh.id = hooks::WebhookId("wh_" + std::string(name));
    fresh.user = UserId("ada");
    fresh.url = fmt::format("https://{}:{}/{}", kHost, server_->port(), name);
    fresh.events = {"email.sent", "email.delivered"};
    fresh.created_at = clock_.now();
    const std::string sealed = sealer_.seal(kSecret, hooks::secret_context(fresh.id));
    EXPECT_TRUE(db().write([&](store::Tx& tx) { return hooks::create(tx, fresh, sealed).has_value(); }));
    return fresh.id;
  }
  void happens(const std::string& message, journal::EventType type = journal::EventType::email_sent) {
    (void)db().write([&](store::Tx& tx) {
      journal::emit(tx,
                    {UserId("ada"), "a@x.example", MessageId(message), "conv", journal::Direction::outbound},
                    type, {{"message_id", message}}, clock_.now());
      return std::monostate{};
    });
    if (courier_) courier_->wake();
  }
  std::vector<State> states() {
    return db().read([](store::ReadTx& tx) {
      std::vector<State> out;
      const store::Rows rows = tx.query(kStates);
      for (const store::Row row : rows) {
        out.push_back({row.text(0), row.text(1), row.integer(2), row.integer(3), row.text(4),
                       hooks::DeliveryId(row.text(5))});
      }
      return out;
    });
  }
  std::int64_t number(const store::Query& query) {
    return db().read([&](store::ReadTx& tx) { return tx.query(query).front().integer(0); });
  }
  // Once one of them is attempted, and before another one is, the webhook changes; then time goes by.
  void change_within_backlog(const hooks::WebhookId& id, hooks::Change change) {
    for (int i = 0; i < 20; ++i) happens("msg_" + std::to_string(i));
    after_first_ = [this, id, change = std::move(change)] {
      EXPECT_TRUE(db().write([&](store::Tx& tx) {
        return hooks::update(tx, UserId("ada"), id, change, clock_.now()).has_value();
      }));
      timers_.ahead = 2s;
    };
    start();
  }
  // Until no event and no delivery waits. False: that took too long.
  bool settle() {
    return comes([&] { return number(kOpen) == 0; });
  }
  template <class Condition>
  bool comes(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }
  std::vector<std::string> outcomes() {
    const std::lock_guard lock(mutex_);
    return outcomes_;
  }

  test::TestCertificates certificates_{std::string(kHost)};
  test::ZoneResolver dns_{"a.hooks.test A 127.0.0.1"};
  SystemClock clock_;
  CountingTimers timers_;
  Sealer sealer_ = secret_sealer("a deployment secret of more than 32 bytes");
  CourierOptions options_;
  bool allow_private_ = true;
  std::optional<ScriptedHttpServer> server_;
  asio::io_context io_;
  std::optional<Targets> targets_;
  std::optional<Courier> courier_;
  std::future<void> done_;
  std::thread thread_;
  std::function<void()> after_first_;
  std::mutex mutex_;
  std::vector<std::string> outcomes_;
};
COUNTERSIGN_ON_EVERY_STORE(CourierTest);

TEST_P(CourierTest, DeliversTheStoredBytesSignedAndWritesDownWhatCameOfIt) {
  serve({{taken()}});
  webhook();
  start();
  happens("msg_1");
  ASSERT_TRUE(settle());
  ASSERT_THAT(states(), SizeIs(1));
  const State state = states().front();
  EXPECT_EQ(state.status, "delivered");
  EXPECT_EQ(state.code, 200);
  EXPECT_THAT(outcomes(), ElementsAre("delivered"));
  ASSERT_THAT(server_->requests(), SizeIs(1));
  const test::ReceivedRequest request = server_->requests().front();
  const auto event =
      db().read([&](store::ReadTx& tx) { return journal::find_event(tx, UserId("ada"), state.event); });
  EXPECT_EQ(request.line, "POST /one HTTP/1.1");
  EXPECT_EQ(request.body, event->envelope);
  EXPECT_EQ(request.fields.at("x-e2a-event-type"), "email.sent");
  const std::string signature_field = request.fields.at("x-e2a-signature");
  const std::string seconds = signature_field.substr(2, signature_field.find(',') - 2);
  const std::vector<std::string> secrets{std::string(kSecret)};
  EXPECT_EQ(signature_field, signature(secrets, from_us(std::stoll(seconds) * 1'000'000), request.body));
  const auto attempts = db().read([&](store::ReadTx& tx) { return hooks::list_attempts(tx, state.id); });
  ASSERT_THAT(attempts, SizeIs(1));
  EXPECT_EQ(attempts.front().address, "127.0.0.1");
}

TEST_P(CourierTest, TriesAgainWithTheSameBytesUntilOneIsTaken) {
  serve({{refused(), say_and_reset()}, {taken()}});
  webhook();
  start();
  happens("msg_1");
  ASSERT_TRUE(settle());
  const State state = states().front();
  EXPECT_EQ(state.status, "delivered");
  EXPECT_EQ(state.attempts, 3);
  EXPECT_THAT(outcomes(), ElementsAre("refused", "unreachable", "delivered"));
  std::vector<std::string> bodies;
  for (const auto& request : server_->requests()) bodies.push_back(request.body);
  EXPECT_THAT(bodies, SizeIs(3));
  EXPECT_THAT(bodies, Each(bodies.front()));
}

TEST_P(CourierTest, AnAddressInsideTheNetworkIsNotConnectedTo) {
  allow_private_ = false;
  options_.retry_first = 60s;
  serve({{taken()}});
  webhook();
  start();
  happens("msg_1");
  ASSERT_TRUE(comes([&] { return !states().empty() && states().front().attempts == 1; }));
  EXPECT_THAT(states().front().error, HasSubstr("not public"));
  EXPECT_THAT(outcomes(), ElementsAre("forbidden"));
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_P(CourierTest, AStreamOfEventsGoesOverFewConnections) {
  serve({{taken()}});
  webhook();
  constexpr int kEvents = 300;
  for (int i = 0; i < kEvents; ++i) happens("msg_" + std::to_string(i));
  options_.lane_width_max = 4;
  start();
  ASSERT_TRUE(settle());
  EXPECT_THAT(server_->requests(), SizeIs(kEvents)) << "each once";
  EXPECT_LE(server_->connections(), 4U);
  stop();
  EXPECT_EQ(number(kHeld), 0) << "what it held is given back";
}

TEST_P(CourierTest, WhatIsAboutOneMessageGoesOutOneAfterTheOther) {
  serve({{taken()}});
  webhook();
  for (int i = 0; i < 20; ++i) {
    happens("msg_" + std::to_string(i));
    happens("msg_" + std::to_string(i), journal::EventType::email_delivered);
  }
  start();
  ASSERT_TRUE(settle());
  std::map<std::string, std::vector<std::string>> types;
  for (const auto& request : server_->requests()) {
    const std::string id = request.body.substr(request.body.find("\"msg_"));
    types[id.substr(0, id.find('"', 1))].push_back(request.fields.at("x-e2a-event-type"));
  }
  EXPECT_THAT(types, SizeIs(20));
  for (const auto& [message, seen] : types) EXPECT_THAT(seen, ElementsAre("email.sent", "email.delivered"));
}

TEST_P(CourierTest, AnEndpointThatHangsHoldsUpNoOtherAndNoStop) {
  options_.timeout = kLongEnough;
  options_.retry_first = 1s;
  serve({{say_and_hold()}});
  webhook();
  ScriptedHttpServer good({{taken()}}, certificates_.certificate_file(), certificates_.key_file());
  const hooks::WebhookId other = webhook("other");
  hooks::Change change;
  change.url = fmt::format("https://{}:{}/", kHost, good.port());
  EXPECT_TRUE(db().write([&](store::Tx& tx) {
    return hooks::update(tx, UserId("ada"), other, change, clock_.now()).has_value();
  }));
  start();
  for (int i = 0; i < 5; ++i) happens("msg_" + std::to_string(i));
  EXPECT_TRUE(good.wait_for_requests(5));
  ASSERT_TRUE(comes([&] { return std::ranges::count(outcomes(), "timeout") >= 1; }));
  stop();
  EXPECT_EQ(number(kHeld), 0);
}

TEST_P(CourierTest, ABacklogGoesToTheUrlThatTheWebhookHasByThen) {
  serve({{taken()}});
  const hooks::WebhookId id = webhook();
  ScriptedHttpServer moved({{taken()}}, certificates_.certificate_file(), certificates_.key_file());
  hooks::Change change;
  change.url = fmt::format("https://{}:{}/", kHost, moved.port());
  change_within_backlog(id, change);
  ASSERT_TRUE(settle());
  EXPECT_THAT(server_->requests(), SizeIs(1));
  EXPECT_THAT(moved.requests(), SizeIs(19));
}

TEST_P(CourierTest, ABacklogWaitsUntouchedWhenItsWebhookIsDisabled) {
  serve({{taken()}});
  const hooks::WebhookId id = webhook();
  hooks::Change change;
  change.enabled = false;
  change_within_backlog(id, change);
  ASSERT_TRUE(comes([&] { return !outcomes().empty() && number(kHeld) == 0; }));
  EXPECT_THAT(server_->requests(), SizeIs(1));
  EXPECT_THAT(outcomes(), SizeIs(1));
  const std::vector<State> after = states();
  ASSERT_THAT(after, SizeIs(20));
  EXPECT_EQ(std::ranges::count(after, 1, &State::attempts), 1);
  EXPECT_EQ(std::ranges::count(after, "pending", &State::status), 19);
}

TEST_P(CourierTest, AStopRestsWhileWhatIsUnderWayEnds) {
  options_.timeout = kLongEnough;
  options_.retry_first = 1s;
  options_.poll_interval = 1h;
  serve({{say_and_hold()}});
  webhook();
  start();
  happens("msg_1");
  ASSERT_TRUE(server_->wait_for_requests(1));
  const int before = timers_.waits;
  stop();
  EXPECT_LE(timers_.waits - before, 20);
  EXPECT_EQ(number(kHeld), 0);
}

TEST_P(CourierTest, ANodeThatDiedLeavesItsLaneToTheNextOne) {
  serve({{taken()}});
  const hooks::WebhookId id = webhook();
  happens("msg_1");
  EXPECT_THAT(db().write([&](store::Tx& tx) {
    (void)hooks::fan_out(tx, 10);
    const std::vector<hooks::WebhookId> lanes{id};
    return hooks::claim_lanes(tx, lanes, "node_dead", clock_.now(), clock_.now() + 200ms);
  }),
              SizeIs(1));
  start();
  ASSERT_TRUE(settle());
  EXPECT_EQ(states().front().status, "delivered");
}

TEST_P(CourierTest, ADeliveryWhoseEventIsGoneIsNotSentEmpty) {
  options_.retry_first = 60s;
  serve({{taken()}});
  webhook();
  happens("msg_1");
  (void)db().write([](store::Tx& tx) {
    (void)hooks::fan_out(tx, 10);
    return tx.execute(kForgetEvents);
  });
  start();
  ASSERT_TRUE(comes([&] { return states().front().attempts == 1; }));
  EXPECT_THAT(states().front().error, HasSubstr("no longer kept"));
  EXPECT_THAT(server_->requests(), IsEmpty());
}

}  // namespace
}  // namespace countersign::agent::webhook
