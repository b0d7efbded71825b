// Two reviewers who decide about one message at the same moment, each in a browser of their own: one decision
// stands, and the other page is told which.
#include <gmock/gmock.h>

#include "flows/console_fixture.hpp"

namespace countersign::test {
namespace {

namespace json = boost::json;

constexpr int kRounds = 15;

/// What a reviewer does, and how others are told of it.
struct Deed {
  std::string_view call;  // below /console/api
  std::string body;
  std::string_view as;
  bool edited = false;
};

class ConsoleRaceTest : public ReviewerFixture {
 protected:
  /// `number` says which of the two it is.
  static std::vector<Deed> deeds_of(int number) {
    return {
        {"/reviews/{}/approve", R"({"undo_seconds":10})", "approved"},
        {"/reviews/{}/approve", fmt::format(R"({{"subject":"Corrected by {}"}})", number), "approved", true},
        {"/v1/reviews/{}/approve", "{}", "approved"},
        {"/v1/reviews/{}/reject", fmt::format(R"({{"reason":"{} says no"}})", number), "rejected"}};
  }
  net::Request request_of(const Deed& deed, const MessageId& id, const Browser& browser) const {
    const std::string path = "/console/api" + fmt::format(fmt::runtime(deed.call), id.str());
    net::Request request = page_request("POST", path, browser, deed.body);
    if (deed.as == "approved") request.headers.add("If-Match", "\"1\"");
    return request;
  }
  void expect_told(const net::Response& late, const Deed& winner) {
    const json::object refusal = json_of(late, 409).at("error").as_object();
    EXPECT_EQ(text(refusal.at("code")), "message_not_pending");
    const json::object& decision = refusal.at("details").at("decision").as_object();
    EXPECT_EQ(text(decision.at("as")), winner.as);
    EXPECT_EQ(text(decision.at("by")), kOwner);
    EXPECT_EQ(decision.at("edited"), winner.edited);
    if (winner.as == "rejected") {
      EXPECT_THAT(winner.body, testing::HasSubstr(text(decision.at("reason"))));
    }
  }
  /// What is stored and queued is the winner's, and nothing of the other's.
  void expect_stands(const MessageId& id, const Deed& winner) {
    const mailbox::Message message = office_.message(id);
    EXPECT_EQ(message.review_status, winner.as == "approved" ? mailbox::ReviewStatus::review_approved
                                                             : mailbox::ReviewStatus::review_rejected);
    EXPECT_EQ(office_.attempts(id).size(), winner.as == "approved" ? 1U : 0U);
    if (winner.edited) {
      EXPECT_THAT(winner.body, testing::HasSubstr(message.subject));
    } else {
      EXPECT_EQ(message.subject, "Figures");
    }
  }
};
COUNTERSIGN_ON_EVERY_STORE(ConsoleRaceTest);

TEST_P(ConsoleRaceTest, OneDecisionStandsAndTheOtherReviewerIsToldWhich) {
  const Browser browsers[] = {sign_in(kOwner), sign_in(kOwner)};
  for (const Deed& first : deeds_of(1)) {
    for (const Deed& second : deeds_of(2)) {
      for (int round = 0; round < kRounds; ++round) {
        SCOPED_TRACE(fmt::format("{} {} against {} {}, round {}", first.call, first.body, second.call,
                                 second.body, round));
        const MessageId id = hold();
        const std::vector<net::Response> answers =
            ask_at_once({request_of(first, id, browsers[0]), request_of(second, id, browsers[1])});
        const bool first_won = answers[0].status < 300;
        ASSERT_NE(first_won, answers[1].status < 300) << answers[0].body << answers[1].body;
        const Deed& winner = first_won ? first : second;
        expect_told(answers[first_won ? 1 : 0], winner);
        expect_stands(id, winner);
        office_.pass(std::chrono::seconds(2));  // more than 60 a minute are refused
      }
    }
  }
  office_.expect_sound();
}

}  // namespace
}  // namespace countersign::test
