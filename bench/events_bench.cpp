// What an event costs the transaction of its cause: messages stored per second with none, one and two of
// them, and with one that somebody has subscribed to.
//
//   events_bench sqlite DIRECTORY | postgres URL
//
// The store must be empty. Every message is a transaction of its own; kUnderWay of them are asked for at a
// time, as connections do. The kinds alternate, so that they share what else goes on; nothing fans out
// meanwhile. The processor time is this process's, which on SQLite is all there is.
#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "account/agent.hpp"
#include "journal/journal.hpp"
#include "mailbox/mailbox.hpp"
#include "store/open.hpp"
#include "webhook/subscription.hpp"

namespace countersign::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMessages = 4'000;          // in a round
constexpr int kMessagesPostgres = 1'000;  // which syncs a file for each
constexpr int kUnderWay = 64;
constexpr std::size_t kRounds = 3;
constexpr std::string_view kDomain = "agents.example";

struct Kind {
  const char* name;
  std::string agent;
  std::string user;
  int events;
  std::vector<double> rates{};
  std::vector<double> processor_us{};  // for one message
};

class Bench {
 public:
  explicit Bench(store::Database& database) : database_(database) {}

  void open_account(const Kind& kind, bool subscribed) {
    (void)database_.write([&](store::Tx& tx) {
      const UserId user(kind.user);
      (void)account::create_user(tx, user, kind.user + "@example.com", now_);
      account::Principal principal;
      principal.user = user;
      (void)account::create_agent(tx, principal, {kind.agent, ""}, kDomain, now_);
      if (!subscribed) return std::monostate{};
      webhook::Webhook hook;
      hook.id = webhook::WebhookId("wh_" + kind.user);
      hook.user = user;
      hook.url = "https://hooks.example/";
      hook.events = {"email.received"};
      hook.created_at = now_;
      (void)webhook::create(tx, hook, "sealed");
      return std::monostate{};
    });
  }

  void measure(Kind& kind, int messages) {
    const auto begin = Clock::now();
    const std::clock_t processor = std::clock();
    for (int i = 0; i < messages; ++i) store_one(kind);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return under_way_ == 0; });
    kind.rates.push_back(messages / std::chrono::duration<double>(Clock::now() - begin).count());
    const double seconds = static_cast<double>(std::clock() - processor) / CLOCKS_PER_SEC;
    kind.processor_us.push_back(1e6 * seconds / messages);
  }

 private:
  void store_one(const Kind& kind) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return under_way_ < kUnderWay; });
      ++under_way_;
    }
    auto body =
        [this, &kind,
         id = MessageId(ordered_id("msg_", now_ + std::chrono::milliseconds(++number_)))](store::Tx& tx) {
          mailbox::NewInbound row;
          row.id = id;
          row.user = UserId(kind.user);
          row.agent_email = kind.agent;
          row.subject = "Your order has been shipped";
          row.sender = "shop@elsewhere.example";
          row.header_from = row.sender;
          row.now = now_;
          (void)mailbox::create_inbound_message(tx, row, raw_);
          const journal::Subject subject{row.user, kind.agent, id, "conv_1", journal::Direction::inbound};
          const boost::json::object data{{"message_id", id.str()},
                                         {"agent_email", kind.agent},
                                         {"subject", row.subject},
                                         {"header_from", row.sender},
                                         {"preview", std::string(300, 'x')}};
          constexpr std::array kTypes{journal::EventType::email_received, journal::EventType::email_flagged};
          for (int i = 0; i < kind.events; ++i) {
            journal::emit(tx, subject, kTypes[static_cast<std::size_t>(i)], data, now_);
          }
          return std::monostate{};
        };
    database_.write_async(std::move(body), [this](store::Outcome<std::monostate> outcome) noexcept {
      if (!outcome) std::abort();
      const std::lock_guard lock(mutex_);
      --under_way_;
      changed_.notify_one();
    });
  }

  store::Database& database_;
  const UtcTime now_ = SystemClock().now();
  const std::string raw_ = "Subject: Your order\r\n\r\n" + std::string(1000, 'x') + "\r\n";
  std::mutex mutex_;
  std::condition_variable changed_;
  int under_way_ = 0;
  int number_ = 0;
};

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: events_bench sqlite DIRECTORY | postgres URL\n");
    return 2;
  }
  store::Options options;
  options.url =
      std::string_view(argv[1]) == "sqlite" ? "sqlite:" + std::string(argv[2]) + "/events.db" : argv[2];
  const auto database = store::open(options);
  const int messages = database->dialect() == store::Dialect::sqlite ? kMessages : kMessagesPostgres;
  Bench bench(*database);
  std::array<Kind, 4> kinds{{{"no event", "none@agents.example", "none", 0},
                             {"one event", "one@agents.example", "one", 1},
                             {"two events", "two@agents.example", "two", 2},
                             {"one event, subscribed to", "hook@agents.example", "hook", 1}}};
  for (const Kind& kind : kinds) bench.open_account(kind, kind.user == "hook");
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (Kind& kind : kinds) bench.measure(kind, messages);
  }
  std::printf("%-26s %12s %18s\n", "medians of three", "messages/s", "us of processor");
  for (Kind& kind : kinds) {
    std::ranges::sort(kind.rates);
    std::ranges::sort(kind.processor_us);
    std::printf("%-26s %12.0f %18.1f\n", kind.name, kind.rates[kRounds / 2], kind.processor_us[kRounds / 2]);
  }
  database->stop();
  return 0;
}

}  // namespace
}  // namespace countersign::bench

int main(int argc, char** argv) { return countersign::bench::main(argc, argv); }
