// The pages behind a reviewer's links, called in process: what each kind of link is answered, and when.
#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "account/agent.hpp"
#include "base/fault.hpp"
#include "flows/office.hpp"
#include "notify/compose.hpp"
#include "notify/review_mail.hpp"
#include "review_page/review_pages.hpp"
#include "store/error.hpp"
#include "support/overtaking.hpp"
#include "support/stores.hpp"

namespace countersign::test {
namespace {

using namespace std::chrono_literals;
using mailbox::ReviewStatus;
using notify::LinkAction;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kAuthor = "writer@agents.example";
constexpr std::string_view kStranger = "bob@elsewhere.example";
constexpr store::Query kNewRevision("review_page_test.new_revision",
                                    "UPDATE messages SET revision = revision + 1 WHERE id = $1");
constexpr store::Query kLeaveOut("review_page_test.leave_out",
                                 "UPDATE review_notifications SET state = 'waiting', mail_id = NULL WHERE "
                                 "message_id = $1");

class ReviewPageTest : public StoreTest {
 protected:
  ReviewPageTest() {
    office_.add_agent(kAuthor);
    office_.hold_all(kAuthor);
    (void)db().write([&](store::Tx& tx) { return notify::set_account_settings(tx, office_.owner(), {}); });
  }
  ~ReviewPageTest() override { fault::reset(); }

  /// A held message whose mail has left; the query of each of its links.
  MessageId hold() {
    const MessageId id = office_.hold(kAuthor, draft_to({std::string(kStranger)}));
    const UtcTime now = office_.now();
    const notify::ClaimCommand command{"worker", now, now + 60s, 8, 0s, 1h, "seed"};
    mails_ = db().write([&](store::Tx& tx) { return notify::claim(tx, command); });
    if (mails_.size() != 1) throw std::logic_error("no mail");
    (void)db().write([&](store::Tx& tx) {
      notify::HandedOver accepted;
      accepted.outcome = notify::Outcome::accepted;
      return notify::record(tx, mails_[0], accepted, now);
    });
    return id;
  }
  std::string link(LinkAction action, std::int64_t revision = 1) {
    const mailbox::Message& message = mails_[0].holds[0].message;
    return "t=" +
           links_.make({message.id, action, *message.approval_expires_at + notify::kLinkGrace, revision},
                       mails_[0].link_key);
  }

  static net::Response ask(review_page::ReviewPages& pages, LinkAction action, const std::string& method,
                           const std::string& form, const std::string& query = "") {
    net::Request request;
    request.method = method;
    request.peer_address = "192.0.2.1";
    request.query = query;
    (method == "POST" ? request.body : request.query) = form;
    boost::asio::io_context io;
    auto answer = boost::asio::co_spawn(io, pages.respond(action, request), boost::asio::use_future);
    io.run();
    return answer.get();
  }
  net::Response ask(LinkAction action, const std::string& method, const std::string& form,
                    const std::string& query = "") {
    return ask(pages_, action, method, form, query);
  }
  net::Response ask_with(review_page::Hooks hooks, const std::string& method) {
    review_page::ReviewPages pages(db(), office_.clock(), office_.send_step(), links_,
                                   std::string(kSharedDomain), std::move(hooks));
    return ask(pages, LinkAction::approve, method, link(LinkAction::approve));
  }
  net::Response look(LinkAction action) { return ask(action, "GET", link(action)); }
  net::Response press(LinkAction action) { return ask(action, "POST", link(action)); }

