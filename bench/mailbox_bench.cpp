// Does a page cost more in a full mailbox? Lists and single messages with 100, 10,000 and 1,000,000 messages;
// the aim is a median that grows by no more than 1.5.
//
//   mailbox_bench sqlite DIRECTORY | postgres URL [LARGEST_MAILBOX]
//
// The store must be empty. One in four messages is outbound, one in three of the inbound is unread, and two
// make a conversation, so that the smallest mailbox fills a page of every view too. One message in two has
// the label `often`, and the oldest 25 have the label `seldom`, which a walk from the newest finds last.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mailbox/conversation.hpp"
#include "mailbox/mailbox.hpp"
#include "store/open.hpp"

namespace countersign::bench {
namespace {

using store::Query;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kSizes[] = {100, 10'000, 1'000'000};
constexpr std::size_t kRoundsMax = 201;
constexpr std::chrono::seconds kTimeMax{
    5};                             // per cell; a walk through a million rows is not repeated so often
constexpr std::int64_t kPage = 21;  // a page of 20 and the row that says whether there is more

// Rows as the doors would have left them, written by the database itself, since a million calls take an hour.
// Differs in how numbers are made up.
#define CS_FILL(numbers)                                                                                    \
  "INSERT INTO messages (id, user_id, agent_email, direction, kind, method, subject, conversation_id, "     \
  "header_from, sender, to_list, delivered_to, read_status, delivery_status, size_bytes, charged_bytes, "   \
  "rfc_message_id, created_at_us) SELECT 'msg_' || $1 || n, 'u', $1, CASE WHEN n % 4 = 0 THEN 'outbound' "  \
  "ELSE 'inbound' END, CASE WHEN n % 4 = 0 THEN 'send' ELSE 'received' END, 'smtp', 'Figures of week ' || " \
  "n, 'conv_' || (n / 2), 'w@elsewhere.example', 'w@elsewhere.example', '[\"bot@agents.example\"]', $1, "   \
  "CASE WHEN n % 4 = 0 THEN '' WHEN n % 3 = 1 THEN 'unread' ELSE 'read' END, CASE WHEN n % 4 = 0 THEN "     \
  "'sent' END, 1, 1, 'id' || n, 1700000000000000 + n * 1000 FROM " numbers
constexpr Query kFill(
    "bench.fill",
    CS_FILL("(WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < $2) "
            "SELECT n FROM c) AS numbers"),
    CS_FILL("generate_series(1, CAST($2 AS BIGINT)) AS numbers (n)"));
constexpr Query kContents("bench.contents",
                          "INSERT INTO message_contents (message_id, text) SELECT id, 'text' FROM messages "
                          "WHERE agent_email = $1");
constexpr Query kLabels(
    "bench.labels",
    "INSERT INTO message_labels (message_id, label, agent_email, created_at_us) SELECT id, $2, agent_email, "
    "created_at_us FROM messages WHERE agent_email = $1 AND created_at_us <= $3 AND created_at_us % $4 = 0");
constexpr Query kConversations(
    "bench.conversations",
    "INSERT INTO conversations (agent_email, id, messages, inbound, unread, first_at_us, last_at_us, "
    "last_message_id) SELECT agent_email, conversation_id, COUNT(*), SUM(CASE direction WHEN 'inbound' THEN "
    "1 "
    "ELSE 0 END), SUM(CASE read_status WHEN 'unread' THEN 1 ELSE 0 END), MIN(created_at_us), "
    "MAX(created_at_us), MAX(id) FROM messages WHERE agent_email = $1 GROUP BY agent_email, conversation_id");
constexpr Query kUser("bench.user", "INSERT INTO users (id, email, created_at_us) VALUES ('u', 'u', 0)");
constexpr Query kAgent("bench.agent",
                       "INSERT INTO agents (email, user_id, domain, registered_domain, created_at_us) VALUES "
                       "($1, 'u', 'agents.example', 'agents.example', 0)");
constexpr Query kAnalyze("bench.analyze", "ANALYZE");
constexpr Query kMiddle(
    "bench.middle", "SELECT id, created_at_us FROM messages WHERE agent_email = $1 AND created_at_us = $2");

constexpr std::int64_t kBeginUs = 1'700'000'000'000'000;
constexpr std::int64_t kStepUs = 1'000;
constexpr std::int64_t kSeldom = 25;

/// When the message of that number came.
UtcTime at_of(std::int64_t number) { return from_us(kBeginUs + number * kStepUs); }

std::string agent_of(std::int64_t size) { return std::to_string(size) + "@agents.example"; }

void fill(store::Database& database, std::span<const std::int64_t> sizes) {
  database.write([](store::Tx& tx) {
    tx.execute(kUser);
    return 0;
  });
  for (const std::int64_t size : sizes) {
    std::fprintf(stderr, "writing %lld messages\n", static_cast<long long>(size));
    const std::string agent = agent_of(size);
    database.write([&](store::Tx& tx) {
      tx.execute(kAgent, {agent});
      tx.execute(kFill, {agent, size});
      tx.execute(kContents, {agent});
      tx.execute(kConversations, {agent});
      tx.execute(kLabels, {agent, "often", at_of(size), 2 * kStepUs});
      tx.execute(kLabels, {agent, "seldom", at_of(kSeldom), kStepUs});
      return 0;
    });
  }
  database.write([](store::Tx& tx) {
    tx.execute(kAnalyze);
    return 0;
  });
}

double median_us(store::Database& database, const std::function<void(store::ReadTx&)>& work) {
  std::vector<double> times;
  const auto until = Clock::now() + kTimeMax;
  while (times.size() < kRoundsMax && (times.size() < 3 || Clock::now() < until)) {
    times.push_back(database.read([&](store::ReadTx& tx) {
      const auto begun = Clock::now();
      work(tx);
      return std::chrono::duration<double, std::micro>(Clock::now() - begun).count();
    }));
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::ranges::nth_element(times, middle);
  return *middle;
}

struct Work {
  const char* name;
  std::function<void(store::ReadTx&, const std::string& agent, const journal::Position& middle)> run;
};

mailbox::ListFilter filter(std::optional<mailbox::Direction> direction, std::optional<std::string> read) {
  mailbox::ListFilter filter;
  filter.direction = direction;
  filter.read_status = std::move(read);
  return filter;
}

mailbox::ListFilter labelled(std::string label) {
  mailbox::ListFilter filter;
  filter.labels = {std::move(label)};
  return filter;
}

mailbox::ListFilter since_the_first() {
  mailbox::ListFilter filter;
  filter.since = at_of(0);
  return filter;
}

mailbox::ListFilter containing(std::string from, std::string subject) {
  mailbox::ListFilter filter;
  filter.from = std::move(from);
  filter.subject_contains = std::move(subject);
  return filter;
}

std::vector<Work> works() {
  using mailbox::Direction;
  const auto list = [](const mailbox::ListFilter& filter) {
    return [filter](store::ReadTx& tx, const std::string& agent, const journal::Position&) {
      (void)mailbox::list(tx, agent, filter, {}, kPage);
    };
  };
  const auto list_from_middle = [](const mailbox::ListFilter& filter) {
    return [filter](store::ReadTx& tx, const std::string& agent, const journal::Position& middle) {
      (void)mailbox::list(tx, agent, filter, middle, kPage);
    };
  };
  mailbox::ListFilter one = filter(Direction::inbound, {});
  one.conversation_id = "conv_5";
  return {{"unread (default view)", list(filter(Direction::inbound, "unread"))},
          {"inbound", list(filter(Direction::inbound, {}))},
          {"outbound", list(filter(Direction::outbound, {}))},
          {"everything", list(filter({}, {}))},
          {"everything, from the middle", list_from_middle(filter({}, {}))},
          {"a frequent label", list(labelled("often"))},
          {"the same, from the middle", list_from_middle(labelled("often"))},
          {"a rare label", list(labelled("seldom"))},
          {"sender, in every message", list(containing("elsewhere", ""))},
          {"subject, in every message", list(containing("", "figures"))},
          {"subject, in no message", list(containing("", "invoice"))},
          {"one conversation", list(one)},
          {"conversations",
           [](store::ReadTx& tx, const std::string& agent, const journal::Position&) {
             (void)mailbox::list_conversations(tx, agent, {}, {}, kPage);
           }},
          {"since a date, from the middle", list_from_middle(since_the_first())},
          {"conversations, from the middle",
           [](store::ReadTx& tx, const std::string& agent, const journal::Position& middle) {
             (void)mailbox::list_conversations(tx, agent, {}, middle, kPage);
           }},
          {"fetch", [](store::ReadTx& tx, const std::string& agent, const journal::Position& middle) {
             (void)mailbox::find(tx, agent, MessageId(middle.id));
             (void)mailbox::load_content(tx, MessageId(middle.id));
           }}};
}

int usage() {
  std::fprintf(stderr, "usage: mailbox_bench sqlite DIRECTORY | postgres URL [LARGEST_MAILBOX]\n");
  return 2;
}

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) return usage();
  std::vector<std::int64_t> sizes(std::begin(kSizes), std::end(kSizes));
  if (argc == 4) std::erase_if(sizes, [largest = std::atoll(argv[3])](auto size) { return size > largest; });
  if (sizes.size() < 2) return usage();
  store::Options options;
  options.url =
      std::string_view(argv[1]) == "sqlite" ? "sqlite:" + std::string(argv[2]) + "/mailbox.db" : argv[2];
  options.deadline = std::chrono::minutes(10);
  const auto database = store::open(options);
  fill(*database, sizes);
  std::printf("%-32s", "p50, microseconds; messages:");
  for (const std::int64_t size : sizes) std::printf(" %10lld", static_cast<long long>(size));
  std::printf("   growth\n");
  for (const Work& work : works()) {
    std::printf("%-32s", work.name);
    std::vector<double> medians;
    for (const std::int64_t size : sizes) {
      const std::string agent = agent_of(size);
      const UtcTime at = at_of(size / 2);
      const journal::Position middle = database->read([&](store::ReadTx& tx) {
        const store::Rows rows = tx.query(kMiddle, {agent, at});
        return journal::Position{rows.front().time(1), rows.front().text(0)};
      });
      medians.push_back(median_us(*database, [&](store::ReadTx& tx) { work.run(tx, agent, middle); }));
      std::printf(" %10.0f", medians.back());
      std::fflush(stdout);
    }
    std::printf("   %6.2f\n", medians.back() / medians.front());
  }
  database->stop();
  return 0;
}

}  // namespace
}  // namespace countersign::bench

int main(int argc, char** argv) { return countersign::bench::main(argc, argv); }
