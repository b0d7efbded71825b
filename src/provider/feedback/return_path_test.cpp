#include "provider/feedback/return_path.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

#include "mail/address.hpp"

namespace countersign::provider::feedback {
namespace {

const MessageId kMessage("msg_0192f0c1d2e30123456789abcdefff00");
constexpr std::string_view kOwn = "bounces@bounce.example.org";
constexpr std::string_view kRelay = "agent@relay.example.com";

class ReturnPath : public ::testing::Test {
 protected:
  ReturnPaths paths_{"a secret of the deployment, 32 bytes or more"};
};

TEST_F(ReturnPath, NamesTheMessageAndKeepsTheSenderRecognisable) {
  for (const std::string_view sender : {kOwn, kRelay}) {
    const std::string path = paths_.make(sender, kMessage);
    const auto at = sender.find('@');
    EXPECT_TRUE(path.starts_with(std::string(sender.substr(0, at)) + "+")) << path;
    EXPECT_TRUE(path.ends_with(sender.substr(at))) << path;
    EXPECT_LE(path.find('@'), 64u);
    EXPECT_TRUE(mail::parse_mailbox(path).has_value());
    EXPECT_EQ(paths_.message_of(path), kMessage);
  }
}

TEST_F(ReturnPath, IsTheSameForEveryAttempt) {
  EXPECT_EQ(paths_.make(kOwn, kMessage), paths_.make(kOwn, kMessage));
}

TEST_F(ReturnPath, SurvivesServersThatChangeTheCase) {
  std::string path = paths_.make(kOwn, kMessage);
  std::ranges::transform(path, path.begin(), [](unsigned char c) { return std::toupper(c); });
  EXPECT_EQ(paths_.message_of(path), kMessage);
}

TEST_F(ReturnPath, EveryOtherTokenIsForged) {
  const std::string path = paths_.make(kOwn, kMessage);
  const std::size_t begin = path.find('+') + 1;
  const std::size_t end = path.find('@');
  for (std::size_t i = begin; i < end; ++i) {
    for (const char other : {'a', 'b', 'z', '2', '7', '0', '=', '+'}) {
      if (path[i] == other) continue;
      std::string forged = path;
      forged[i] = other;
      EXPECT_EQ(paths_.message_of(forged), std::nullopt) << forged;
    }
  }
  EXPECT_EQ(paths_.message_of(path.substr(0, end - 1) + path.substr(end)), std::nullopt);
}

TEST_F(ReturnPath, AnotherDeploymentsTokenIsForged) {
  const ReturnPaths others("another secret of another deployment, also long");
  EXPECT_EQ(paths_.message_of(others.make(kOwn, kMessage)), std::nullopt);
}

TEST_F(ReturnPath, AddressesWithoutATokenNameNothing) {
  for (const char* address :
       {"", "@", "+", "+@x", "bounces@bounce.example.org", "bounces+x@bounce.example.org"}) {
    EXPECT_EQ(paths_.message_of(address), std::nullopt) << address;
  }
}

TEST_F(ReturnPath, ASenderThatHasNoRoomForATokenStaysAsItIs) {
  for (const std::string& sender :
       {std::string(""), std::string("no-domain"), std::string(30, 'a') + "@example.org",
        std::string("a+b@example.org"), std::string("\"q\"@example.org")}) {
    EXPECT_EQ(paths_.make(sender, kMessage), sender);
  }
  EXPECT_EQ(paths_.make(kOwn, MessageId("msg_short")), kOwn);
  EXPECT_EQ(paths_.make(kOwn, MessageId("msg_0192F0C1D2E30123456789ABCDEFFF00")), kOwn);
}

}  // namespace
}  // namespace countersign::provider::feedback
