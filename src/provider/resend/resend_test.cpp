// The Resend transport: what a message becomes, and what answers mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "base/crypto.hpp"
#include "base/error.hpp"
#include "mail/compose.hpp"
#include "provider/hand_over_fixture.hpp"
#include "provider/resend/email_fields.hpp"
#include "provider/resend/resend_transport.hpp"
#include "support/scripted_http_server.hpp"
#include "support/temporary_directory.hpp"

namespace countersign::provider::resend {
namespace {

namespace json = boost::json;
using countersign::test::http_answer;
using countersign::test::HttpTurn;
using countersign::test::Say;
using countersign::test::say_and_reset;
using countersign::test::ScriptedHttpServer;
using provider::test::CountingFence;
using provider::test::message_to;
using testing::HasSubstr;
using testing::SizeIs;

std::string composed() {
  static const std::string kPicture("\x89PNG\0\xff", 6);
  mail::Composition draft;
  draft.from = {"Ärger \"Inc\"", "agent@here.example"};
  draft.to = {"Bo <bo@x.example>", "gone@x.example"};
  draft.cc = {"CC@x.example"};
  draft.reply_to = "answers@here.example";
  draft.subject = "Grüße";
  draft.text = "plain ☃\r\n> quoted\r\n";
  draft.html = "<p>html</p>";
  draft.attachments = {{"bild.png", "image/png", kPicture}};
  draft.message_id = "one@here.example";
  draft.date = from_us(1'800'000'000'000'000);
  draft.in_reply_to = "parent@x.example";
  draft.references = {"root@x.example", "parent@x.example"};
  draft.extra_headers = {{"X-E2A-Message-ID", "msg_1"}};
  return mail::compose(draft);
}

TEST(EmailFields, HoldWhatAReaderSees) {
  const auto body = email_json(message_to({"bo@x.example", "cc@x.example", "blind@x.example"}, composed()));
  ASSERT_TRUE(body) << body.error();
  const json::value fields = json::parse(*body);
  EXPECT_EQ(fields.at("from").as_string(), R"("Ärger \"Inc\"" <agent@here.example>)");
  EXPECT_EQ(json::serialize(fields.at("to")), R"(["\"Bo\" <bo@x.example>"])")
      << "gone@x.example is in the header and not in the envelope: it must not get a copy";
  EXPECT_EQ(json::serialize(fields.at("cc")), R"(["CC@x.example"])");
  EXPECT_EQ(json::serialize(fields.at("bcc")), R"(["blind@x.example"])");
  EXPECT_EQ(json::serialize(fields.at("reply_to")), R"(["answers@here.example"])");
  EXPECT_EQ(fields.at("subject").as_string(), "Grüße");
  EXPECT_EQ(fields.at("text").as_string(), "plain ☃\n> quoted\n");
  EXPECT_THAT(std::string(fields.at("html").as_string()), HasSubstr("<p>html</p>"));
  const json::object& headers = fields.at("headers").as_object();
  EXPECT_EQ(headers.at("In-Reply-To").as_string(), "<parent@x.example>");
  EXPECT_EQ(headers.at("References").as_string(), "<root@x.example> <parent@x.example>");
  EXPECT_EQ(headers.at("X-E2A-Message-ID").as_string(), "msg_1");
  EXPECT_EQ(headers.size(), 3U);
  ASSERT_THAT(fields.at("attachments").as_array(), SizeIs(1));
  const json::value& picture = fields.at("attachments").as_array().front();
  EXPECT_EQ(picture.at("filename").as_string(), "bild.png");
  EXPECT_EQ(picture.at("content_type").as_string(), "image/png");
  EXPECT_EQ(base64_decode(std::string(picture.at("content").as_string())), std::string("\x89PNG\0\xff", 6));
  EXPECT_EQ(json::serialize(fields.at("tags")), R"([{"name":"countersign-message","value":"msg_1"}])");
}

TEST(EmailFields, AreTheSameBytesForEveryAttempt) {
  HandOver first = message_to({"bo@x.example", "blind@x.example"}, composed());
  HandOver second = first;
  second.submission = "sub_2";
  second.may_be_repeated = true;
  EXPECT_EQ(*email_json(first), *email_json(second));
}

TEST(EmailFields, NoBlindRecipientSeesAnother) {
  const auto of = [](std::vector<std::string> recipients) {
    return email_json(message_to(std::move(recipients), composed()));
  };
  const auto cc_only = of({"cc@x.example", "blind@x.example"});
  ASSERT_TRUE(cc_only);
  EXPECT_EQ(json::serialize(json::parse(*cc_only).at("to")), R"(["CC@x.example"])");
  EXPECT_EQ(json::serialize(json::parse(*cc_only).at("bcc")), R"(["blind@x.example"])");
  const auto one_blind = of({"blind@x.example"});
  ASSERT_TRUE(one_blind);
  EXPECT_EQ(json::serialize(json::parse(*one_blind).at("to")), R"(["blind@x.example"])");
  const auto two_blind = of({"blind@x.example", "other@x.example"});
  ASSERT_FALSE(two_blind);
  EXPECT_THAT(two_blind.error(), HasSubstr("blind recipients only"));
}

TEST(EmailFields, LoseNoPartThatIsNotText) {
  const auto body =
      email_json(message_to({"bo@x.example"},
                            "From: a@b.example\r\nTo: bo@x.example\r\nContent-Type: "
                            "multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\nContent-Type: "
                            "text/calendar\r\n\r\nBEGIN\r\n--b--\r\n"));
  const json::value fields = json::parse(*body);
  EXPECT_EQ(fields.at("text").as_string(), "hello");
  EXPECT_EQ(fields.at("attachments").as_array().front().at("filename").as_string(), "attachment-1");
}

TEST(IdempotencyKey, IsStableShortAndFitForAHeader) {
  EXPECT_EQ(idempotency_key("msg_1"), "countersign-msg_1");
  EXPECT_EQ(idempotency_key(std::string(300, 'x')), idempotency_key(std::string(300, 'x')));
  EXPECT_LE(idempotency_key(std::string(300, 'x')).size(), 256U);
  EXPECT_NE(idempotency_key("a\r\nb"), idempotency_key("a\nb"));
  EXPECT_EQ(idempotency_key("a\r\nb").find('\n'), std::string::npos);
}

class ResendTest : public testing::Test {
 protected:
  using Owner = provider::test::TransportOwner<ResendTransport>;