  Office office_{db()};
  notify::Links links_{"a deployment's secret of 32 bytes or more"};
  std::vector<notify::ReviewMail> mails_;
  review_page::ReviewPages pages_{
      db(), office_.clock(), office_.send_step(), links_, std::string(kSharedDomain), {}};
};
COUNTERSIGN_ON_EVERY_STORE(ReviewPageTest);
class ReviewPageOnPostgresTest : public ReviewPageTest {};
COUNTERSIGN_ON_POSTGRES(ReviewPageOnPostgresTest);

TEST_P(ReviewPageTest, AskingShowsTheWholeTextAndAForm) {
  const MessageId id = hold();
  for (const LinkAction action : {LinkAction::approve, LinkAction::reject}) {
    const net::Response page = look(action);
    EXPECT_EQ(page.status, 200);
    EXPECT_THAT(page.body, HasSubstr("Please find them below."));
    EXPECT_THAT(page.body, HasSubstr("<form method=\"post\""));
  }
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::pending_review);
}

TEST_P(ReviewPageTest, PressingDecidesLikeAnybodyElse) {
  const MessageId id = hold();
  EXPECT_EQ(press(LinkAction::approve).status, 200);
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::review_approved);
  EXPECT_THAT(office_.events(id), testing::ElementsAre("email.review_requested", "email.review_approved"));
  EXPECT_EQ(press(LinkAction::approve).status, 409);
  EXPECT_EQ(press(LinkAction::reject).status, 409);
  office_.expect_sound();
}

TEST_P(ReviewPageTest, ALinkThatHasExpiredSaysWhatBecameOfItsMessage) {
  const MessageId id = hold();
  office_.pass(std::chrono::days(7));
  const net::Response up = look(LinkAction::approve);
  EXPECT_EQ(up.status, 410);
  EXPECT_THAT(up.body, HasSubstr("The time for this decision is over"));
  EXPECT_EQ(press(LinkAction::approve).status, 410);
  ASSERT_TRUE(office_.expire_reject(id));
  EXPECT_EQ(look(LinkAction::approve).status, 409);
  EXPECT_THAT(look(LinkAction::approve).body, HasSubstr("rejected by the clock"));
  office_.pass(notify::kLinkGrace);
  const net::Response expired = press(LinkAction::approve);
  EXPECT_EQ(expired.status, 410);
  EXPECT_THAT(expired.body, HasSubstr("This link has expired"));
  EXPECT_THAT(expired.body, HasSubstr("rejected by the clock"));
}

TEST_P(ReviewPageTest, ADraftThatWasChangedSinceIsNotApprovedByTheOldLink) {
  const MessageId id = hold();
  (void)db().write([&](store::Tx& tx) { return tx.execute(kNewRevision, {id.str()}); });
  for (const char* method : {"GET", "POST"}) {
    const net::Response page = ask(LinkAction::approve, method, link(LinkAction::approve));
    EXPECT_EQ(page.status, 409);
    EXPECT_THAT(page.body, HasSubstr("was changed after this mail was sent"));
  }
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::pending_review);
}

TEST_P(ReviewPageTest, WhatCannotBeSentStaysHeldAndSaysWhy) {
  const MessageId id = hold();
  office_.suppress(kAuthor, kStranger);
  const net::Response page = press(LinkAction::approve);
  EXPECT_EQ(page.status, 422);
  EXPECT_THAT(page.body, HasSubstr("Mail to bob@elsewhere.example is suppressed"));
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::pending_review);
  EXPECT_EQ(press(LinkAction::reject).status, 200);
}

TEST_P(ReviewPageTest, ForAnAgentInTheTrashThereIsNothingToDecide) {
  hold();
  office_.trash_agent(kAuthor);
  EXPECT_EQ(look(LinkAction::approve).status, 404);
  EXPECT_EQ(press(LinkAction::approve).status, 404);
  const std::string approve = link(LinkAction::approve);
  EXPECT_TRUE(db().write([&](store::Tx& tx) {
    return mailbox::purge_agent(tx, office_.owner(), kAuthor, office_.now()).value().over;
  }));
  EXPECT_EQ(ask(LinkAction::approve, "GET", approve).status, 404);
  EXPECT_EQ(ask(LinkAction::approve, "POST", approve).status, 404);
}

