// The mailbox: what a list shows and in which order, labels, the trash, and what stays hidden.
#include "mailbox/mailbox.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <set>
#include <thread>

#include "account/agent.hpp"
#include "account/usage.hpp"
#include "mailbox/conversation.hpp"
#include "support/overtaking.hpp"
#include "support/stores.hpp"

namespace countersign::mailbox {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kAgent = "reader@agents.example";
constexpr std::string_view kOther = "other@agents.example";
constexpr std::string_view kDomain = "agents.example";
constexpr std::string_view kRaw = "Subject: x\r\n\r\nBody.\r\n";

class MailboxTest : public test::StoreTest {
 protected:
  MailboxTest() {
    (void)db().write([&](store::Tx& tx) {
      (void)account::create_user(tx, user_, "owner@example.com", now_);
      account::Principal principal;
      principal.user = user_;
      for (const std::string_view email : {kAgent, kOther}) {
        (void)account::create_agent(tx, principal, {std::string(email), ""}, kDomain, now_);
      }
      return std::monostate{};
    });
  }

  [[nodiscard]] NewInbound inbound(std::string_view agent = kAgent) {
    NewInbound row;
    row.id = MessageId(fmt::format("msg_{:032x}", ++messages_));
    row.user = user_;
    row.agent_email = agent;
    row.subject = "Quarterly figures";
    row.conversation_id = "conv_1";
    row.header_from = "ann@elsewhere.example";
    row.sender = "ann@elsewhere.example";
    row.now = now_;
    return row;
  }
  MessageId store(const NewInbound& row) {
    const bool stored = db().write([&](store::Tx& tx) { return create_inbound_message(tx, row, kRaw); });
    EXPECT_TRUE(stored);
    return row.id;
  }
  MessageId receive() { return store(inbound()); }
  MessageId receive_held(ReviewStatus status) {
    const NewInbound row = inbound();
    const bool pending = status == ReviewStatus::pending_review;
    const std::optional<UtcTime> deadline =
        pending ? std::optional(now_ + std::chrono::hours(1)) : std::nullopt;
    EXPECT_TRUE(db().write(
        [&](store::Tx& tx) { return create_held_inbound(tx, row, kRaw, status, "{}", deadline); }));
    return row.id;
  }
  MessageId hold() {
    const MessageId id(fmt::format("msg_{:032x}", ++messages_));
    Draft draft;
    draft.subject = "Draft";
    draft.text = "Text.";
    draft.to = {"ann@elsewhere.example"};
    return db().write([&](store::Tx& tx) {
      const NewOutbound fresh{.id = id,
                              .user = user_,
                              .agent_email = std::string(kAgent),
                              .conversation_id = "conv_1",
                              .now = now_};
      insert_held(tx, fresh, draft, "{}", now_ + std::chrono::hours(1));
      return id;
    });
  }

  std::vector<MessageId> list(const ListFilter& filter = {},
                              const std::optional<journal::Position>& after = {}, std::int64_t limit = 100,
                              std::string_view agent = kAgent) {
    return db().read([&](store::ReadTx& tx) {
      std::vector<MessageId> ids;
      const MessagePage page = mailbox::list(tx, agent, filter, after, limit);
      for (const Message& message : page.messages) ids.push_back(message.id);
      return ids;
    });
  }
  std::optional<Message> find(const MessageId& id, std::string_view agent = kAgent) {
    return db().read([&](store::ReadTx& tx) { return mailbox::find(tx, agent, id); });
  }
  Result<std::vector<std::string>, LabelRefusal> label(const MessageId& id, std::vector<std::string> add,
                                                       std::vector<std::string> remove = {}) {
    return db().write([&](store::Tx& tx) { return change_labels(tx, kAgent, id, add, remove); });
  }
  Result<std::monostate, TrashRefusal> trash(const MessageId& id, std::string_view agent = kAgent) {
    return db().write([&](store::Tx& tx) { return mailbox::trash(tx, agent, id, now_); });
  }
  Result<Message, TrashRefusal> restore(const MessageId& id) {
    return db().write([&](store::Tx& tx) { return mailbox::restore(tx, kAgent, id); });
  }
  Result<std::monostate, TrashRefusal> purge(const MessageId& id) {
    return db().write([&](store::Tx& tx) { return mailbox::purge(tx, kAgent, id); });
  }
  std::int64_t stored_bytes() {
    return db().read([&](store::ReadTx& tx) { return account::usage_of(tx, user_, now_).storage_bytes; });
  }