  void serve(std::vector<HttpTurn> turns, const std::string& api_key_file = "") {
    server_ = std::make_unique<ScriptedHttpServer>(ScriptedHttpServer::Connections{std::move(turns)});
    ResendOptions options;
    options.http.endpoint = server_->url("");
    options.api_key = "re_test";
    options.api_key_file = api_key_file;
    owner_ = std::make_unique<Owner>(
        [&](auto executor) { return std::make_unique<ResendTransport>(executor, options); });
  }
  Reply send() { return owner_->send(message_to({"bo@x.example"}, composed()), fence_.fence()); }
  static HttpTurn refuses(int status, const std::string& name) {
    return Say(http_answer(status, R"({"statusCode":)" + std::to_string(status) + R"(,"name":")" + name +
                                       R"(","message":"the reason"})"));
  }

  CountingFence fence_;
  std::unique_ptr<ScriptedHttpServer> server_;
  std::unique_ptr<Owner> owner_;
};

TEST_F(ResendTest, HandsOverWithItsKey) {
  serve({Say(http_answer(200, R"({"id":"49a3999c"})"))});
  const Reply reply = send();
  EXPECT_EQ(reply.verdict, Verdict::accepted);
  EXPECT_EQ(reply.provider_message_id, "49a3999c");
  const auto request = server_->requests().front();
  EXPECT_EQ(request.line, "POST /emails HTTP/1.1");
  EXPECT_EQ(request.fields.at("authorization"), "Bearer re_test");
  EXPECT_EQ(request.fields.at("idempotency-key"), "countersign-msg_1");
  EXPECT_EQ(request.fields.at("user-agent"), "countersign");
}

TEST_F(ResendTest, ARepeatIsTheIdenticalRequest) {
  serve({Say(http_answer(500, "")), Say(http_answer(200, R"({"id":"1"})"))});
  EXPECT_EQ(send().verdict, Verdict::unknown);
  EXPECT_EQ(send().verdict, Verdict::accepted);
  const auto requests = server_->requests();
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].body, requests[1].body);
  EXPECT_EQ(requests[0].fields.at("idempotency-key"), requests[1].fields.at("idempotency-key"));
}

