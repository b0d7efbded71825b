// Feedback from its bytes to the store: the webhook with a genuine SNS, and the Maildir of bounces.
#include "outbox/feedback.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json.hpp>
#include <fstream>

#include "base/fault.hpp"
#include "flows/office.hpp"
#include "outbox/resolve.hpp"
#include "provider/feedback/bounce_maildir.hpp"
#include "provider/feedback/ses_webhook.hpp"
#include "support/sns_signer.hpp"
#include "support/stores.hpp"
#include "support/temporary_directory.hpp"

namespace countersign::test {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
namespace json = boost::json;
using mailbox::DeliveryStatus;
using provider::feedback::BounceMaildir;
using provider::feedback::ReturnPaths;
using provider::feedback::SesWebhook;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kAuthor = "writer@agents.example";
constexpr std::string_view kReader = "reader@elsewhere.example";
constexpr std::string_view kTopic = "arn:aws:sns:eu-west-1:123456789012:ses";

class FeedbackTest : public StoreTest {
 protected:
  FeedbackTest() { office_.add_agent(kAuthor); }
  ~FeedbackTest() override { fault::reset(); }

  /// A message that the provider has taken.
  MessageId sent(std::string_view to = kReader) {
    const MessageId id = office_.send(kAuthor, draft_to({std::string(to)}));
    office_.pass(std::chrono::seconds(1));
    EXPECT_EQ(office_.hand_over(outbox::Verdict::accepted), 1u);
    office_.pass(std::chrono::seconds(1));
    return id;
  }
  template <class T>
  T await(asio::awaitable<T> work) {
    asio::io_context io;
    auto done = asio::co_spawn(io, std::move(work), asio::use_future);
    io.run();
    return done.get();
  }
  provider::feedback::OutcomeHook counting() {
    return [this](std::string_view source, std::string_view outcome) {
      outcomes_.push_back(fmt::format("{} {}", source, outcome));
    };
  }

