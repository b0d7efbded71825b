// Following the log: everything is read once, in order, and nothing appears behind the reader.
#include "journal/tail.hpp"

#include <gmock/gmock.h>

#include <future>
#include <set>
#include <thread>

#include "journal/journal.hpp"
#include "support/overtaking.hpp"
#include "support/stores.hpp"

namespace countersign::journal {
namespace {

using store::Query;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Query kUser("tail_test.user",
                      "INSERT INTO users (id, email, created_at_us) VALUES ($1, $1 || '@example.com', 1)");
constexpr Query kRoundTrip("tail_test.round_trip", "SELECT 1");
constexpr Query kRestore("tail_test.restore", "UPDATE events SET xact = xact + 1000000000000");

class TailTest : public test::StoreTest {
 protected:
  TailTest() {
    (void)db().write([](store::Tx& tx) { return tx.execute(kUser, {"u"}) + tx.execute(kUser, {"v"}); });
  }
  [[nodiscard]] static Subject subject(std::string id, std::string agent = "a@x.example",
                                       std::string user = "u") {
    return {UserId(std::move(user)), std::move(agent), MessageId(std::move(id)), "", Direction::inbound};
  }
  void happens(const Subject& what, EventType type = EventType::email_received) {
    (void)db().write([&](store::Tx& tx) {
      emit(tx, what, type, {}, kNow);
      return std::monostate{};
    });
  }
  Frontier edge() {
    return db().read([](store::ReadTx& tx) { return frontier(tx); });
  }
  std::vector<Told> of_agent(const Place& from, const Place& until, std::int64_t limit = 1000,
                             Choice choice = Choice::all, const char* user = "u") {
    return db().read([&](store::ReadTx& tx) {
      return events_of_agent(tx, UserId(user), "a@x.example", choice, from, until, limit);
    });
  }
  std::vector<Told> everything() { return of_agent({}, edge().until); }
  std::vector<News> all_news(const Place& from = {}, std::int64_t limit = 1000) {
    const Place until = edge().until;
    return db().read([&](store::ReadTx& tx) { return news(tx, from, until, limit); });
  }
  std::optional<Place> place(std::string_view id, const char* user = "u", const char* agent = "a@x.example") {
    return db().read([&](store::ReadTx& tx) { return place_of(tx, UserId(user), agent, id); });
  }