TEST_F(ResendTest, AnswersAreRuledByTheTable) {
  serve({refuses(422, "validation_error"), refuses(401, "invalid_api_key"),
         refuses(429, "rate_limit_exceeded"), refuses(409, "concurrent_idempotent_requests"),
         Say(http_answer(200, "no json"))});
  const Reply refused = send();
  EXPECT_EQ(refused.verdict, Verdict::refused);
  EXPECT_EQ(refused.text, "validation_error: the reason");
  EXPECT_EQ(send().verdict, Verdict::session_fault);
  EXPECT_EQ(send().verdict, Verdict::session_fault);
  EXPECT_EQ(send().verdict, Verdict::unknown);
  EXPECT_EQ(send().verdict, Verdict::unknown);
}

TEST_F(ResendTest, ALostAnswerIsUnknown) {
  serve({say_and_reset()});
  EXPECT_EQ(send().verdict, Verdict::unknown);
  EXPECT_EQ(fence_.asked(), 1);
}

TEST_F(ResendTest, IsKeyedForLessThanADay) {
  serve({say_and_reset()});
  EXPECT_EQ(owner_->transport().transport_class(), TransportClass::keyed);
  EXPECT_LT(owner_->transport().repeat_window(), std::chrono::hours(24));
}

TEST_F(ResendTest, WhatItCannotTakeIsRefusedBeforeTheFence) {
  serve({say_and_reset()});
  const Reply reply = owner_->send(message_to({"x@x.example", "y@x.example"}, composed()), fence_.fence());
  EXPECT_EQ(reply.verdict, Verdict::refused);
  EXPECT_EQ(fence_.asked(), 0);
}

TEST_F(ResendTest, AKeyThatIsChangedInItsFileIsTakenUp) {
  const countersign::test::TemporaryDirectory folder;
  const std::string path = (folder.path() / "key").string();
  const auto write = [&](const std::string& text) { std::ofstream(path) << text; };
  write("re_one\n");
  const std::string sent = R"({"id":"1"})";
  serve({Say(http_answer(200, sent)), Say(http_answer(200, sent))}, path);
  EXPECT_EQ(send().verdict, Verdict::accepted);
  write("re_two\n");
  EXPECT_EQ(send().verdict, Verdict::accepted);
  const auto requests = server_->requests();
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].fields.at("authorization"), "Bearer re_one");
  EXPECT_EQ(requests[1].fields.at("authorization"), "Bearer re_two");
  write("no key\n");
  const Reply unusable = send();
  EXPECT_EQ(unusable.verdict, Verdict::session_fault);
  EXPECT_THAT(unusable.text, HasSubstr("visible ASCII"));
  std::filesystem::remove(path);
  EXPECT_THAT(send().text, HasSubstr("the API key file (" + path + "): No such file"));
  EXPECT_EQ(fence_.asked(), 2);
}

TEST(ResendOptions, NeedAKeyThatCanStandInAHeader) {
  boost::asio::io_context io;
  for (const char* bad : {"", "a b", "a\nb"}) {
    ResendOptions options;
    options.api_key = bad;
    EXPECT_THROW(ResendTransport(io.get_executor(), options), EnvironmentError) << bad;
  }
}

}  // namespace
}  // namespace countersign::provider::resend