  UserId user_{std::string(32, 'a')};
  UtcTime now_ = from_us(1'795'435'200'000'000);
  int messages_ = 0;
};
COUNTERSIGN_ON_EVERY_STORE(MailboxTest);
class MailboxOnPostgresTest : public MailboxTest {};
COUNTERSIGN_ON_POSTGRES(MailboxOnPostgresTest);

TEST_P(MailboxTest, AMessageIsStoredOnceUnderItsId) {
  const NewInbound row = inbound();
  store(row);
  const auto again =
      db().write([&](store::Tx& tx) { return create_inbound_message(tx, row, "other bytes"); });
  EXPECT_FALSE(again);
  const auto message = find(row.id);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->size_bytes, static_cast<std::int64_t>(kRaw.size()));
  EXPECT_EQ(message->delivered_to, kAgent);
  EXPECT_EQ(stored_bytes(), static_cast<std::int64_t>(kRaw.size()));
}

TEST_P(MailboxTest, BytesComeBackAsTheyWereStored) {
  std::string raw(256, '\0');
  for (int i = 0; i < 256; ++i) raw[static_cast<std::size_t>(i)] = static_cast<char>(i);
  const NewInbound row = inbound();
  (void)db().write([&](store::Tx& tx) { return create_inbound_message(tx, row, raw); });
  EXPECT_EQ(db().read([&](store::ReadTx& tx) { return load_content(tx, row.id).raw; }), raw);
}

TEST_P(MailboxTest, EveryAgentSeesItsOwnMailOnly) {
  const MessageId mine = receive();
  const MessageId theirs = store(inbound(kOther));
  EXPECT_THAT(list(), ElementsAre(mine));
  EXPECT_THAT(list({}, {}, 100, kOther), ElementsAre(theirs));
  EXPECT_FALSE(find(theirs));
  EXPECT_FALSE(trash(theirs));
}

TEST_P(MailboxTest, HiddenInboundIsNowhereButInTheReviews) {
  const MessageId pending = receive_held(ReviewStatus::pending_review);
  const MessageId rejected = receive_held(ReviewStatus::review_rejected);
  const MessageId expired = receive_held(ReviewStatus::review_expired_rejected);
  const MessageId released = receive_held(ReviewStatus::review_approved);
  EXPECT_THAT(list(), ElementsAre(released));
  for (const MessageId& hidden : {pending, rejected, expired}) {
    EXPECT_FALSE(find(hidden));
    EXPECT_EQ(label(hidden, {"seen"}).error(), LabelRefusal::not_found);
    EXPECT_EQ(trash(hidden).error(), TrashRefusal::not_found);
    EXPECT_TRUE(db().read([&](store::ReadTx& tx) { return find_for_review(tx, user_, hidden).has_value(); }));
  }
}

TEST_P(MailboxTest, ReviewsListPendingHoldsOfBothDirectionsNewestFirst) {
  const MessageId first = receive_held(ReviewStatus::pending_review);
  now_ += std::chrono::seconds(1);
  const MessageId second = hold();
  receive_held(ReviewStatus::review_rejected);
  const auto pending = [&](const std::optional<journal::Position>& after, std::int64_t limit) {
    return db().read([&](store::ReadTx& tx) {
      std::vector<MessageId> ids;
      for (const Message& message : list_pending(tx, user_, after, limit)) ids.push_back(message.id);
      return ids;
    });
  };
  EXPECT_THAT(pending({}, 10), ElementsAre(second, first));
  EXPECT_THAT(pending(journal::Position{now_, second.str()}, 10), ElementsAre(first));
  EXPECT_TRUE(db().write([&](store::Tx& tx) { return account::trash_agent(tx, user_, kAgent, now_); }));
  EXPECT_THAT(pending({}, 10), IsEmpty());
}

TEST_P(MailboxTest, PagesOfALabelFollowEachOtherInBothOrders) {
  std::vector<MessageId> labelled;
  for (int i = 0; i < 5; ++i) {
    for (const bool kept : {true, false}) {
      const MessageId id = receive();
      if (!kept) continue;
      ASSERT_TRUE(label(id, {"kept"}));
      labelled.push_back(id);
    }
    now_ += std::chrono::seconds(i % 2);  // some at the same time
  }
  for (const bool ascending : {true, false}) {
    for (const bool dated : {true, false}) {
      ListFilter filter;
      filter.labels = {"kept"};
      filter.ascending = ascending;
      if (dated) filter.since = now_ - std::chrono::hours(1);
      if (dated) filter.until = now_ + std::chrono::hours(1);
      std::vector<MessageId> seen;
      std::optional<journal::Position> after;
      for (auto page = list(filter, after, 2); !page.empty(); page = list(filter, after, 2)) {
        seen.insert(seen.end(), page.begin(), page.end());
        after = journal::Position{find(seen.back())->created_at, seen.back().str()};
      }
      if (!ascending) std::ranges::reverse(seen);
      EXPECT_EQ(seen, labelled);
    }
  }
}

TEST_P(MailboxTest, AListFiltersByEachOfItsConditions) {
  NewInbound row = inbound();
  row.sender = "Bob@Another.example";
  row.subject = "100% Done_now";
  row.conversation_id = "conv_2";
  row.now = now_ + std::chrono::seconds(10);
  const MessageId special = store(row);
  const MessageId plain = receive();
  const MessageId held = hold();
  ASSERT_TRUE(label(special, {"urgent", "billing"}));
  ASSERT_TRUE(label(plain, {"urgent"}));
  (void)db().write([&](store::Tx& tx) { return mark_read(tx, plain); });

  const auto with = [&](auto set) {
    ListFilter filter;
    set(filter);
    const auto ids = list(filter);
    return std::set<MessageId>(ids.begin(), ids.end());
  };
  using Ids = std::set<MessageId>;
  EXPECT_EQ(with([](ListFilter&) {}), (Ids{special, plain, held}));
  EXPECT_EQ(with([](ListFilter& f) { f.direction = Direction::inbound; }), (Ids{special, plain}));
  EXPECT_EQ(with([](ListFilter& f) { f.direction = Direction::outbound; }), (Ids{held}));
  EXPECT_EQ(with([](ListFilter& f) { f.read_status = "unread"; }), (Ids{special}));
  EXPECT_EQ(with([](ListFilter& f) { f.read_status = "read"; }), (Ids{plain}));
  EXPECT_EQ(with([](ListFilter& f) { f.from = "bob@ANOTHER"; }), (Ids{special}));
  EXPECT_EQ(with([](ListFilter& f) { f.subject_contains = "done_NOW"; }), (Ids{special}));
  EXPECT_EQ(with([](ListFilter& f) { f.subject_contains = "100%"; }), (Ids{special}));
  EXPECT_EQ(with([](ListFilter& f) { f.subject_contains = "1%n"; }), Ids{});
  EXPECT_EQ(with([](ListFilter& f) { f.conversation_id = "conv_2"; }), (Ids{special}));
  EXPECT_EQ(with([](ListFilter& f) { f.labels = {"urgent"}; }), (Ids{special, plain}));
  EXPECT_EQ(with([](ListFilter& f) { f.labels = {"urgent", "billing"}; }), (Ids{special}));
  EXPECT_EQ(with([&](ListFilter& f) { f.since = row.now; }), (Ids{special}));
  EXPECT_EQ(with([&](ListFilter& f) { f.until = row.now; }), (Ids{plain, held}));
  EXPECT_EQ(with([&](ListFilter& f) {
              f.direction = Direction::inbound;
              f.from = "bob";
              f.labels = {"urgent"};
              f.until = row.now;
            }),
            Ids{});
}

TEST_P(MailboxTest, PagingNeitherSkipsNorRepeatsWhileMailArrives) {
  std::vector<MessageId> stored;
  for (int i = 0; i < 23; ++i) {
    stored.push_back(receive());
    if (i % 3 == 2) now_ += Duration(1);  // several share one instant
  }
  for (const bool ascending : {false, true}) {
    ListFilter filter;
    filter.ascending = ascending;
    std::vector<MessageId> seen;
    std::optional<journal::Position> after;
    for (;;) {
      const auto page =
          db().read([&](store::ReadTx& tx) { return mailbox::list(tx, kAgent, filter, after, 4).messages; });
      if (page.empty()) break;
      for (const Message& message : page) seen.push_back(message.id);
      after = journal::Position{page.back().created_at, page.back().id.str()};
      if (!ascending) {
        now_ += Duration(1);
        receive();
      }
    }
    std::vector<MessageId> expected = stored;
    if (ascending) {
      expected = list(filter);
    } else {
      std::reverse(expected.begin(), expected.end());
    }
    EXPECT_EQ(seen, expected);
  }
}

TEST_P(MailboxTest, LabelsAreAddedThenRemovedAndShownSorted) {
  const MessageId id = receive();
  EXPECT_THAT(*label(id, {"urgent", "billing"}), ElementsAre("billing", "urgent"));
  EXPECT_THAT(*label(id, {"urgent", "archive"}, {"billing", "absent"}), ElementsAre("archive", "urgent"));
  EXPECT_THAT(*label(id, {"both"}, {"both"}), ElementsAre("archive", "urgent"));
  EXPECT_THAT(find(id)->labels, ElementsAre("archive", "urgent"));
  ListFilter filter;
  filter.labels = {"billing"};
  EXPECT_THAT(list(filter), IsEmpty());
}

TEST_P(MailboxTest, AMessageHasAtMostAHundredLabels) {
  const MessageId id = receive();
  std::vector<std::string> labels;
  for (int i = 0; i < 100; ++i) labels.push_back(fmt::format("l{:03}", i));
  ASSERT_TRUE(label(id, labels));
  EXPECT_EQ(label(id, {"one-more"}).error(), LabelRefusal::too_many);
  EXPECT_THAT(find(id)->labels, SizeIs(100));
  EXPECT_TRUE(label(id, {"one-more"}, {"l000"}));
}

TEST_P(MailboxTest, ReadingIsNotedOnce) {
  const MessageId id = receive();
  EXPECT_TRUE(db().write([&](store::Tx& tx) { return mark_read(tx, id); }));
  EXPECT_FALSE(db().write([&](store::Tx& tx) { return mark_read(tx, id); }));
  EXPECT_EQ(find(id)->read_status, "read");
}

TEST_P(MailboxTest, TheTrashHidesFromListsAndGivesBackAsRead) {
  const MessageId id = receive();
  EXPECT_EQ(restore(id).error(), TrashRefusal::not_in_trash);
  EXPECT_EQ(purge(id).error(), TrashRefusal::not_in_trash);
  ASSERT_TRUE(trash(id));
  ASSERT_TRUE(trash(id));
  EXPECT_THAT(list(), IsEmpty());
  ListFilter trashed;
  trashed.trashed = true;
  EXPECT_THAT(list(trashed), ElementsAre(id));
  EXPECT_EQ(find(id)->deleted_at, now_);
  EXPECT_EQ(label(id, {"seen"}).error(), LabelRefusal::not_found);
  const auto restored = restore(id);
  ASSERT_TRUE(restored);
  EXPECT_FALSE(restored->deleted_at);
  EXPECT_EQ(find(id)->read_status, "read");
  EXPECT_THAT(list(), ElementsAre(id));
}

TEST_P(MailboxTest, WhatIsHeldCannotBeTrashed) {
  EXPECT_EQ(trash(hold()).error(), TrashRefusal::message_held);
}

TEST_P(MailboxTest, PurgingRemovesTheMessageAndItsCharge) {
  const MessageId id = receive();
  const MessageId kept = receive();
  ASSERT_TRUE(trash(id));
  ASSERT_TRUE(purge(id));
  EXPECT_FALSE(find(id));
  EXPECT_EQ(purge(id).error(), TrashRefusal::not_found);
  EXPECT_TRUE(find(kept));
  EXPECT_EQ(stored_bytes(), static_cast<std::int64_t>(kRaw.size()));
}

TEST_P(MailboxTest, TheSweepOfTheTrashTakesTheOldestFirstAndNoMoreThanAskedFor) {
  std::vector<MessageId> ids;
  for (int i = 0; i < 4; ++i) {
    ids.push_back(receive());
    ASSERT_TRUE(trash(ids.back()));
    now_ += std::chrono::hours(1);
  }
  const UtcTime cutoff = now_ - std::chrono::hours(1);
  EXPECT_EQ(db().write([&](store::Tx& tx) { return purge_trash(tx, cutoff, 2); }), 2);
  ListFilter trashed;
  trashed.trashed = true;
  EXPECT_THAT(list(trashed), ElementsAre(ids[3], ids[2]));
  EXPECT_EQ(db().write([&](store::Tx& tx) { return purge_trash(tx, cutoff, 100); }), 1);
  EXPECT_THAT(list(trashed), ElementsAre(ids[3]));
  EXPECT_EQ(stored_bytes(), static_cast<std::int64_t>(kRaw.size()));
}

TEST_P(MailboxTest, SweepsThatMeetGiveBackTheBytesOfAMessageOnce) {
  constexpr int kMessages = 40;
  for (int i = 0; i < kMessages; ++i) ASSERT_TRUE(trash(receive()));
  std::atomic<std::int64_t> purged = 0;
  std::barrier line(4);
  {
    std::vector<std::jthread> sweeps;
    for (int i = 0; i < 4; ++i) {
      sweeps.emplace_back([&] {
        line.arrive_and_wait();
        purged += db().write(
            [&](store::Tx& tx) { return purge_trash(tx, now_ + std::chrono::hours(1), kMessages); });
      });
    }
  }
  EXPECT_EQ(purged, kMessages);
  EXPECT_EQ(stored_bytes(), 0);
}

// What no index answers is looked for in a bounded number of rows; whoever goes on finds all the same.
TEST_P(MailboxTest, ASearchThatFindsLittleStopsAndSaysWhereToGoOn) {
  constexpr std::int64_t kExamined = 100;
  std::vector<MessageId> wanted;
  for (int i = 0; i < 700; ++i) {
    now_ += Duration(1);
    NewInbound row = inbound();
    if (i % 230 == 5) row.subject = "An invoice";
    const MessageId id = store(row);
    if (i % 230 == 5) wanted.push_back(id);
  }
  for (const bool ascending : {false, true}) {
    ListFilter filter;
    filter.ascending = ascending;
    filter.subject_contains = "INVOICE";
    std::vector<MessageId> seen;
    std::optional<journal::Position> after;
    int pages = 0;
    for (bool more = true; more; ++pages) {
      const MessagePage page = db().read(
          [&](store::ReadTx& tx) { return mailbox::list(tx, kAgent, filter, after, 4, kExamined); });
      for (const Message& message : page.messages) seen.push_back(message.id);
      more = page.reached.has_value();
      after = page.reached;
    }
    std::vector<MessageId> expected = wanted;
    if (!ascending) std::ranges::reverse(expected);
    EXPECT_EQ(seen, expected);
    EXPECT_EQ(pages, 700 / kExamined + 1);
  }
}

TEST_P(MailboxTest, ASearchThatFillsItsPageGoesOnBehindTheLastHit) {
  std::vector<MessageId> stored;
  for (int i = 0; i < 200; ++i) {
    now_ += Duration(1);
    stored.push_back(receive());
  }
  ListFilter filter;
  filter.ascending = true;
  filter.subject_contains = "figures";
  std::vector<MessageId> seen;
  std::optional<journal::Position> after;
  for (;;) {
    const MessagePage page =
        db().read([&](store::ReadTx& tx) { return mailbox::list(tx, kAgent, filter, after, 30, 50); });
    EXPECT_FALSE(page.reached && page.messages.size() == 30U);
    for (const Message& message : page.messages) seen.push_back(message.id);
    if (page.messages.empty()) break;
    after = journal::Position{page.messages.back().created_at, page.messages.back().id.str()};
  }
  EXPECT_EQ(seen, stored);
}

// A driver keeps so many statements per connection and no more: what callers ask for must not use them up.
TEST_P(MailboxTest, ListsOfEveryFormFitIntoTheStatementsOfOneConnection) {
  constexpr unsigned kForms = 1U << 8;
  const journal::Position after{now_, "msg_"};
  EXPECT_NO_THROW(db().read([&](store::ReadTx& tx) {
    for (unsigned labels = 0; labels <= 50; ++labels) {
      for (unsigned form = 0; form < kForms; form += labels == 0 ? 1 : 5) {
        const auto given = [&](unsigned bit) { return (form >> bit & 1U) != 0; };
        ListFilter filter;
        filter.ascending = given(0);
        filter.trashed = given(1);
        if (given(2)) filter.from = "ann";
        if (given(3)) filter.subject_contains = "figures";
        if (given(4)) filter.conversation_id = "conv_1";
        if (given(5)) filter.since = now_;
        if (given(6)) filter.until = now_;
        for (unsigned i = 0; i < labels; ++i) filter.labels.push_back(fmt::format("label-{}", i));
        (void)mailbox::list(tx, kAgent, filter, given(7) ? std::optional(after) : std::nullopt, 1);
      }
    }
    return std::monostate{};
  }));
}

TEST_P(MailboxTest, AHeldDraftHasNoDeliveryStatusToChange) {
  const MessageId id = hold();
  (void)db().write([&](store::Tx& tx) {
    set_delivery(tx, id, DeliveryStatus::sent, "");
    return std::monostate{};
  });
  EXPECT_FALSE(find(id)->delivery_status);
}

TEST_P(MailboxTest, SearchingIsTheSameInEveryAlphabet) {
  NewInbound row = inbound();
  row.subject = "Übung für Ωmega: ПРИВЕТ, 你好";
  const MessageId id = store(row);
  receive();
  for (const char* needle : {"ÜBUNG FÜR", "übung", "ωMEGA", "привет", "你好"}) {
    ListFilter filter;
    filter.subject_contains = needle;
    EXPECT_THAT(list(filter), ElementsAre(id)) << needle;
  }
}

TEST_P(MailboxTest, AnAgentIsRemovedInStepsThatLeaveWhatIsLeftInAgreement) {
  for (int i = 0; i < 130; ++i) {
    NewInbound row = inbound();
    row.conversation_id = i < 110 ? "conv_1" : i < 120 ? "conv_2" : "";
    store(row);
    now_ += std::chrono::seconds(1);
  }
  EXPECT_TRUE(trash(MessageId(fmt::format("msg_{:032x}", 60))));
  EXPECT_TRUE(trash(receive()));
  receive_held(ReviewStatus::pending_review);
  const MessageId draft = hold();
  store(inbound(kOther));
  EXPECT_TRUE(
      db().write([&](store::Tx& tx) { return mark_read(tx, MessageId(fmt::format("msg_{:032x}", 70))); }));
  const auto expect_agreement = [&] {
    const std::vector<MessageId> live = list({.conversation_id = "conv_1"});
    db().read([&](store::ReadTx& tx) {
      const auto conversation = find_conversation(tx, kAgent, "conv_1");
      EXPECT_EQ(conversation ? conversation->message_count : 0, std::ssize(live));
      if (!conversation) return std::monostate{};
      EXPECT_EQ(conversation->first_message_at, mailbox::find(tx, kAgent, live.back())->created_at);
      EXPECT_EQ(conversation->inbound_count, std::ssize(live) - std::ranges::count(live, draft));
      return std::monostate{};
    });
    const std::vector<MessageId> unread = list({.read_status = "unread", .conversation_id = "conv_1"});
    db().read([&](store::ReadTx& tx) {
      const auto conversation = find_conversation(tx, kAgent, "conv_1");
      EXPECT_EQ(conversation ? conversation->unread_count : 0, std::ssize(unread));
      return std::monostate{};
    });
  };
  bool begun = false;
  const auto step = [&] {
    return db().write([&](store::Tx& tx) { return purge_agent(tx, user_, kAgent, now_, begun); }).value();
  };
  EXPECT_EQ(step().messages, 0) << "first it goes to the trash";
  begun = true;
  std::int64_t removed = 0;
  for (AgentPurge last; !last.over; removed += last.messages) {
    last = step();
    EXPECT_LE(last.messages, kPurgedByAStep);
    expect_agreement();
  }
  EXPECT_EQ(removed, 133);
  EXPECT_EQ(stored_bytes(), static_cast<std::int64_t>(kRaw.size())) << "of the other agent";
  EXPECT_EQ(db().write([&](store::Tx& tx) { return purge_agent(tx, user_, kAgent, now_); }).error(),
            AgentPurgeRefusal::not_found);
}

TEST_P(MailboxTest, MessagesAndAgentsAreRemovedOverOneConnectionInEitherOrder) {
  const MessageId first = receive();
  const MessageId last = receive();
  for (const std::string_view email : {kAgent, kOther}) store(inbound(email));
  const auto remove = [&](store::Tx& tx, const MessageId& id) {
    EXPECT_TRUE(mailbox::trash(tx, kAgent, id, now_));
  };
  const auto remove_old = [&](store::Tx& tx) {
    std::int64_t removed = 0;
    while (const std::int64_t more = purge_trashed_agents(tx, now_, 50)) removed += more;
    return removed;
  };
  const auto at_once = [&](store::Tx& tx) {
    remove(tx, first);
    EXPECT_TRUE(account::trash_agent(tx, user_, kOther, now_ - std::chrono::hours(1)));
    EXPECT_EQ(remove_old(tx), 2);
    remove(tx, last);
    return std::monostate{};
  };
  EXPECT_NO_THROW(db().write(at_once));
  store_.reopen();
  EXPECT_NO_THROW(db().write([&](store::Tx& tx) {
    account::Principal principal;
    principal.user = user_;
    EXPECT_TRUE(account::create_agent(tx, principal, {std::string(kOther), ""}, kDomain, now_));
    EXPECT_TRUE(create_inbound_message(tx, inbound(kOther), kRaw));
    EXPECT_TRUE(account::trash_agent(tx, user_, kOther, now_ - std::chrono::hours(1)));
    EXPECT_EQ(remove_old(tx), 2);
    const NewInbound row = inbound();
    EXPECT_TRUE(create_inbound_message(tx, row, kRaw));
    remove(tx, row.id);
    return std::monostate{};
  }));
}

TEST_P(MailboxOnPostgresTest, AConversationThatTwoChangeAtOnceHasTheEndsOfWhatIsLeft) {
  std::vector<MessageId> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(receive());
    now_ += std::chrono::seconds(1);
  }
  const auto last = [&] {
    return db().read([](store::ReadTx& tx) { return find_conversation(tx, kAgent, "conv_1").value(); });
  };
  test::meet(
      store_, [&](store::Tx& tx) { EXPECT_TRUE(mailbox::trash(tx, kAgent, ids[2], now_)); },
      [&](store::Tx& tx) { EXPECT_TRUE(mailbox::trash(tx, kAgent, ids[1], now_)); });
  EXPECT_EQ(last().last_message_at, find(ids[0])->created_at);
  const NewInbound newer = inbound();
  test::meet(
      store_, [&](store::Tx& tx) { EXPECT_TRUE(create_inbound_message(tx, newer, kRaw)); },
      [&](store::Tx& tx) { EXPECT_TRUE(mailbox::trash(tx, kAgent, ids[0], now_)); });
  EXPECT_EQ(last().last_message_at, newer.now);
  EXPECT_EQ(last().message_count, 1);
}

}  // namespace
}  // namespace countersign::mailbox