  static constexpr UtcTime kNow = from_us(1'795'435'200'000'000);
};
COUNTERSIGN_ON_EVERY_STORE(TailTest);
class TailOnPostgresTest : public TailTest {};
COUNTERSIGN_ON_POSTGRES(TailOnPostgresTest);

std::vector<std::string> types(const std::vector<Told>& events) {
  std::vector<std::string> out;
  for (const Told& event : events) out.push_back(event.type);
  return out;
}

TEST_P(TailTest, AnAgentsEventsComeInOrderAndInPages) {
  for (const char* id : {"msg_1", "msg_2", "msg_3"}) happens(subject(id));
  happens(subject("msg_4", "b@x.example"));
  const Place until = edge().until;
  const std::vector<Told> first = of_agent({}, until, 2);
  ASSERT_THAT(first, SizeIs(2));
  const std::vector<Told> rest = of_agent(first.back().place.next(), until, 2);
  ASSERT_THAT(rest, SizeIs(1));
  EXPECT_LT(first[0].place, first[1].place);
  EXPECT_LT(first[1].place, rest[0].place);
  EXPECT_THAT(of_agent(rest[0].place.next(), until), IsEmpty());
  EXPECT_EQ(place(first[1].id), first[1].place);
}

TEST_P(TailTest, AnEventIsFoundByItsOwnAgentOnly) {
  happens(subject("msg_1"));
  const std::string id = everything().at(0).id;
  EXPECT_TRUE(place(id));
  EXPECT_FALSE(place(id, "v"));
  EXPECT_FALSE(place(id, "u", "b@x.example"));
  EXPECT_FALSE(place("evt_none"));
  EXPECT_THAT(of_agent({}, edge().until, 10, Choice::all, "v"), IsEmpty()) << "whose address it is today";
}

TEST_P(TailTest, MailInIsWhatArrivesAndWhatIsReleased) {
  happens(subject("msg_1"), EventType::email_review_requested);
  happens(subject("msg_1"), EventType::email_review_approved);
  happens(subject("msg_2"), EventType::email_received);
  happens(subject("msg_3"), EventType::email_sent);
  EXPECT_THAT(types(of_agent({}, edge().until, 10, Choice::mail_in)),
              ElementsAre("email.review_approved", "email.received"));
}

TEST_P(TailTest, NewsNameTheAgentsOfWhatIsNew) {
  happens(subject("msg_1"));
  const Place seen = edge().until;
  happens(subject("msg_2", "b@x.example"));
  (void)db().write([](store::Tx& tx) {
    emit_for_account(tx, UserId("u"), EventType::domain_suppression_added, {}, kNow, "x");
    return std::monostate{};
  });
  ASSERT_THAT(all_news(seen), SizeIs(1));
  EXPECT_EQ(all_news(seen)[0].agent_email, "b@x.example");
  ASSERT_THAT(all_news({}, 1), SizeIs(1));
  EXPECT_EQ(all_news({}, 1)[0].agent_email, "a@x.example");
}

TEST_P(TailTest, HeadlinesAreThoseOfOneAccountInOrderAndInPages) {
  happens(subject("msg_0"));
  const Place from = edge().until;
  happens(subject("msg_1"));
  happens(subject("msg_2", "c@x.example", "v"), EventType::email_sent);
  (void)db().write([](store::Tx& tx) {
    emit_for_account(tx, UserId("u"), EventType::domain_suppression_added, {}, kNow, "x");
    return std::monostate{};
  });
  const Place until = edge().until;
  const auto read = [&](const char* user, const Place& first, std::int64_t limit) {
    return db().read([&](store::ReadTx& tx) { return headlines(tx, UserId(user), first, until, limit); });
  };
  const std::vector<Headline> page = read("u", from, 1);
  ASSERT_THAT(page, SizeIs(1));
  EXPECT_EQ(page[0].type, "email.received");
  EXPECT_EQ(page[0].message_id, "msg_1");
  EXPECT_EQ(page[0].agent_email, "a@x.example");
  const std::vector<Headline> rest = read("u", page[0].place.next(), 9);
  ASSERT_THAT(rest, SizeIs(1));
  EXPECT_EQ(rest[0].type, "domain.suppression_added");
  EXPECT_EQ(rest[0].message_id, std::nullopt);
  EXPECT_EQ(rest[0].agent_email, std::nullopt);
  EXPECT_THAT(read("v", from, 9), SizeIs(1));
  EXPECT_THAT(read("u", until, 9), IsEmpty());
}

TEST_P(TailOnPostgresTest, WhatWaitsForAnEarlierTransactionIsNotReadBeforeIt) {
  std::promise<void> written;
  std::promise<void> go_on;
  std::thread earlier([&] {
    (void)db().write([&](store::Tx& tx) {
      emit(tx, subject("msg_1"), EventType::email_received, {}, kNow);
      (void)tx.query(kRoundTrip);  // it has its position now
      written.set_value();
      go_on.get_future().wait();
      return std::monostate{};
    });
  });
  written.get_future().wait();
  happens(subject("msg_2"), EventType::email_sent);
  EXPECT_TRUE(edge().held_back);
  EXPECT_THAT(everything(), IsEmpty());
  EXPECT_THAT(all_news(), IsEmpty());
  go_on.set_value();
  earlier.join();
  EXPECT_FALSE(edge().held_back);
  EXPECT_THAT(types(everything()), ElementsAre("email.received", "email.sent"));
}

TEST_P(TailTest, AReaderBesideManyWritersMissesNothingAndReadsNothingTwice) {
  constexpr int kWriters = 4;
  constexpr int kEach = 60;
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([this, w] {
      for (int i = 0; i < kEach; ++i) happens(subject("msg_" + std::to_string(w) + "_" + std::to_string(i)));
    });
  }
  std::vector<std::string> read;
  Place from;
  while (read.size() < std::size_t{kWriters} * kEach) {
    const Place until = edge().until;
    for (const Told& event : of_agent(from, until)) read.push_back(event.id);
    from = std::max(from, until);
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_THAT(std::set<std::string>(read.begin(), read.end()), SizeIs(kWriters * kEach));
  std::vector<std::string> order;
  for (const Told& event : everything()) order.push_back(event.id);
  EXPECT_EQ(read, order) << "as who comes later reads it";
}

TEST_P(TailTest, ARestoredLogStandsBeforeWhatComes) {
  happens(subject("msg_1"));
  happens(subject("msg_2"), EventType::email_sent);
  const auto adopted = [this] { return db().write([](store::Tx& tx) { return adopt(tx); }); };
  EXPECT_FALSE(adopted());
  if (GetParam() == test::Backend::sqlite) return;
  for (int round = 0; round < 2; ++round) {
    (void)db().write([](store::Tx& tx) { return tx.execute(kRestore); });
    EXPECT_TRUE(adopted());
    EXPECT_FALSE(adopted());
    happens(subject("msg_3_" + std::to_string(round)), EventType::email_bounced);
  }
  EXPECT_THAT(types(everything()),
              ElementsAre("email.received", "email.sent", "email.bounced", "email.bounced"));
}

}  // namespace
}  // namespace countersign::journal