  Office office_{db()};
  std::vector<std::string> outcomes_;
};

// Evidence of a whole hand-over, and then its answer, which says more about single recipients.

class LateAnswerTest : public FeedbackTest {
 protected:
  outbox::Claim claimed() {
    office_.pass(std::chrono::hours(1));
    const auto claims = office_.claim();
    EXPECT_THAT(claims, testing::SizeIs(1));
    return claims.front();
  }
  outbox::Claim handed_over() {
    const outbox::Claim claim = claimed();
    EXPECT_TRUE(office_.fence(claim));
    return claim;
  }
  void prove(const outbox::Claim& claim) {
    outbox::Feedback feedback;
    feedback.source = "test";
    feedback.event_id = claim.id.str();
    feedback.submission = claim.id;
    db().write([&](store::Tx& tx) { return outbox::apply_feedback(tx, feedback, office_.now()); });
  }
  void answer(const outbox::Claim& claim, outbox::Verdict verdict,
              std::vector<outbox::RecipientAnswer> recipients = {}) {
    outbox::Answer answer;
    answer.verdict = verdict;
    answer.phase = "final_dot";
    answer.provider = "scripted";
    answer.recipients = std::move(recipients);
    EXPECT_TRUE(office_.record(claim, answer));
  }
};
COUNTERSIGN_ON_EVERY_STORE(LateAnswerTest);

TEST_P(LateAnswerTest, WhateverASecondAttemptHadComeToWhatFollowsIsSound) {
  for (const std::string_view second : {"queued", "claimed", "in hand-over", "accepted", "proved", "deferred",
                                        "refused", "unknown", "refused before", "given up"}) {
    SCOPED_TRACE(second);
    const MessageId id = office_.send(kAuthor, draft_to({"a@elsewhere.example", "b@elsewhere.example"}));
    const outbox::Claim first = handed_over();
    office_.pass(std::chrono::hours(1));
    db().write([&](store::Tx& tx) { return outbox::rescue(tx, {office_.now(), office_.now()}).unknown; });
    const outbox::ResolveCommand command{
        {},
        first.id,
        second == "given up" ? outbox::Resolution::give_up : outbox::Resolution::send_again,
        "person: ann",
        ""};
    ASSERT_TRUE(
        db().write([&](store::Tx& tx) { return outbox::resolve(tx, command, office_.now()); }).has_value());
    std::optional<outbox::Claim> again;
    if (second == "claimed") again = claimed();
    if (second != "queued" && second != "claimed" && second != "given up") again = handed_over();
    if (second == "refused before") answer(*again, outbox::Verdict::refused);
    prove(first);
    if (second == "accepted") answer(*again, outbox::Verdict::accepted);
    if (second == "proved") prove(*again);
    if (second == "deferred") answer(*again, outbox::Verdict::deferred);
    if (second == "refused") answer(*again, outbox::Verdict::refused);
    if (second == "unknown") answer(*again, outbox::Verdict::unknown);
    office_.expect_sound();
    answer(first, outbox::Verdict::accepted,
           {{"b@elsewhere.example", outbox::Verdict::deferred, 452, "mailbox full"}});
    office_.expect_sound();
    if (second == "in hand-over") answer(*again, outbox::Verdict::accepted);
    // What is left to be done can be done, and is.
    office_.pass(std::chrono::hours(1));
    office_.hand_over(outbox::Verdict::accepted);
    EXPECT_THAT(office_.attempts(id), testing::Each(testing::Not(testing::StartsWith("queued"))));
    office_.expect_sound();
  }
}

// The webhook.

class SesWebhookTest : public FeedbackTest {
 protected:
  SesWebhookTest() {
    provider::feedback::SnsOptions options;
    options.topic_arns = {std::string(kTopic)};
    options.ca_file = signer().ca_file();
    webhook_ = std::make_unique<SesWebhook>(db(), office_.clock(), options, certificate_only(), counting());
    // Certificates of tests are valid around the real time.
    office_.clock().set(SystemClock().now());
  }
  static const SnsSigner& signer() {
    static const SnsSigner one;  // making its RSA key takes a while
    return one;
  }
  static provider::feedback::Fetch certificate_only() {
    return [](net::HttpRequest request) -> asio::awaitable<Result<net::HttpAnswer, net::HttpFailure>> {
      EXPECT_EQ(request.url, SnsSigner::kCertUrl);
      net::HttpAnswer answer{
          .status = 200, .headers = {}, .body = signer().leaf_pem() + signer().issuer_pem()};
      co_return answer;
    };
  }
  std::string event(std::string_view kind, std::string_view member, const MessageId& id,
                    json::object details) {
    const json::object about{{"timestamp", to_rfc3339(office_.now())},
                             {"messageId", "ses-1"},
                             {"tags", {{"countersign-message", {id.str()}}}}};
    details["timestamp"] = to_rfc3339(office_.now());
    const json::object document{{"eventType", kind}, {"mail", about}, {member, details}};
    return signer().sign(sns_notification(kTopic, fmt::format("sns-{}", ++events_), json::serialize(document),
                                          to_rfc3339(office_.now())),
                         2);
  }
  std::string bounce(const MessageId& id) {
    return event("Bounce", "bounce", id,
                 {{"bounceType", "Permanent"}, {"bouncedRecipients", {{{"emailAddress", kReader}}}}});
  }
  int post(std::string body) {
    net::Request request{.method = "POST", .path = "/webhooks/ses"};
    request.body = std::move(body);
    return await(webhook_->respond(std::move(request))).status;
  }

