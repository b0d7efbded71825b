#include "provider/smtp/response.hpp"

#include <gmock/gmock.h>

#include "base/text.hpp"
#include "provider/transport.hpp"
#include "provider/verdict.hpp"

namespace countersign::provider::smtp {
namespace {

using State = ResponseParser::State;

State parse(std::string_view bytes, Response& response) {
  ResponseParser parser;
  parser.feed(bytes);
  return parser.next(response);
}

TEST(ResponseParser, ReadsOneAndSeveralLinesByteByByte) {
  const std::string bytes = "250-first\r\n250-\r\n250 last\r\n354\r\n";
  ResponseParser parser;
  std::vector<Response> responses;
  for (const char byte : bytes) {
    parser.feed({&byte, 1});
    Response response;
    if (parser.next(response) == State::complete) responses.push_back(response);
  }
  ASSERT_EQ(responses.size(), 2U);
  EXPECT_EQ(responses[0].code, 250);
  EXPECT_THAT(responses[0].lines, testing::ElementsAre("first", "", "last"));
  EXPECT_EQ(responses[1].code, 354);
  EXPECT_TRUE(parser.empty());
}

TEST(ResponseParser, RefusesWhatIsNoReply) {
  Response response;
  for (const std::string_view bad : {"hello\r\n", "25\r\n", "250x\r\n", "650 no\r\n", "150 no\r\n",
                                     " 250 no\r\n", "250-a\r\n251 b\r\n", "2 50\r\n", "\r\n"}) {
    EXPECT_EQ(parse(bad, response), State::malformed) << testing::PrintToString(bad);
  }
}

TEST(ResponseParser, HoldsItsLimits) {
  Response response;
  EXPECT_EQ(parse("250 " + std::string(kResponseLineBytesMax - 5, 'x') + "\r\n", response), State::complete);
  EXPECT_EQ(parse("250 " + std::string(kResponseLineBytesMax, 'x') + "\r\n", response), State::malformed);
  EXPECT_EQ(parse(std::string(kResponseLineBytesMax + 1, '2'), response), State::malformed)
      << "no end in sight";
  std::string many;
  for (std::size_t i = 0; i + 1 < kResponseLinesMax; ++i) many += "250-x\r\n";
  EXPECT_EQ(parse(many + "250 x\r\n", response), State::complete);
  EXPECT_EQ(parse(many + "250-x\r\n250 x\r\n", response), State::malformed);
}

TEST(Response, SeparatesTheStatusCodeFromTheText) {
  const Response refused{550, {"5.1.1 <b@x.example>: no such", "5.1.1 user"}};
  EXPECT_EQ(refused.enhanced(), "5.1.1");
  EXPECT_EQ(refused.text(), "<b@x.example>: no such user");
  EXPECT_EQ((Response{250, {"5.1.1 class and code disagree"}}).enhanced(), "");
  EXPECT_EQ((Response{250, {"2.0 short"}}).enhanced(), "");
  EXPECT_EQ((Response{250, {"2.0.0"}}).enhanced(), "2.0.0");
  EXPECT_EQ((Response{250, {"2.0.0.1 version"}}).enhanced(), "");
}

TEST(Response, ShowsTheBytesOfAStrangerAsCleanText) {
  const Response hostile{550, {std::string("a\0b\x1b[31m\xff\xc2\x85 ok", 14)}};
  EXPECT_EQ(hostile.text(), "a b [31m\xef\xbf\xbd  ok");
  const Response endless{550, std::vector<std::string>(10, std::string(4000, 'x'))};
  EXPECT_EQ(endless.text().size(), kReplyTextBytesMax);
  EXPECT_TRUE(is_utf8(presentable("gr\xc3\xbc", 3)));
  EXPECT_EQ(presentable("gr\xc3\xbc", 3), "gr") << "cut at a code point";
}

TEST(Response, FindsTheQueueIdInTheRepliesOfKnownServers) {
  const auto id = [](std::string text) { return Response{250, {std::move(text)}}.queue_id(); };
  EXPECT_EQ(id("2.0.0 Ok: queued as 4XyZ123abc"), "4XyZ123abc");
  EXPECT_EQ(id("2.0.0 1a2b3c4d Message accepted for delivery"), "1a2b3c4d");
  EXPECT_EQ(id("OK id=1rABcD-0004xY-2Z"), "1rABcD-0004xY-2Z");
  EXPECT_EQ(id("2.0.0 v9NDx1 Message accepted for delivery"), "v9NDx1");
  EXPECT_EQ(id("Ok 0100018f0123abcd-01234567-89ab-cdef-0123-456789abcdef-000000"),
            "0100018f0123abcd-01234567-89ab-cdef-0123-456789abcdef-000000");
  EXPECT_EQ(id("Ok thank you"), "");
  EXPECT_EQ(id("Message accepted for delivery"), "");
  EXPECT_EQ(id("queued as " + std::string(500, 'x')), "");
}

struct Case {
  Phase phase;
  int code;
  Scope scope;
  Verdict verdict;
};

TEST(VerdictTable, SaysWhomAnAnswerConcernsAndWhatIsKnown) {
  for (const Case& c : std::vector<Case>{{Phase::connect, kNoAnswer, Scope::session, Verdict::session_fault},
                                         {Phase::greeting, 554, Scope::session, Verdict::session_fault},
                                         {Phase::hello, 550, Scope::session, Verdict::session_fault},
                                         {Phase::auth, 535, Scope::session, Verdict::session_fault},
                                         {Phase::auth, 334, Scope::session, Verdict::session_fault},
                                         {Phase::mail, 451, Scope::message, Verdict::deferred},
                                         {Phase::mail, 550, Scope::message, Verdict::refused},
                                         {Phase::mail, 530, Scope::session, Verdict::session_fault},
                                         {Phase::mail, 421, Scope::session, Verdict::session_fault},
                                         {Phase::mail, kNoAnswer, Scope::session, Verdict::session_fault},
                                         {Phase::rcpt, 251, Scope::recipient, Verdict::accepted},
                                         {Phase::rcpt, 450, Scope::recipient, Verdict::deferred},
                                         {Phase::rcpt, 552, Scope::recipient, Verdict::deferred},
                                         {Phase::rcpt, 550, Scope::recipient, Verdict::refused},
                                         {Phase::rcpt, 421, Scope::session, Verdict::session_fault},
                                         {Phase::data, 250, Scope::session, Verdict::session_fault},
                                         {Phase::data, 554, Scope::message, Verdict::refused},
                                         {Phase::body, kNoAnswer, Scope::message, Verdict::deferred},
                                         {Phase::final_dot, 250, Scope::message, Verdict::accepted},
                                         {Phase::final_dot, 451, Scope::message, Verdict::deferred},
                                         {Phase::final_dot, 554, Scope::message, Verdict::refused},
                                         {Phase::final_dot, 421, Scope::session, Verdict::session_fault},
                                         {Phase::final_dot, 454, Scope::session, Verdict::session_fault},
                                         {Phase::final_dot, 354, Scope::message, Verdict::unknown},
                                         {Phase::final_dot, kNoAnswer, Scope::message, Verdict::unknown}}) {
    const Ruling ruling = rule(c.phase, c.code);
    EXPECT_EQ(ruling.scope, c.scope) << to_string(c.phase) << ' ' << c.code;
    EXPECT_EQ(ruling.verdict, c.verdict) << to_string(c.phase) << ' ' << c.code;
  }
}

TEST(VerdictTable, KnowsUnknownAfterTheFinalDotOnly) {
  for (const Phase phase : {Phase::connect, Phase::tls, Phase::greeting, Phase::hello, Phase::auth,
                            Phase::reset, Phase::mail, Phase::rcpt, Phase::data, Phase::body}) {
    for (int code = 0; code < 600; ++code) {
      ASSERT_NE(rule(phase, code).verdict, Verdict::unknown) << to_string(phase) << ' ' << code;
    }
  }
}

}  // namespace
}  // namespace countersign::provider::smtp
