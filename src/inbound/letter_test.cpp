#include "inbound/letter.hpp"

#include <gmock/gmock.h>

namespace countersign::inbound {
namespace {

using testing::ElementsAre;

TEST(Glance, ReadsWhatStandsInTheHeader) {
  const Glance seen = glance(
      "Received: from a\r\n\tby b\r\nReceived: from c\r\nDelivered-To: Agent@Example.com\r\n"
      "Message-ID:\r\n <1@a.example>\r\n\r\nReceived: in the body\r\n");
  EXPECT_EQ(seen.hops, 2U);
  EXPECT_EQ(seen.message_id, "<1@a.example>");
  EXPECT_THAT(seen.delivered_to, ElementsAre("agent@example.com"));
}

TEST(Glance, EndsAtTheEmptyLineAlsoBeforeATextThatBeginsWithABlank) {
  const Glance seen = glance(
      "Subject: x\r\n\r\n Pasted:\r\nDelivered-To: agent@example.com\r\nReceived: from a\r\nMessage-ID: "
      "<2@b>\r\n");
  EXPECT_EQ(seen.hops, 0U);
  EXPECT_EQ(seen.message_id, "");
  EXPECT_THAT(seen.delivered_to, ElementsAre());
  EXPECT_EQ(glance("\r\nReceived: from a\r\n").hops, 0U);
}

}  // namespace
}  // namespace countersign::inbound