  std::unique_ptr<SesWebhook> webhook_;
  int events_ = 0;
};
COUNTERSIGN_ON_EVERY_STORE(SesWebhookTest);

TEST_P(SesWebhookTest, A200FollowsTheCommit) {
  const MessageId id = sent();
  EXPECT_EQ(post(bounce(id)), 200);
  EXPECT_EQ(office_.message(id).delivery_status, DeliveryStatus::bounced);
  EXPECT_THAT(office_.events(id), Contains("email.bounced"));
  EXPECT_THAT(outcomes_, ElementsAre("ses applied"));
  office_.expect_sound();
}

TEST_P(SesWebhookTest, ACopyOfANotificationChangesNothing) {
  const MessageId id = sent();
  const std::string body = bounce(id);
  EXPECT_EQ(post(body), 200);
  const auto lifecycle = office_.lifecycle(id);
  EXPECT_EQ(post(body), 200);
  EXPECT_EQ(office_.lifecycle(id), lifecycle);
  EXPECT_THAT(outcomes_, ElementsAre("ses applied", "ses repeated"));
}

TEST_P(SesWebhookTest, WhenTheTransactionFailsSnsIsAskedToComeAgain) {
  const MessageId id = sent();
  const std::string body = bounce(id);
  fault::arm("outbox.feedback", 1, fault::Action::throw_error);
  EXPECT_EQ(post(body), 503);
  EXPECT_EQ(office_.message(id).delivery_status, DeliveryStatus::sent);
  EXPECT_EQ(post(body), 200);
  EXPECT_EQ(office_.message(id).delivery_status, DeliveryStatus::bounced);
  EXPECT_THAT(outcomes_, ElementsAre("ses unavailable", "ses applied"));
}

TEST_P(SesWebhookTest, AnAnswerThatIsLostBehindTheCommitIsMadeGoodByTheRepetition) {
  const MessageId id = sent();
  const std::string body = bounce(id);
  fault::arm("feedback.ses_committed", 1, fault::Action::throw_error);
  EXPECT_EQ(post(body), 503);
  EXPECT_EQ(office_.message(id).delivery_status, DeliveryStatus::bounced);
  EXPECT_EQ(post(body), 200);
  EXPECT_THAT(outcomes_, ElementsAre("ses unavailable", "ses repeated"));
  office_.expect_sound();
}

TEST_P(SesWebhookTest, WhatIsToldBeforeTheAcceptanceIsRecordedWaitsForIt) {
  const MessageId id = office_.send(kAuthor, draft_to({std::string(kReader)}));
  office_.pass(std::chrono::seconds(1));
  const auto claims = office_.claim();
  ASSERT_EQ(claims.size(), 1u);
  ASSERT_TRUE(office_.fence(claims.front()));
  const json::object about{{"messageId", "ses-77"}, {"timestamp", to_rfc3339(office_.now())}};
  const json::object document{{"eventType", "Delivery"},
                              {"mail", about},
                              {"delivery", {{"recipients", {kReader}}, {"smtpResponse", "250 ok"}}}};
  EXPECT_EQ(post(signer().sign(
                sns_notification(kTopic, "early", json::serialize(document), to_rfc3339(office_.now())), 2)),
            200);
  outbox::Answer answer;
  answer.verdict = outbox::Verdict::accepted;
  answer.provider = "ses";
  answer.provider_message_id = "ses-77";
  answer.feedback_expected = true;
  EXPECT_TRUE(office_.record(claims.front(), answer));
  EXPECT_EQ(office_.message(id).delivery_status, DeliveryStatus::delivered);
  EXPECT_THAT(outcomes_, ElementsAre("ses kept"));
  office_.expect_sound();
}

TEST_P(SesWebhookTest, WhatIsNotGenuineOrNoEventIsAnsweredForGood) {
  const MessageId id = sent();
  json::object forged = json::parse(bounce(id)).as_object();
  forged["MessageId"] = "another";
  EXPECT_EQ(post(json::serialize(forged)), 403);
  EXPECT_EQ(post("{}"), 400);
  EXPECT_EQ(post(event("Bounce", "bounce", id, {})), 400);
  EXPECT_EQ(post(event("Open", "open", id, {})), 200);
  EXPECT_EQ(office_.message(id).delivery_status, DeliveryStatus::sent);
  EXPECT_THAT(outcomes_, ElementsAre("ses bad_signature", "ses malformed", "ses malformed", "ses ignored"));
}

// The Maildir.

class BounceMaildirTest : public FeedbackTest {
 protected:
  BounceMaildirTest() {
    for (const char* part : {"tmp", "new", "cur"}) fs::create_directory(folder_.path() / part);
  }
  static constexpr std::string_view kSecret = "a secret of the deployment, 32 bytes or more";

  std::string report(const MessageId& id, std::string_view recipient = kReader) const {
    return fmt::format(
        "Delivered-To: {}\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        "Final-Recipient: rfc822; {}\nAction: failed\nStatus: 5.1.1\n\n--b--\n",
        paths_.make("bounces@bounce.agents.example", id), recipient);
  }
  void deliver(const std::string& name, std::string_view content) const {
    std::ofstream(folder_.path() / "new" / name, std::ios::binary) << content;
  }
  /// One round of a new process.
  void sweep() {
    asio::thread_pool files(1);
    BounceMaildir maildir(db(), office_.clock(), folder_.path(), ReturnPaths(kSecret), files, counting());
    sweep(maildir);
  }
  static void sweep(BounceMaildir& maildir) {
    asio::io_context io;
    auto done = asio::co_spawn(io, maildir.sweep(), asio::use_future);
    io.run();
    done.get();
  }
  std::vector<std::string> names(const char* part) const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(folder_.path() / part))
      out.push_back(entry.path().filename());
    std::ranges::sort(out);
    return out;
  }

  TemporaryDirectory folder_;
  ReturnPaths paths_{kSecret};
};
COUNTERSIGN_ON_EVERY_STORE(BounceMaildirTest);