TEST_P(ReviewPageOnPostgresTest, WhatIsLeftOutOfItsMailWhileALinkIsPressedIsNoLongerBehindIt) {
  const MessageId id = hold();
  net::Response page;
  meet(
      store_,
      [&](store::Tx& tx) {
        EXPECT_TRUE(mailbox::lock_for_review(tx, office_.owner(), id));
        tx.execute(kLeaveOut, {id.str()});
      },
      [&](store::Tx&) { page = press(LinkAction::approve); });
  EXPECT_EQ(page.status, 404);
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::pending_review);
}

TEST_P(ReviewPageTest, TheTokenOfAPostMayStandInTheAddress) {
  const MessageId id = hold();
  EXPECT_EQ(ask(LinkAction::approve, "POST", "", link(LinkAction::approve)).status, 200);
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::review_approved);
}

TEST_P(ReviewPageTest, AStoreThatIsAwayIsAPageTooAndDecidesNothing) {
  const MessageId id = hold();
  fault::arm_text("approve.resolve=throw");
  const net::Response page = press(LinkAction::approve);
  EXPECT_EQ(page.status, 503);
  EXPECT_THAT(page.body, HasSubstr("Try again in a minute"));
  EXPECT_EQ(page.headers.get("Retry-After"), "30");
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::pending_review);
  EXPECT_EQ(press(LinkAction::approve).status, 200);
}

TEST_P(ReviewPageTest, WhoAsksTooOftenIsToldWhenToComeBackAndDecidesNothing) {
  const MessageId id = hold();
  review_page::Hooks hooks;
  hooks.too_many = [](std::string client) -> boost::asio::awaitable<std::optional<std::int64_t>> {
    EXPECT_EQ(client, "192.0.2.1");
    co_return 47;
  };
  const net::Response page = ask_with(std::move(hooks), "POST");
  EXPECT_EQ(page.status, 429);
  EXPECT_EQ(page.headers.get("Retry-After"), "47");
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::pending_review);
}

TEST_P(ReviewPageTest, AStoreThatCannotSayHowOftenSomebodyAskedIsAway) {
  const MessageId id = hold();
  review_page::Hooks hooks;
  hooks.too_many = [](std::string) -> boost::asio::awaitable<std::optional<std::int64_t>> {
    throw store::Unavailable("no connection");
    co_return std::nullopt;
  };
  const net::Response page = ask_with(std::move(hooks), "POST");
  EXPECT_EQ(page.status, 503);
  EXPECT_EQ(page.headers.get("Retry-After"), "30");
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::pending_review);
}

TEST_P(ReviewPageTest, AReasonIsTrimmedAndNotLongerThanItMayBe) {
  const MessageId id = hold();
  std::string form = link(LinkAction::reject) + "&reason=+";
  for (int i = 0; i < 2500; ++i) form += "%C3%A4";
  EXPECT_EQ(ask(LinkAction::reject, "POST", form).status, 200);
  EXPECT_EQ(office_.message(id).rejection_reason.size(), 4000U);
}

TEST_P(ReviewPageTest, EveryTextIsEscaped) {
  mailbox::Draft draft = draft_to({std::string(kStranger)});
  draft.subject = "</h1><script>alert(1)</script>";
  draft.text = "</pre><form action=//evil.example><button>x</button></form>\"'&\a";
  office_.hold(kAuthor, draft);
  mails_ = db().write([&](store::Tx& tx) {
    return notify::claim(tx, {"worker", office_.now(), office_.now() + 60s, 8, 0s, 1h, "seed"});
  });
  const net::Response page = look(LinkAction::approve);
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, Not(HasSubstr("<script")));
  EXPECT_THAT(page.body, Not(HasSubstr("evil.example><button")));
  EXPECT_THAT(page.body, HasSubstr("&lt;/pre&gt;&lt;form action=//evil.example&gt;"));
  EXPECT_THAT(page.body, HasSubstr("&quot;&#39;&amp; </pre>"));
}

}  // namespace
}  // namespace countersign::test
