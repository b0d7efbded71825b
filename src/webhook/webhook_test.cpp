// Webhooks on every store: what matches, who delivers, what counts as an attempt, and when it ends.
#include <gmock/gmock.h>

#include "support/stores.hpp"
#include "webhook/fan_out.hpp"
#include "webhook/lane.hpp"
#include "webhook/upkeep.hpp"

namespace countersign::webhook {
namespace {

using namespace std::chrono_literals;
using journal::EventType;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr store::Query kUser("webhook_test.user",
                             "INSERT INTO users (id, email, created_at_us) VALUES ($1, $1, 1)");

class WebhookTest : public test::StoreTest {
 protected:
  WebhookTest() {
    (void)db().write([](store::Tx& tx) { return tx.execute(kUser, {"ada"}) + tx.execute(kUser, {"eve"}); });
  }

  template <class Body>
  auto in_tx(Body body) {
    return db().write(std::move(body));
  }

  WebhookId webhook(const std::string& name, std::vector<std::string> events = {"email.sent"},
                    Filters filters = {}, const UserId& user = UserId("ada")) {
    Webhook fresh;
    fresh.id = WebhookId("wh_" + name);
    fresh.user = user;
    fresh.url = "https://" + name + ".example/hook";
    fresh.events = std::move(events);
    fresh.filters = std::move(filters);
    fresh.created_at = now_;
    const bool created = in_tx([&](store::Tx& tx) { return create(tx, fresh, "sealed").has_value(); });
    EXPECT_TRUE(created);
    return fresh.id;
  }

  void happens(EventType type, const std::string& message, const std::string& agent = "a@x.example",
               const std::string& conversation = "conv_1", UserId user = UserId("ada")) {
    now_ += 1s;
    in_tx([&](store::Tx& tx) {
      journal::emit(tx, {user, agent, MessageId(message), conversation, journal::Direction::outbound}, type,
                    {{"message_id", message}}, now_);
      return std::monostate{};
    });
  }
  FannedOut fan() {
    return in_tx([](store::Tx& tx) { return fan_out(tx, 100); });
  }
  std::vector<Job> jobs(const WebhookId& id) {
    return db().read([&](store::ReadTx& tx) {
      const auto load = load_lane(tx, id, 100, now_);
      return load ? load->jobs : std::vector<Job>();
    });
  }
  std::vector<std::string> due() {
    return db().read([&](store::ReadTx& tx) {
      std::vector<std::string> out;
      for (const WebhookId& id : due_lanes(tx, WebhookId(), 10, now_)) out.push_back(id.str());
      return out;
    });
  }
  std::vector<Lane> claim(const std::string& worker) {
    return in_tx([&](store::Tx& tx) {
      return claim_lanes(tx, due_lanes(tx, WebhookId(), 10, now_), worker, now_, now_ + 60s);
    });
  }
  std::int64_t answer(const WebhookId& id, const Job& job, bool delivered, int status) {
    const Outcome outcome{
        job.id, id, {job.attempt, now_, 5ms, status, "192.0.2.1", delivered ? "" : "no"}, delivered};
    return in_tx([&](store::Tx& tx) { return record(tx, std::span(&outcome, 1), 60s); });
  }
  void disable(const WebhookId& id) {
    Change change;
    change.enabled = false;
    EXPECT_TRUE(in_tx([&](store::Tx& tx) { return update(tx, UserId("ada"), id, change, now_); }));
  }
  Delivery only_delivery(const WebhookId& id) {
    const auto all = db().read([&](store::ReadTx& tx) { return list_deliveries(tx, id, "", {}, 10); });
    EXPECT_THAT(all, SizeIs(1));
    return all.at(0);
  }
  std::vector<journal::Event> events(const journal::EventFilter& filter = {}) {
    return db().read(
        [&](store::ReadTx& tx) { return journal::list_events(tx, UserId("ada"), filter, {}, 100, now_); });
  }

