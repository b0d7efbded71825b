// Golden transcripts: what is said on the wire, and what is made of the answers.
#include "provider/smtp/relay_fixture.hpp"

namespace countersign::provider::smtp::test {
namespace {

TEST(Dialogue, SendsTheEnvelopeInOneFlightWhenPipeliningIsOffered) {
  ScriptedSmtpServer server({Script{}});
  Client client(plain_options(server));
  CountingFence fence;
  const Reply reply = client.send(message_to({"b@x.example", "c@x.example"}), fence.fence());
  EXPECT_EQ(reply.verdict, Verdict::accepted);
  EXPECT_EQ(reply.phase, Phase::final_dot);
  EXPECT_EQ(reply.code, 250);
  EXPECT_EQ(reply.enhanced, "2.0.0");
  EXPECT_EQ(reply.text, "Ok: queued as TEST1");
  EXPECT_EQ(reply.provider_message_id, "TEST1");
  EXPECT_TRUE(reply.fence_passed);
  EXPECT_EQ(fence.asked(), 1);
  client.drain();
  ASSERT_TRUE(server.wait_for_ended(1));
  EXPECT_EQ(server.transcript(0), R"(S: 220 relay.test ESMTP
C: EHLO client.test
S: 250-relay.test
S: 250-PIPELINING
S: 250-SIZE 10485760
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250 ENHANCEDSTATUSCODES
C: MAIL FROM:<agent@here.example> SIZE=21
C: RCPT TO:<b@x.example>
C: RCPT TO:<c@x.example>
C: DATA
S: 250 2.1.0 Ok
S: 250 2.1.5 Ok
S: 250 2.1.5 Ok
S: 354 End data with <CR><LF>.<CR><LF>
C: [content, 21 octets]
C: .
S: 250 2.0.0 Ok: queued as TEST1
C: QUIT
S: 221 2.0.0 Bye
-- closed by the server --
)");
}

TEST(Dialogue, WaitsForEachAnswerWithoutPipelining) {
  Script script;
  script.extensions = {};
  ScriptedSmtpServer server({script});
  Client client(plain_options(server));
  EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
  client.drain();
  ASSERT_TRUE(server.wait_for_ended(1));
  EXPECT_EQ(server.transcript(0), R"(S: 220 relay.test ESMTP
C: EHLO client.test
S: 250 relay.test
C: MAIL FROM:<agent@here.example>
S: 250 2.1.0 Ok
C: RCPT TO:<b@x.example>
S: 250 2.1.5 Ok
C: DATA
S: 354 End data with <CR><LF>.<CR><LF>
C: [content, 21 octets]
C: .
S: 250 2.0.0 Ok: queued as TEST1
C: QUIT
S: 221 2.0.0 Bye
-- closed by the server --
)");
}

TEST(Dialogue, FallsBackToHeloWhenEhloIsNotUnderstood) {
  Script script;
  script.replies["EHLO"] = {"502 5.5.1 what?"};
  ScriptedSmtpServer server({script});
  Client client(plain_options(server));
  EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
  client.drain();
  ASSERT_TRUE(server.wait_for_ended(1));
  EXPECT_THAT(server.transcript(0), testing::HasSubstr("C: HELO client.test\nS: 250 relay.test\nC: MAIL"));
}

TEST(Dialogue, OneRefusedRecipientDoesNotFailTheOthers) {
  for (const bool pipelining : {true, false}) {
    Script script;
    if (!pipelining) script.extensions = {};
    script.replies["RCPT TO:<gone@x.example>"] = {"550 5.1.1 no such user"};
    script.replies["RCPT TO:<busy@x.example>"] = {"450 4.2.1 mailbox busy"};
    ScriptedSmtpServer server({script});
    Client client(plain_options(server));
    const Reply reply = client.send_to({"gone@x.example", "b@x.example", "busy@x.example"});
    EXPECT_EQ(reply.verdict, Verdict::accepted);
    ASSERT_EQ(reply.recipients.size(), 2U);
    EXPECT_EQ(reply.recipients[0].address, "gone@x.example");
    EXPECT_EQ(reply.recipients[0].verdict, Verdict::refused);
    EXPECT_EQ(reply.recipients[0].code, 550);
    EXPECT_EQ(reply.recipients[0].enhanced, "5.1.1");
    EXPECT_EQ(reply.recipients[0].text, "no such user");
    EXPECT_EQ(reply.recipients[1].address, "busy@x.example");
    EXPECT_EQ(reply.recipients[1].verdict, Verdict::deferred);
    ASSERT_EQ(server.messages().size(), 1U);
    EXPECT_THAT(server.messages()[0].rcpt_to, testing::ElementsAre("RCPT TO:<b@x.example>"));
  }
}

TEST(Dialogue, WithAllRecipientsRefusedNothingIsHandedOverAndTheConnectionStaysUsable) {
  for (const bool pipelining : {true, false}) {
    Script script;
    if (!pipelining) script.extensions = {};
    script.replies["RCPT TO:<gone@x.example>"] = {"550 5.1.1 no such user"};
    ScriptedSmtpServer server({script});
    Client client(plain_options(server));
    CountingFence fence;
    const Reply reply = client.send(message_to({"gone@x.example"}), fence.fence());
    EXPECT_EQ(reply.verdict, Verdict::refused);
    EXPECT_EQ(reply.scope, Scope::recipient);
    EXPECT_EQ(reply.phase, Phase::rcpt);
    EXPECT_EQ(reply.code, 550);
    EXPECT_FALSE(reply.fence_passed);
    EXPECT_EQ(fence.asked(), 0);
    EXPECT_FALSE(server.saw_final_dot());
    EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
    EXPECT_EQ(server.connections(), 1U);
    EXPECT_THAT(server.transcript(0), testing::HasSubstr("C: RSET\nS: 250 2.0.0 Ok\nC: MAIL"));
  }
}

// RFC 2920 §3.1: some servers answer DATA with 354 although there is no recipient.
TEST(Dialogue, EndsAnEmptyDataThatARelayOpensWithoutRecipients) {
  Script script;
  script.replies["RCPT TO:<gone@x.example>"] = {"550 5.1.1 no such user"};
  script.replies["DATA"] = {"354 go ahead anyway"};
  script.replies["."] = {"554 5.5.1 no valid recipients", "250 2.0.0 Ok"};
  ScriptedSmtpServer server({script});
  Client client(plain_options(server));
  CountingFence fence;
  const Reply reply = client.send(message_to({"gone@x.example"}), fence.fence());
  EXPECT_EQ(reply.verdict, Verdict::refused);
  EXPECT_EQ(reply.phase, Phase::rcpt);
  EXPECT_EQ(fence.asked(), 0);
  EXPECT_THAT(server.transcript(0), testing::HasSubstr("C: [content, 0 octets]\nC: .\nS: 554"));
  EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
  EXPECT_EQ(server.connections(), 1U);
}

TEST(Dialogue, ARefusedSenderIsTheMessagesRefusalInBothModes) {
  for (const bool pipelining : {true, false}) {
    Script script;
    if (!pipelining) script.extensions = {};
    script.replies["MAIL"] = {"550 5.7.1 not you", "250 2.1.0 Ok"};
    ScriptedSmtpServer server({script});
    Client client(plain_options(server));
    const Reply reply = client.send_to({"b@x.example"});
    EXPECT_EQ(reply.verdict, Verdict::refused);
    EXPECT_EQ(reply.scope, Scope::message);
    EXPECT_EQ(reply.phase, Phase::mail);
    EXPECT_EQ(reply.text, "not you");
    EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
    EXPECT_EQ(server.connections(), 1U);
  }
}

TEST(Dialogue, MoreRecipientsThanOneFlightHoldsAreAllAskedFor) {
  Script script;
  script.replies["RCPT TO:<r120@x.example>"] = {"550 5.1.1 no such user"};
  ScriptedSmtpServer server({script});
  Client client(plain_options(server));
  std::vector<std::string> recipients;
  for (int i = 0; i < 130; ++i) recipients.push_back("r" + std::to_string(i) + "@x.example");
  const Reply reply = client.send_to(recipients);
  EXPECT_EQ(reply.verdict, Verdict::accepted);
  ASSERT_EQ(reply.recipients.size(), 1U);
  EXPECT_EQ(reply.recipients[0].address, "r120@x.example");
  ASSERT_EQ(server.messages().size(), 1U);
  EXPECT_EQ(server.messages()[0].rcpt_to.size(), 129U);
}

TEST(Dialogue, ARefusedSenderOfSeveralFlightsIsNotFollowedByTheSecondOne) {
  Script script;
  script.replies["MAIL"] = {"451 4.3.0 later"};
  ScriptedSmtpServer server({script});
  Client client(plain_options(server));
  std::vector<std::string> recipients;
  for (int i = 0; i < 60; ++i) recipients.push_back("r" + std::to_string(i) + "@x.example");
  const Reply reply = client.send_to(recipients);
  EXPECT_EQ(reply.verdict, Verdict::deferred);
  EXPECT_EQ(reply.phase, Phase::mail);
  EXPECT_TRUE(reply.recipients.empty());
  EXPECT_THAT(server.transcript(0), testing::Not(testing::HasSubstr("r55@x.example")));
}

TEST(Dialogue, DeclaresEightBitContentAndAddresses) {
  ScriptedSmtpServer server({Script{}});
  Client client(plain_options(server));
  const Reply reply = client.send(message_to({"gr\xc3\xbc\xc3\x9f"
                                              "e@x.example"},
                                             "Subject: x\r\n\r\n\xc3\xbc\r\n"));
  EXPECT_EQ(reply.verdict, Verdict::accepted);
  ASSERT_EQ(server.messages().size(), 1U);
  EXPECT_EQ(server.messages()[0].mail_from, "MAIL FROM:<agent@here.example> SIZE=18 BODY=8BITMIME SMTPUTF8");
  EXPECT_EQ(server.messages()[0].content, "Subject: x\r\n\r\n\xc3\xbc\r\n");
}

TEST(Dialogue, RefusesForGoodWhatTheRelayCannotCarry) {
  Script script;
  script.extensions = {"SIZE 100"};
  ScriptedSmtpServer server({script});
  Client client(plain_options(server));
  const Reply unicode =
      client.send_to({"gr\xc3\xbc\xc3\x9f"
                      "e@x.example"});
  EXPECT_EQ(unicode.verdict, Verdict::refused);
  EXPECT_EQ(unicode.enhanced, "5.6.7");
  const Reply eight_bit = client.send(message_to({"b@x.example"}, "\xc3\xbc\r\n"));
  EXPECT_EQ(eight_bit.verdict, Verdict::refused);
  EXPECT_EQ(eight_bit.enhanced, "5.6.3");
  const Reply large = client.send(message_to({"b@x.example"}, std::string(101, 'x')));
  EXPECT_EQ(large.verdict, Verdict::refused);
  EXPECT_EQ(large.enhanced, "5.3.4");
  EXPECT_THAT(large.text, testing::HasSubstr("103 octets, and the relay takes at most 100"));
  EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
  EXPECT_EQ(server.connections(), 1U);
}

TEST(Dialogue, AddressesThatCouldCarryACommandNeverReachTheWire) {
  ScriptedSmtpServer server({Script{}});
  Client client(plain_options(server));
  const std::string evil = "a@x.example>\r\nRCPT TO:<evil@x.example";
  const Reply reply = client.send_to({evil, "b@x.example"});
  EXPECT_EQ(reply.verdict, Verdict::accepted);
  ASSERT_EQ(reply.recipients.size(), 1U);
  EXPECT_EQ(reply.recipients[0].address, evil);
  EXPECT_EQ(reply.recipients[0].verdict, Verdict::refused);
  const Reply alone = client.send_to({evil});
  EXPECT_EQ(alone.verdict, Verdict::refused);
  EXPECT_EQ(alone.phase, Phase::rcpt);
  HandOver from = message_to({"b@x.example"});
  from.envelope_from = evil;
  EXPECT_EQ(client.send(std::move(from)).verdict, Verdict::refused);
  client.drain();
  ASSERT_TRUE(server.wait_for_ended(1));
  EXPECT_THAT(server.transcript(0), testing::Not(testing::HasSubstr("evil")));
  EXPECT_EQ(server.messages().size(), 1U);
}

TEST(Dialogue, TheContentArrivesAsItWas) {
  ScriptedSmtpServer server({Script{}});
  Client client(plain_options(server));
  std::string large = "Subject: large\r\n\r\n";
  while (large.size() < 300'000) large += ".line with a dot\r\n..\r\n.\r\n";
  for (const std::string& raw : {std::string(".\r\n"), std::string("\r\n.\r\n\r\n..x\r\n"), large}) {
    EXPECT_EQ(client.send(message_to({"b@x.example"}, raw)).verdict, Verdict::accepted);
    EXPECT_EQ(server.messages().back().content, raw);
  }
  EXPECT_EQ(client.send(message_to({"b@x.example"}, "no end")).verdict, Verdict::accepted);
  EXPECT_EQ(server.messages().back().content, "no end\r\n");
  // Dots at every place around the border between two blocks.
  for (std::size_t before = 65'530; before < 65'540; ++before) {
    const std::string raw = std::string(before, 'x') + "\r\n.\r\n..\r\n";
    EXPECT_EQ(client.send(message_to({"b@x.example"}, raw)).verdict, Verdict::accepted);
    EXPECT_EQ(server.messages().back().content, raw);
  }
}

TEST(Ses, GetsOurIdsAndItsConfigurationSetInFieldsOfItsOwn) {
  Script script;
  script.replies["."] = {"250 Ok 0107018f3a1b2c3d-11111111-2222-3333-4444-555555555555-000000"};
  ScriptedSmtpServer server({script});
  RelayOptions options = plain_options(server);
  options.ses_configuration_set = "events";
  Client client(options);
  EXPECT_EQ(client.transport().transport_class(), TransportClass::evidence);
  const Reply reply = client.send_to({"b@x.example"});
  EXPECT_EQ(reply.verdict, Verdict::accepted);
  EXPECT_EQ(reply.provider_message_id, "0107018f3a1b2c3d-11111111-2222-3333-4444-555555555555-000000");
  EXPECT_EQ(server.messages().front().content,
            "X-SES-CONFIGURATION-SET: events\r\n"
            "X-SES-MESSAGE-TAGS: countersign-message=msg_1,\r\n countersign-submission=sub_1\r\n"
            "Subject: hi\r\n\r\nText\r\n");
}

TEST(Ses, IsNotMeantWhenItIsNotSaid) {
  ScriptedSmtpServer server({Script{}});
  Client client(plain_options(server));
  EXPECT_EQ(client.transport().transport_class(), TransportClass::plain);
  EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
  EXPECT_EQ(server.messages().front().content, "Subject: hi\r\n\r\nText\r\n");
}

}  // namespace
}  // namespace countersign::provider::smtp::test
