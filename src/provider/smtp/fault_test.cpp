// What is known when things go wrong: at every step, before the fence and after it.
#include "base/fault.hpp"

#include <stdexcept>

#include "provider/smtp/relay_fixture.hpp"
#include "support/test_certificates.hpp"

namespace countersign::provider::smtp::test {
namespace {

constexpr std::chrono::milliseconds kShort{60};

struct Step {
  std::string name;  // in the script
  Phase phase;
};

// Every step before the fence at which the relay has the word.
std::vector<Step> steps_before_the_fence() {
  return {{"greeting", Phase::greeting},
          {"EHLO", Phase::hello},
          {"MAIL", Phase::mail},
          {"RCPT", Phase::rcpt},
          {"DATA", Phase::data}};
}

Script with(const std::string& step, std::vector<countersign::test::Say> says, bool pipelining = true) {
  Script script;
  if (!pipelining) script.extensions = {};
  script.replies[step] = std::move(says);
  return script;
}

TEST(Faults, A421AtAnyStepIsTheSessionsFaultAndCostsNoAttempt) {
  for (const bool pipelining : {true, false}) {
    for (const Step& step : steps_before_the_fence()) {
      ScriptedSmtpServer server({with(step.name, {say_and_close("421 4.3.2 closing")}, pipelining)});
      Client client(plain_options(server));
      CountingFence fence;
      const Reply reply = client.send(message_to({"b@x.example", "c@x.example"}), fence.fence());
      EXPECT_EQ(reply.verdict, Verdict::session_fault) << step.name;
      EXPECT_EQ(reply.scope, Scope::session) << step.name;
      EXPECT_EQ(reply.phase, step.phase) << step.name;
      EXPECT_EQ(reply.code, 421) << step.name;
      EXPECT_EQ(reply.text, "closing") << step.name;
      EXPECT_TRUE(reply.recipients.empty()) << step.name;
      EXPECT_FALSE(reply.fence_passed) << step.name;
      EXPECT_EQ(fence.asked(), 0) << step.name;
    }
  }
}

TEST(Faults, AConnectionCutBeforeTheFenceIsTheSessionsFault) {
  for (const bool pipelining : {true, false}) {
    for (const Step& step : steps_before_the_fence()) {
      for (const auto& cut : {say_and_close(), say_and_reset(), say_and_close("250-half of an ans")}) {
        ScriptedSmtpServer server({with(step.name, {cut}, pipelining)});
        Client client(plain_options(server));
        CountingFence fence;
        const Reply reply = client.send(message_to({"b@x.example"}), fence.fence());
        EXPECT_EQ(reply.verdict, Verdict::session_fault) << step.name;
        EXPECT_EQ(reply.code, 0) << step.name;
        EXPECT_THAT(reply.text,
                    testing::AnyOf(testing::HasSubstr(" while "), testing::HasSubstr("cannot connect")))
            << step.name;
        EXPECT_EQ(fence.asked(), 0) << step.name;
      }
    }
  }
}

TEST(Faults, ASilentRelayIsGivenUpAtTheDeadlineOfThePhase) {
  for (const bool pipelining : {true, false}) {
    for (const Step& step : steps_before_the_fence()) {
      ScriptedSmtpServer server({with(step.name, {say_and_hold()}, pipelining)});
      RelayOptions options = plain_options(server);
      switch (step.phase) {
        case Phase::greeting:
          options.deadlines.greeting = kShort;
          break;
        case Phase::hello:
          options.deadlines.hello = kShort;
          break;
        case Phase::mail:
          options.deadlines.mail = kShort;
          break;
        case Phase::rcpt:
          options.deadlines.rcpt = kShort;
          break;
        default:
          options.deadlines.data = kShort;
          break;
      }
      Client client(options);
      const Reply reply = client.send_to({"b@x.example"});
      EXPECT_EQ(reply.verdict, Verdict::session_fault) << step.name;
      EXPECT_EQ(reply.phase, step.phase) << step.name;
      EXPECT_THAT(reply.text, testing::HasSubstr("deadline exceeded while ")) << step.name;
      EXPECT_TRUE(server.wait_for_ended(1)) << "the connection is given up too";
    }
  }
}

TEST(Faults, AnAnswerThatDripsInIsHeldToOneDeadlineAsAWhole) {
  ScriptedSmtpServer server({with("greeting", {say_and_hold("220-a\r\n220-b")})});
  RelayOptions options = plain_options(server);
  options.deadlines.greeting = kShort;
  Client client(options);
  EXPECT_THAT(client.send_to({"b@x.example"}).text, testing::HasSubstr("deadline exceeded"));
}

TEST(Faults, WhatIsNoSmtpIsTheSessionsFault) {
  const std::string endless(5000, 'x');
  std::string many;
  for (int i = 0; i < 200; ++i) many += "250-x\r\n";
  for (const std::string& nonsense : {std::string("SSH-2.0-OpenSSH_9.2"), "250 " + endless, many + "250 x"}) {
    for (const Step& step : steps_before_the_fence()) {
      ScriptedSmtpServer server({with(step.name, {nonsense})});
      Client client(plain_options(server));
      EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::session_fault) << step.name;
    }
  }
}

TEST(Faults, ARefusedConnectionAndAnUnknownHostAreTheSessionsFault) {
  RelayOptions options;
  {
    ScriptedSmtpServer server({Script{}});
    options = plain_options(server);
  }
  Client refused(options);
  const Reply reply = refused.send_to({"b@x.example"});
  EXPECT_EQ(reply.verdict, Verdict::session_fault);
  EXPECT_EQ(reply.phase, Phase::connect);
  EXPECT_THAT(reply.text, testing::HasSubstr("cannot connect to 127.0.0.1: Connection refused"));
  options.host = "256.256.256.256.invalid";
  Client unknown(options);
  EXPECT_THAT(unknown.send_to({"b@x.example"}).text,
              testing::HasSubstr("cannot resolve 256.256.256.256.invalid"));
}

TEST(Faults, AConnectionCutInsideTheContentCostsAnAttemptButIsSafe) {
  Script script;
  script.in_content = {{0, say_and_reset()}};
  ScriptedSmtpServer server({script});
  Client client(plain_options(server));
  CountingFence fence;
  std::string raw;
  for (int i = 0; i < 60'000; ++i)
    raw += "a line of content that fills buffers on both sides of the wire\r\n";
  const Reply reply = client.send(message_to({"b@x.example"}, raw), fence.fence());
  EXPECT_EQ(reply.verdict, Verdict::deferred);
  EXPECT_EQ(reply.phase, Phase::body);
  EXPECT_EQ(fence.asked(), 0);
}

TEST(Faults, AReasonGivenInsideTheContentIsHeard) {
  Script script;
  script.in_content = {{0, say_and_close("552 5.3.4 too much")}};
  ScriptedSmtpServer server({script});
  Client client(plain_options(server));
  std::string raw;
  for (int i = 0; i < 60'000; ++i)
    raw += "a line of content that fills buffers on both sides of the wire\r\n";
  const Reply reply = client.send(message_to({"b@x.example"}, raw));
  EXPECT_EQ(reply.verdict, Verdict::refused);
  EXPECT_EQ(reply.code, 552);
  EXPECT_EQ(reply.text, "too much");
}

// How a relay breaks off when it has read all of a short message but the final dot, and what comes of it.
struct BreakOff {
  countersign::test::Say say;
  Verdict verdict;
  int code;
};

std::vector<BreakOff> break_offs() {
  return {{say_and_close(), Verdict::deferred, 0},
          {say_and_reset(), Verdict::deferred, 0},
          {say_and_close("451 4.7.1 try later"), Verdict::deferred, 451},
          {say_and_close("554 5.7.1 not this"), Verdict::refused, 554},
          {say_and_close("421 4.3.2 closing"), Verdict::session_fault, 421},
          {say_and_close("250 2.0.0 taken"), Verdict::session_fault, 250},
          {say_and_close("250-half of an ans"), Verdict::deferred, 0}};
}

TEST(Faults, ARelayThatBreaksOffBeforeTheFinalDotIsNoticedBeforeTheFence) {
  const countersign::test::TestCertificates certificates("127.0.0.1");
  for (const bool tls : {false, true}) {
    for (const BreakOff& c : break_offs()) {
      Script script;
      script.implicit_tls = tls;
      script.in_content = {{1, c.say}};
      ScriptedSmtpServer server({script}, certificates.certificate_file(), certificates.key_file());
      RelayOptions options = plain_options(server);
      if (tls) {
        options.tls = TlsMode::implicit;
        options.tls_ca_file = certificates.ca_file();
      }
      Client client(options);
      CountingFence fence;
      fault::arm("smtp.content_sent", 1, fault::Action::call,
                 [&] { EXPECT_TRUE(server.wait_for_ended(1)) << "it has broken off"; });
      const Reply reply = client.send(message_to({"b@x.example"}), fence.fence());
      fault::reset();
      EXPECT_EQ(reply.verdict, c.verdict) << c.say.text << tls;
      EXPECT_EQ(reply.phase, Phase::body) << c.say.text << tls;
      EXPECT_EQ(reply.code, c.code) << c.say.text << tls;
      EXPECT_FALSE(reply.fence_passed) << c.say.text << tls;
      EXPECT_EQ(fence.asked(), 0) << c.say.text << tls;
      EXPECT_FALSE(server.saw_final_dot());
    }
  }
}

TEST(Faults, ARelayThatTakesNoContentIsGivenUpAtTheDeadlineOfABlock) {
  Script script;
  script.extensions = {"PIPELINING"};
  script.replies["DATA"] = {say_and_stall("354 go ahead")};
  ScriptedSmtpServer server({script});
  RelayOptions options = plain_options(server);
  options.deadlines.data_block = kShort;
  Client client(options);
  CountingFence fence;
  const std::string more_than_buffers_hold(20'000'000, 'x');
  HandOver message = message_to({"b@x.example"}, more_than_buffers_hold);
  const Reply reply = client.send(std::move(message), fence.fence());
  EXPECT_EQ(reply.verdict, Verdict::deferred);
  EXPECT_EQ(reply.phase, Phase::body);
  EXPECT_THAT(reply.text, testing::HasSubstr("deadline exceeded while sending the content"));
  EXPECT_EQ(fence.asked(), 0);
}

TEST(Faults, AnAnswerAheadOfItsQuestionIsNotTakenForAnAcceptance) {
  ScriptedSmtpServer server({with("DATA", {"354 go ahead\r\n250 2.0.0 already accepted"})});
  Client client(plain_options(server));
  CountingFence fence;
  const Reply reply = client.send(message_to({"b@x.example"}), fence.fence());
  EXPECT_EQ(reply.verdict, Verdict::session_fault);
  EXPECT_EQ(fence.asked(), 0);
}

TEST(AfterTheFence, ADefiniteAnswerCountsWhateverItIs) {
  struct Case {
    std::string answer;
    Verdict verdict;
    Scope scope;
  };
  for (const Case& c : std::vector<Case>{{"250 2.0.0 Ok", Verdict::accepted, Scope::message},
                                         {"451 4.3.0 try later", Verdict::deferred, Scope::message},
                                         {"554 5.7.1 spam", Verdict::refused, Scope::message},
                                         {"421 4.3.2 closing", Verdict::session_fault, Scope::session}}) {
    ScriptedSmtpServer server({with(".", {c.answer})});
    Client client(plain_options(server));
    const Reply reply = client.send_to({"b@x.example"});
    EXPECT_EQ(reply.verdict, c.verdict) << c.answer;
    EXPECT_EQ(reply.scope, c.scope) << c.answer;
    EXPECT_EQ(reply.phase, Phase::final_dot) << c.answer;
    EXPECT_TRUE(reply.fence_passed) << c.answer;
  }
}

TEST(AfterTheFence, NothingButADefiniteAnswerIsTakenForOne) {
  for (const auto& lost :
       {say_and_close(), say_and_reset(), say_and_hold(), say_and_close("250-Ok: queued as"),
        say_and_close("Ok"), say_and_close("354 more")}) {
    ScriptedSmtpServer server({with(".", {lost})});
    RelayOptions options = plain_options(server);
    if (lost.then == countersign::test::Say::Then::hold) options.deadlines.final_dot = kShort;
    Client client(options);
    CountingFence fence;
    const Reply reply = client.send(message_to({"b@x.example"}), fence.fence());
    EXPECT_EQ(reply.verdict, Verdict::unknown) << lost.text;
    EXPECT_EQ(reply.phase, Phase::final_dot) << lost.text;
    EXPECT_TRUE(reply.fence_passed) << lost.text;
    EXPECT_EQ(fence.asked(), 1) << lost.text;
    EXPECT_TRUE(server.saw_final_dot()) << lost.text;
    EXPECT_EQ(server.connections(), 1U) << "nothing is sent again";
  }
}

TEST(AfterTheFence, ARelayThatBrokeOffMeanwhileGetsNoFinalDotAndIsDefinite) {
  for (const BreakOff& c : break_offs()) {
    Script script;
    script.in_content = {{1, c.say}};
    ScriptedSmtpServer server({script});
    Client client(plain_options(server));
    const Fence slow = [&]() -> boost::asio::awaitable<bool> { co_return server.wait_for_ended(1); };
    const Reply reply = client.send(message_to({"b@x.example"}), slow);
    EXPECT_EQ(reply.verdict, c.verdict) << c.say.text;
    EXPECT_EQ(reply.phase, Phase::body) << c.say.text;
    EXPECT_EQ(reply.code, c.code) << c.say.text;
    EXPECT_FALSE(server.saw_final_dot()) << c.say.text;
  }
}

TEST(AfterTheFence, RecipientsRefusedEarlierStayRefusedWhenTheAnswerIsLost) {
  Script script = with(".", {say_and_close()});
  script.replies["RCPT TO:<gone@x.example>"] = {"550 5.1.1 no such user"};
  ScriptedSmtpServer server({script});
  Client client(plain_options(server));
  const Reply reply = client.send_to({"b@x.example", "gone@x.example"});
  EXPECT_EQ(reply.verdict, Verdict::unknown);
  ASSERT_EQ(reply.recipients.size(), 1U);
  EXPECT_EQ(reply.recipients[0].verdict, Verdict::refused);
}

TEST(Fence, AtALostLeaseTheFinalDotNeverLeaves) {
  ScriptedSmtpServer server({Script{}});
  Client client(plain_options(server));
  CountingFence fence(false);
  const Reply reply = client.send(message_to({"b@x.example"}), fence.fence());
  EXPECT_EQ(reply.verdict, Verdict::lost_lease);
  EXPECT_FALSE(reply.fence_passed);
  EXPECT_EQ(fence.asked(), 1);
  ASSERT_TRUE(server.wait_for_ended(1));
  EXPECT_FALSE(server.saw_final_dot());
  EXPECT_TRUE(server.messages().empty());
  EXPECT_THAT(server.transcript(0), testing::EndsWith("C: [content, 21 octets, no final dot]\n"
                                                      "-- closed by the client --\n"));
}

TEST(Fence, WhatItThrowsPassesThroughAndTheFinalDotDoesNotLeave) {
  ScriptedSmtpServer server({Script{}});
  Client client(plain_options(server));
  const Fence broken = []() -> boost::asio::awaitable<bool> {
    throw std::runtime_error("the database is away");
    co_return true;
  };
  EXPECT_THROW(client.send(message_to({"b@x.example"}), broken), std::runtime_error);
  ASSERT_TRUE(server.wait_for_ended(1));
  EXPECT_FALSE(server.saw_final_dot());
  EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted) << "the next one has a connection";
}

TEST(Fence, IsAskedWhenAllOfTheContentIsWithTheRelay) {
  ScriptedSmtpServer server({Script{}});
  Client client(plain_options(server));
  bool dot_seen = true;
  const Fence looking = [&]() -> boost::asio::awaitable<bool> {
    dot_seen = server.saw_final_dot();
    co_return true;
  };
  EXPECT_EQ(client.send(message_to({"b@x.example"}), looking).verdict, Verdict::accepted);
  EXPECT_FALSE(dot_seen);
}

}  // namespace
}  // namespace countersign::provider::smtp::test
