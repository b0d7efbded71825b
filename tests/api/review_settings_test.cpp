// Who is told of holds, over the API: read, replaced as a whole, and only by the account.
#include "api/api_fixture.hpp"

namespace countersign::test {
namespace {

const std::string kAccount = "/v1/account/review-settings";
const std::string kAgent = kBotPath + "/review-settings";

class ReviewSettingsApiTest : public ApiTest {};
COUNTERSIGN_ON_EVERY_STORE(ReviewSettingsApiTest);

TEST_P(ReviewSettingsApiTest, NothingIsSaidAtFirst) {
  for (const std::string& path : {kAccount, kAgent}) {
    const Reply reply = get(path);
    EXPECT_THAT(reply, Answered(200));
    EXPECT_EQ(reply.body, R"({"mute":false,"digest_seconds":null,"reviewers":null,"on_unseen":null})");
  }
}

TEST_P(ReviewSettingsApiTest, WhatIsPutIsReadAndReplacedAsAWhole) {
  for (const std::string& path : {kAccount, kAgent}) {
    const std::string said =
        R"({"mute":true,"digest_seconds":1800,"reviewers":["desk@example.com"],"on_unseen":"approve"})";
    EXPECT_THAT(put(path, said), Answered(200));
    EXPECT_EQ(get(path).body, said);
    EXPECT_THAT(put(path, R"({"mute":false,"reviewers":[" Ann@Example.com "]})"), Answered(200));
    EXPECT_EQ(get(path).body,
              R"({"mute":false,"digest_seconds":null,"reviewers":["ann@example.com"],"on_unseen":null})");
  }
}

TEST_P(ReviewSettingsApiTest, AnAgentsMuteIsTheSuppressionOfItsProtection) {
  EXPECT_THAT(put(kAgent, R"({"mute":true})"), Answered(200));
  EXPECT_THAT(get(kBotPath + "/protection").body, testing::HasSubstr(R"("suppress_notifications":true)"));
}

TEST_P(ReviewSettingsApiTest, WhatIsNoSettingIsRefused) {
  for (const char* wrong : {R"({})", R"({"mute":1})", R"({"mute":false,"digest_seconds":-1})",
                            R"({"mute":false,"digest_seconds":86401})",
                            R"({"mute":false,"on_unseen":"never"})", R"({"mute":false,"more":1})"}) {
    EXPECT_THAT(put(kAccount, wrong), Refused(422, "invalid_request")) << wrong;
  }
  for (const char* wrong : {R"({"mute":false,"reviewers":["nobody"]})",
                            R"({"mute":false,"reviewers":["a@b.example\r\nBcc: c@d.example"]})",
                            R"({"mute":false,"reviewers":["Ann <ann@example.com>"]})"}) {
    EXPECT_THAT(put(kAccount, wrong), Refused(400, "invalid_recipient")) << wrong;
  }
}

TEST_P(ReviewSettingsApiTest, AnotherAccountsAgentDoesNotExist) {
  EXPECT_THAT(ask({"GET", kAgent, "", eve_, {}}), Refused(404, "not_found"));
  EXPECT_THAT(ask({"PUT", kAgent, R"({"mute":true})", eve_, {}}), Refused(404, "not_found"));
}

}  // namespace
}  // namespace countersign::test