TEST_P(BounceMaildirTest, AReportIsAppliedAndPutAside) {
  const MessageId id = sent();
  deliver("1", report(id));
  sweep();
  EXPECT_EQ(office_.message(id).delivery_status, DeliveryStatus::bounced);
  EXPECT_THAT(office_.events(id), ElementsAre("email.sent", "email.bounced"));
  EXPECT_THAT(names("new"), IsEmpty());
  EXPECT_THAT(names("cur"), ElementsAre("1:2,S"));
  EXPECT_THAT(outcomes_, ElementsAre("dsn applied"));
  office_.expect_sound();
}

TEST_P(BounceMaildirTest, AFailureAtAnyPointIsMadeGoodByTheNextRound) {
  for (const char* point :
       {"feedback.bounce_read", "outbox.feedback", "feedback.bounce_committed", "feedback.bounce_moved"}) {
    SCOPED_TRACE(point);
    const std::string reader = std::string(point) + "@elsewhere.example";
    const MessageId id = sent(reader);
    deliver(point, report(id, reader));
    fault::reset();
    fault::arm(point, 1, fault::Action::throw_error);
    try {
      sweep();
    } catch (const EnvironmentError&) {
      // the next round tries again
    }
    EXPECT_THAT(fault::passed(), Contains(point));
    sweep();
    EXPECT_EQ(office_.message(id).delivery_status, DeliveryStatus::bounced);
    EXPECT_THAT(names("new"), IsEmpty());
    const auto events = office_.events(id);
    EXPECT_EQ(std::ranges::count(events, "email.bounced"), 1);
    const auto lifecycle = office_.lifecycle(id);
    EXPECT_EQ(std::ranges::count(lifecycle, "delivery.permanent_bounce"), 1);
  }
  EXPECT_EQ(names("cur").size(), 4u);
  office_.expect_sound();
}

TEST_P(BounceMaildirTest, WhatCannotBeAppliedKeepsNothingElseWaiting) {
  const MessageId id = sent();
  deliver("1-letter", "Subject: hello\n\nHello.\n");
  deliver("2-empty", "");
  fs::create_symlink("/etc/hostname", folder_.path() / "new" / "3-link");
  fs::create_directory(folder_.path() / "new" / "4-folder");
  deliver("5-foreign", report(MessageId("msg_ffffffffffffffffffffffffffffffff")));
  deliver("6-large", report(id) + std::string(3'000'000, 'x'));
  sweep();
  EXPECT_EQ(office_.message(id).delivery_status, DeliveryStatus::bounced);
  EXPECT_THAT(names("new"), IsEmpty());
  EXPECT_THAT(outcomes_, ElementsAre("dsn no_report", "dsn no_report", "dsn unreadable", "dsn unreadable",
                                     "dsn ignored", "dsn applied"));
}

TEST_P(BounceMaildirTest, ARoundTakesABoundedNumberAndTheNextTheRest) {
  for (int i = 0; i < 250; ++i) deliver(fmt::format("{:03}", i), "no report");
  sweep();
  EXPECT_EQ(names("new").size(), 50u);
  EXPECT_THAT(names("cur"), Contains("000:2,S"));
  sweep();
  EXPECT_THAT(names("new"), IsEmpty());
}

TEST_P(BounceMaildirTest, WhatCannotBePutAsideIsReadOncePerProcess) {
  const MessageId id = sent();
  deliver("1", report(id));
  fs::remove(folder_.path() / "cur");
  std::ofstream(folder_.path() / "cur") << "in the way";
  asio::thread_pool files(1);
  BounceMaildir maildir(db(), office_.clock(), folder_.path(), ReturnPaths(kSecret), files, counting());
  sweep(maildir);
  sweep(maildir);
  EXPECT_THAT(names("new"), ElementsAre("1"));
  EXPECT_THAT(outcomes_, ElementsAre("dsn applied"));
  sweep();
  EXPECT_THAT(outcomes_, ElementsAre("dsn applied", "dsn repeated"));
}

TEST_P(BounceMaildirTest, AFolderThatDoesNotExistYetIsEmpty) {
  fs::remove_all(folder_.path() / "new");
  sweep();
  EXPECT_THAT(outcomes_, IsEmpty());
}

}  // namespace
}  // namespace countersign::test