  UtcTime now_ = from_us(1'795'435'200'000'000);
};
COUNTERSIGN_ON_EVERY_STORE(WebhookTest);

TEST_P(WebhookTest, AnEventWithoutWebhooksWaitsForNobody) {
  happens(EventType::email_sent, "msg_1");
  EXPECT_EQ(events().at(0).status, "no_match");
  EXPECT_EQ(fan().events, 0);
}

TEST_P(WebhookTest, AnEventReachesThoseItMatchesOnce) {
  const WebhookId all = webhook("all");
  const WebhookId other_type = webhook("type", {"email.received"});
  const WebhookId agent = webhook("agent", {"email.sent"}, {{"a@x.example", "b@x.example"}, {}, {}});
  const WebhookId both = webhook("both", {"email.sent"}, {{"a@x.example"}, {"conv_2"}, {}});
  const WebhookId foreign = webhook("foreign", {"email.sent"}, {}, UserId("eve"));
  happens(EventType::email_sent, "msg_1");
  EXPECT_EQ(events().at(0).status, "pending");
  const FannedOut out = fan();
  EXPECT_EQ(out.events, 1);
  EXPECT_EQ(out.deliveries, 2);
  EXPECT_EQ(fan().events, 0);
  EXPECT_EQ(events().at(0).status, "processed");
  EXPECT_THAT(jobs(all), SizeIs(1));
  EXPECT_THAT(jobs(agent), SizeIs(1));
  EXPECT_THAT(jobs(other_type), IsEmpty());
  EXPECT_THAT(jobs(both), IsEmpty());
  EXPECT_THAT(jobs(foreign), IsEmpty());
  EXPECT_EQ(jobs(all).at(0).body, events().at(0).envelope) << "the stored bytes";
  EXPECT_NE(jobs(all).at(0).id, jobs(agent).at(0).id);
  const auto tallies =
      db().read([&](store::ReadTx& tx) { return tally(tx, {events().at(0).id, "evt_other"}); });
  ASSERT_THAT(tallies, SizeIs(1));
  EXPECT_EQ(tallies.at(0).matched, 2);
  EXPECT_EQ(tallies.at(0).pending, 2);
}

TEST_P(WebhookTest, OneThatComesLaterHearsOnlyOfWhatComesLater) {
  webhook("first");
  happens(EventType::email_sent, "msg_1");
  now_ += 1s;
  const WebhookId late = webhook("late");
  fan();
  EXPECT_THAT(jobs(late), IsEmpty());
}

TEST_P(WebhookTest, LabelsAreThoseOfTheMessage) {
  Webhook hook;
  hook.events = {"email.received"};
  hook.filters.labels = {"urgent", "vip"};
  journal::Event event;
  event.type = "email.received";
  EXPECT_FALSE(matches(hook, event, {}));
  EXPECT_FALSE(matches(hook, event, {"other"}));
  EXPECT_TRUE(matches(hook, event, {"other", "vip"}));
}

TEST_P(WebhookTest, ALaneBelongsToOneWorkerUntilItsLeaseEnds) {
  const WebhookId id = webhook("one");
  happens(EventType::email_sent, "msg_1");
  fan();
  EXPECT_THAT(due(), ElementsAre("wh_one"));
  const std::vector<Lane> mine = claim("a");
  ASSERT_THAT(mine, SizeIs(1));
  EXPECT_EQ(mine.at(0).user, UserId("ada"));
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_THAT(claim("b"), IsEmpty());
  now_ += 61s;
  const std::vector<Lane> theirs = claim("b");
  ASSERT_THAT(theirs, SizeIs(1));
  EXPECT_GT(theirs.at(0).epoch, mine.at(0).epoch);
  const auto renewed = in_tx([&](store::Tx& tx) { return renew_lanes(tx, mine, "a", now_ + 60s); });
  EXPECT_THAT(renewed, IsEmpty());
  EXPECT_FALSE(in_tx([&](store::Tx& tx) { return release_lane(tx, mine.at(0), "a"); }));
  EXPECT_THAT(in_tx([&](store::Tx& tx) { return renew_lanes(tx, theirs, "b", now_ + 60s); }),
              ElementsAre(id));
  EXPECT_TRUE(in_tx([&](store::Tx& tx) { return release_lane(tx, theirs.at(0), "b"); }));
  EXPECT_THAT(due(), ElementsAre("wh_one")) << "nothing was delivered";
}

TEST_P(WebhookTest, AFailedAttemptComesAgainByTheLadderAndEndsAfterTheEighth) {
  const WebhookId id = webhook("one");
  happens(EventType::email_sent, "msg_1");
  fan();
  for (const auto pause : {1min, 5min, 15min, 60min, 240min, 480min, 960min}) {
    ASSERT_THAT(jobs(id), SizeIs(1));
    EXPECT_EQ(answer(id, jobs(id).at(0), false, 500), 1);
    EXPECT_THAT(jobs(id), IsEmpty());
    EXPECT_EQ(only_delivery(id).status, "pending");
    EXPECT_EQ(only_delivery(id).due_at, now_ + 5ms + pause);
    now_ += pause + 5ms;
  }
  EXPECT_EQ(answer(id, jobs(id).at(0), false, 503), 1);
  const Delivery end = only_delivery(id);
  EXPECT_EQ(end.status, "failed");
  EXPECT_EQ(end.attempts, 8);
  EXPECT_EQ(end.last_status_code, 503);
  EXPECT_THAT(db().read([&](store::ReadTx& tx) { return list_attempts(tx, end.id); }), SizeIs(8));
}

TEST_P(WebhookTest, AnAttemptCountsOnceWhoeverTellsOfIt) {
  const WebhookId id = webhook("one");
  happens(EventType::email_sent, "msg_1");
  fan();
  const Job job = jobs(id).at(0);
  EXPECT_EQ(answer(id, job, true, 204), 1);
  EXPECT_EQ(answer(id, job, false, 500), 0);
  EXPECT_EQ(only_delivery(id).status, "delivered");
  EXPECT_EQ(only_delivery(id).last_status_code, 204);
  EXPECT_THAT(due(), IsEmpty());
  const auto found = db().read([&](store::ReadTx& tx) { return find(tx, UserId("ada"), id); });
  EXPECT_EQ(found->last_delivered_at, now_ + 5ms);
}

TEST_P(WebhookTest, ARedeliveryIsOneInADayAndGoesToWhomItMatched) {
  const WebhookId id = webhook("one");
  happens(EventType::email_sent, "msg_1");
  fan();
  const std::string event = events().at(0).id;
  EXPECT_EQ(answer(id, jobs(id).at(0), true, 200), 1);
  const auto again = [&] { return in_tx([&](store::Tx& tx) { return redeliver(tx, id, event, now_); }); };
  const DeliveryId first = again();
  EXPECT_EQ(again(), first);
  ASSERT_THAT(jobs(id), SizeIs(1));
  EXPECT_EQ(jobs(id).at(0).id, first);
  EXPECT_EQ(jobs(id).at(0).body, events().at(0).envelope);
  now_ += 25h;
  EXPECT_NE(again(), first);
  const auto matched = db().read([&](store::ReadTx& tx) { return matched_webhooks(tx, event); });
  EXPECT_THAT(matched, SizeIs(1)) << "the snapshot holds no redeliveries";
}

TEST_P(WebhookTest, ADisabledOneWaitsAndGoesOnWhenEnabled) {
  const WebhookId id = webhook("one");
  happens(EventType::email_sent, "msg_1");
  fan();
  const auto set = [&](bool enabled) {
    return in_tx([&](store::Tx& tx) {
      Change change;
      change.enabled = enabled;
      return update(tx, UserId("ada"), id, change, now_);
    });
  };
  EXPECT_FALSE(set(false)->enabled);
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_THAT(jobs(id), IsEmpty());
  happens(EventType::email_sent, "msg_2");
  EXPECT_EQ(events().at(0).status, "no_match");
  EXPECT_TRUE(set(true)->enabled);
  EXPECT_THAT(due(), ElementsAre("wh_one"));
}

TEST_P(WebhookTest, OneThatOnlyFailsIsDisabledAndRestsForFiveMinutes) {
  const WebhookId id = webhook("one");
  for (int i = 0; i < 10; ++i) happens(EventType::email_sent, "msg_" + std::to_string(i));
  fan();
  const auto sweep = [&] { return in_tx([&](store::Tx& tx) { return disable_failing(tx, now_, 10); }); };
  const auto fail = [&](const Job& job) {
    for (Job one = job; one.attempt <= kAttemptsMax; ++one.attempt) EXPECT_EQ(answer(id, one, false, 500), 1);
  };
  const std::vector<Job> waiting = jobs(id);
  ASSERT_THAT(waiting, SizeIs(10));
  for (std::size_t i = 0; i < 9; ++i) fail(waiting.at(i));
  EXPECT_THAT(sweep(), IsEmpty());
  fail(waiting.at(9));
  EXPECT_THAT(sweep(), ElementsAre(id));
  EXPECT_THAT(sweep(), IsEmpty());
  const auto found = db().read([&](store::ReadTx& tx) { return find(tx, UserId("ada"), id); });
  EXPECT_FALSE(found->enabled);
  EXPECT_EQ(found->auto_disabled_at, now_);
  const auto enable = [&] {
    return in_tx([&](store::Tx& tx) {
      Change change;
      change.enabled = true;
      return update(tx, UserId("ada"), id, change, now_);
    });
  };
  now_ += 4min;
  EXPECT_EQ(enable().error(), UpdateRefusal::cooling_down);
  const auto disabled = in_tx([&](store::Tx& tx) {
    Change change;
    change.enabled = false;
    return update(tx, UserId("ada"), id, change, now_);
  });
  EXPECT_TRUE(disabled->auto_disabled_at.has_value());
  EXPECT_EQ(enable().error(), UpdateRefusal::cooling_down) << "however often it is disabled";
  now_ += 1min;
  const auto enabled = enable();
  ASSERT_TRUE(enabled.has_value());
  EXPECT_FALSE(enabled->auto_disabled_at.has_value());
  EXPECT_THAT(sweep(), IsEmpty()) << "failures before the enabling do not count";
}

TEST_P(WebhookTest, AnAccountHasAtMostFiftyAndSecretsRotate) {
  for (int i = 0; i < 50; ++i) webhook(std::to_string(i));
  Webhook more;
  more.id = WebhookId("wh_more");
  more.user = UserId("ada");
  more.created_at = now_;
  EXPECT_FALSE(in_tx([&](store::Tx& tx) { return create(tx, more, "s").has_value(); }));
  EXPECT_EQ(in_tx([&](store::Tx& tx) { return remove(tx, UserId("ada"), WebhookId("wh_3")); }),
            Removal::over);
  EXPECT_EQ(in_tx([&](store::Tx& tx) { return remove(tx, UserId("eve"), WebhookId("wh_4")); }),
            Removal::not_found);
  EXPECT_TRUE(in_tx([&](store::Tx& tx) { return create(tx, more, "s").has_value(); }));

  const auto until = in_tx([&](store::Tx& tx) { return rotate_secret(tx, more.user, more.id, "new", now_); });
  EXPECT_EQ(until, now_ + 24h);
  const auto secrets = [&] {
    return db().read([&](store::ReadTx& tx) { return load_lane(tx, more.id, 1, now_)->secrets; });
  };
  EXPECT_EQ(secrets().current, "new");
  EXPECT_EQ(secrets().previous, "s");
  now_ += 24h;
  EXPECT_FALSE(secrets().previous.has_value());
}

TEST_P(WebhookTest, OneIsRemovedInStepsAndToldNothingMeanwhile) {
  const WebhookId id = webhook("one");
  const WebhookId other = webhook("other");
  for (int i = 0; i < 5; ++i) happens(EventType::email_sent, "msg_" + std::to_string(i));
  fan();
  const auto step = [&] { return in_tx([&](store::Tx& tx) { return remove(tx, UserId("ada"), id, 2); }); };
  EXPECT_EQ(step(), Removal::begun);
  EXPECT_FALSE(db().read([&](store::ReadTx& tx) { return find(tx, UserId("ada"), id)->enabled; }));
  EXPECT_THAT(due(), ElementsAre("wh_other"));
  EXPECT_EQ(step(), Removal::begun);
  EXPECT_EQ(step(), Removal::over);
  EXPECT_EQ(step(), Removal::not_found);
  EXPECT_THAT(jobs(other), SizeIs(5));
}

TEST_P(WebhookTest, TheLogIsFilteredPagedAndEnds) {
  happens(EventType::email_sent, "msg_1");
  happens(EventType::email_received, "msg_2", "b@x.example", "conv_2");
  happens(EventType::email_sent, "msg_3", "a@x.example", "conv_2");
  const auto ids = [&](const journal::EventFilter& filter) {
    std::vector<std::string> out;
    for (const journal::Event& event : events(filter)) out.push_back(event.message_id.value());
    return out;
  };
  EXPECT_THAT(ids({}), ElementsAre("msg_3", "msg_2", "msg_1"));
  EXPECT_THAT(ids({.type = "email.sent"}), ElementsAre("msg_3", "msg_1"));
  EXPECT_THAT(ids({.agent_email = "a@x.example"}), ElementsAre("msg_3", "msg_1"));
  EXPECT_THAT(ids({.conversation_id = "conv_2"}), ElementsAre("msg_3", "msg_2"));
  EXPECT_THAT(ids({.agent_email = "a@x.example", .conversation_id = "conv_2"}), ElementsAre("msg_3"));
  EXPECT_THAT(ids({.message_id = "msg_2"}), ElementsAre("msg_2"));
  EXPECT_THAT(ids({.agent_email = "a@x.example", .message_id = "msg_2"}), IsEmpty());
  EXPECT_THAT(ids({.since = now_}), ElementsAre("msg_3"));
  EXPECT_THAT(ids({.until = now_}), ElementsAre("msg_2", "msg_1"));
  const journal::Event newest = events().at(0);
  now_ += 31 * 24h;
  EXPECT_THAT(events(), IsEmpty());
  EXPECT_TRUE(
      db().read([&](store::ReadTx& tx) { return journal::find_event(tx, UserId("ada"), newest.id); }));
  EXPECT_FALSE(
      db().read([&](store::ReadTx& tx) { return journal::find_event(tx, UserId("eve"), newest.id); }));
  EXPECT_EQ(in_tx([&](store::Tx& tx) { return journal::forget_events(tx, now_, 10); }), 0);
  now_ += 7 * 24h;
  EXPECT_EQ(in_tx([&](store::Tx& tx) { return journal::forget_events(tx, now_, 10); }), 3);
}

TEST_P(WebhookTest, WhatIsOldIsForgottenAndNothingWaitsForEver) {
  const WebhookId id = webhook("one");
  happens(EventType::email_sent, "msg_1");
  fan();
  now_ += 31 * 24h;
  EXPECT_EQ(in_tx([&](store::Tx& tx) { return end_overdue(tx, now_, 10); }), 0)
      << "it may still be delivered";
  disable(id);
  EXPECT_EQ(in_tx([&](store::Tx& tx) { return end_overdue(tx, now_, 10); }), 1);
  EXPECT_EQ(only_delivery(id).status, "failed");
  EXPECT_EQ(in_tx([&](store::Tx& tx) { return forget_deliveries(tx, now_ - kDeliveriesKept, 10); }), 0);
  now_ += 60 * 24h;
  EXPECT_EQ(in_tx([&](store::Tx& tx) { return forget_deliveries(tx, now_ - kDeliveriesKept, 10); }), 1);
}

TEST_P(WebhookTest, ARepetitionOfAnOldEventEndsBeforeItsEventIsForgotten) {
  const WebhookId id = webhook("one");
  happens(EventType::email_sent, "msg_1");
  fan();
  EXPECT_EQ(answer(id, jobs(id).at(0), true, 204), 1);
  const std::string event = events().at(0).id;
  now_ += 29 * 24h;
  in_tx([&](store::Tx& tx) { return redeliver(tx, id, event, now_); });
  disable(id);
  now_ += 6 * 24h;
  EXPECT_EQ(in_tx([&](store::Tx& tx) { return end_overdue(tx, now_, 10); }), 1);
  EXPECT_EQ(in_tx([&](store::Tx& tx) { return journal::forget_events(tx, now_, 10); }), 0);
}

}  // namespace
}  // namespace countersign::webhook
