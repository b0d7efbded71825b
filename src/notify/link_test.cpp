// Links of reviewers' mails: who can make one, and what is refused.
#include "notify/link.hpp"

#include <gtest/gtest.h>

namespace countersign::notify {
namespace {

constexpr std::string_view kSecret = "a deployment's secret of 32 bytes or more";
constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";

LinkClaims claims(LinkAction action = LinkAction::approve) {
  return {MessageId("msg_0123456789abcdef0123456789abcdef"), action, from_us(1'800'000'000'000'000), 3};
}

TEST(LinkTest, SaysWhatItWasMadeFor) {
  const Links links(kSecret);
  for (const LinkAction action : {LinkAction::approve, LinkAction::reject}) {
    const std::string token = links.make(claims(action), kKey);
    EXPECT_EQ(Links::read(token), claims(action));
    EXPECT_TRUE(links.proven(token, kKey));
  }
}

TEST(LinkTest, IsTheSameEachTimeItIsMade) {
  EXPECT_EQ(Links(kSecret).make(claims(), kKey), Links(kSecret).make(claims(), kKey));
}

TEST(LinkTest, ProvesNothingUnderAnotherSecretOrForAnotherMail) {
  const std::string token = Links(kSecret).make(claims(), kKey);
  EXPECT_FALSE(Links("another secret of another deployment").proven(token, kKey));
  EXPECT_FALSE(Links(kSecret).proven(token, "another mail"));
}

TEST(LinkTest, ProvesNothingWhenAnyCharacterIsChanged) {
  const Links links(kSecret);
  const std::string token = links.make(claims(), kKey);
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(links.proven(changed, kKey) && Links::read(changed)) << i;
  }
}

TEST(LinkTest, AnApprovalCannotBeTurnedIntoARejection) {
  const Links links(kSecret);
  const std::string approve = links.make(claims(LinkAction::approve), kKey);
  const std::string reject = links.make(claims(LinkAction::reject), kKey);
  const std::string mixed = reject.substr(0, reject.find('.')) + approve.substr(approve.find('.'));
  EXPECT_FALSE(links.proven(mixed, kKey));
}

TEST(LinkTest, IsNotReadWhenItIsMalformed) {
  const auto of = [](std::string_view payload) { return base64url_encode(payload) + ".AAAA"; };
  EXPECT_TRUE(Links::read(of("msg_1|approve|1800000000|1")));
  for (const std::string& token :
       {std::string(), std::string("."), std::string("a.b.c"), std::string("%%%.AAAA"), of(""), of("msg_1"),
        of("msg_1|approve|1800000000"), of("msg_1|delete|1800000000|1"), of("msg_1|approve|-5|1"),
        of("msg_1|approve|1800000000|x"), of("msg_1|approve|99999999999999|1"),
        of("evt_1|approve|1800000000|1"), of("msg_1|approve|1800000000|1|2"), std::string(100'000, 'a')}) {
    EXPECT_FALSE(Links::read(token)) << token.substr(0, 80);
  }
}

}  // namespace
}  // namespace countersign::notify
