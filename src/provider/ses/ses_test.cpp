// The SES transport against a server that answers as SES does, or does not answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "base/crypto.hpp"
#include "base/error.hpp"
#include "provider/hand_over_fixture.hpp"
#include "provider/ses/ses_transport.hpp"
#include "provider/tags.hpp"
#include "support/scripted_http_server.hpp"
#include "support/server_socket.hpp"

namespace countersign::provider::ses {
namespace {

namespace json = boost::json;
using countersign::test::http_answer;
using countersign::test::HttpTurn;
using countersign::test::Say;
using countersign::test::say_and_close;
using countersign::test::say_and_reset;
using countersign::test::ScriptedHttpServer;
using provider::test::CountingFence;
using provider::test::message_to;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

class SesTest : public testing::Test {
 protected:
  using Owner = provider::test::TransportOwner<SesTransport>;

  void serve(std::vector<HttpTurn> turns) {
    server_ = std::make_unique<ScriptedHttpServer>(ScriptedHttpServer::Connections{std::move(turns)});
    use(server_->url(""));
  }
  void use(std::string endpoint) {
    SesOptions options;
    options.region = "eu-central-1";
    options.http.endpoint = std::move(endpoint);
    options.configuration_set = "events";
    options.credentials.fixed = {"AKIA", "secret", ""};
    owner_ = std::make_unique<Owner>(
        [&](auto executor) { return std::make_unique<SesTransport>(executor, options, clock_); });
  }
  Reply send(HandOver message) { return owner_->send(std::move(message), fence_.fence()); }
  Reply send() { return send(message_to({"b@x.example"})); }

  static HttpTurn accepts() { return Say(http_answer(200, R"({"MessageId":"0100-1"})")); }
  static HttpTurn refuses(int status, const std::string& name) {
    return Say(http_answer(status, R"({"message":"the reason"})",
                           "x-amzn-ErrorType: " + name + ":http://internal.amazon.com/coral/\r\n"));
  }

  ManualClock clock_{*parse_rfc3339("2026-11-24T12:00:00Z")};
  CountingFence fence_;
  std::unique_ptr<ScriptedHttpServer> server_;
  std::unique_ptr<Owner> owner_;
};

TEST_F(SesTest, HandsOverTheStoredBytesInOneSignedRequest) {
  serve({accepts()});
  const std::string raw = "X-E2A-Message-ID: msg_1\r\nTo: b@x.example\r\n\r\n\xff\x00 bytes\r\n";
  const Reply reply = send(message_to({"b@x.example", "blind@x.example"}, raw));
  EXPECT_EQ(reply.verdict, Verdict::accepted);
  EXPECT_EQ(reply.phase, Phase::request);
  EXPECT_EQ(reply.code, 200);
  EXPECT_EQ(reply.provider_message_id, "0100-1");
  EXPECT_TRUE(reply.fence_passed);
  EXPECT_EQ(fence_.asked(), 1);
  ASSERT_THAT(server_->requests(), SizeIs(1));
  const auto request = server_->requests().front();
  EXPECT_EQ(request.line, "POST /v2/email/outbound-emails HTTP/1.1");
  EXPECT_THAT(request.fields.at("authorization"),
              StartsWith("AWS4-HMAC-SHA256 Credential=AKIA/20261124/eu-central-1/ses/aws4_request, "
                         "SignedHeaders=content-type;host;x-amz-date, Signature="));
  EXPECT_EQ(request.fields.at("x-amz-date"), "20261124T120000Z");
  const json::value body = json::parse(request.body);
  EXPECT_EQ(base64_decode(std::string(body.at("Content").at("Raw").at("Data").as_string())), raw);
  EXPECT_EQ(json::serialize(body.at("Destination")), R"({"ToAddresses":["b@x.example","blind@x.example"]})");
  EXPECT_EQ(body.at("ConfigurationSetName").as_string(), "events");
  EXPECT_EQ(json::serialize(body.at("EmailTags")), R"([{"Name":"countersign-message","Value":"msg_1"},)"
                                                   R"({"Name":"countersign-submission","Value":"sub_1"}])");
  EXPECT_FALSE(body.as_object().contains("FromEmailAddress"));
}

TEST_F(SesTest, ARefusalIsTheMessagesAndNamesItsReason) {
  serve({refuses(400, "MessageRejected")});
  const Reply reply = send();
  EXPECT_EQ(reply.verdict, Verdict::refused);
  EXPECT_EQ(reply.scope, Scope::message);
  EXPECT_EQ(reply.code, 400);
  EXPECT_EQ(reply.text, "MessageRejected: the reason");
}

TEST_F(SesTest, AFaultNamedInTheBodyIsReadToo) {
  serve({Say(
      http_answer(400, R"({"__type":"com.amazonaws.sesv2#SendingPausedException","Message":"paused"})"))});
  const Reply reply = send();
  EXPECT_EQ(reply.verdict, Verdict::session_fault);
  EXPECT_EQ(reply.text, "SendingPausedException: paused");
}

TEST_F(SesTest, ThrottlingAndWrongCredentialsAreFaultsOfTheSession) {
  serve({refuses(429, "TooManyRequestsException"), refuses(403, "InvalidClientTokenId"),
         refuses(400, "ThrottlingException"), accepts()});
  for (int i = 0; i < 3; ++i) {
    const Reply reply = send();
    EXPECT_EQ(reply.verdict, Verdict::session_fault) << reply.text;
    EXPECT_TRUE(reply.fence_passed);
  }
  EXPECT_EQ(send().verdict, Verdict::accepted);
}

TEST_F(SesTest, NothingIsKnownWhenTheAnswerIsLostOrTheServerFails) {
  const std::string half = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"Mess";
  for (const HttpTurn& turn :
       {HttpTurn(say_and_reset()), HttpTurn(say_and_close()), HttpTurn(say_and_close(half)),
        HttpTurn(Say(http_answer(500, ""))), HttpTurn(Say(http_answer(503, "busy"))),
        HttpTurn(Say(http_answer(200, "<html>captive portal</html>")))}) {
    serve({turn});
    const Reply reply = send();
    EXPECT_EQ(reply.verdict, Verdict::unknown) << reply.text;
    EXPECT_TRUE(reply.fence_passed);
    EXPECT_THAT(server_->requests(), SizeIs(1)) << "never sent twice";
  }
}

TEST_F(SesTest, WhereNobodyListensNothingWasSent) {
  const auto [listener, port] = countersign::test::listen_on_loopback();
  ::close(listener);
  use("http://127.0.0.1:" + std::to_string(port));
  const Reply reply = send();
  EXPECT_EQ(reply.verdict, Verdict::session_fault);
  EXPECT_EQ(reply.phase, Phase::connect);
  EXPECT_TRUE(reply.fence_passed);
}

TEST_F(SesTest, ABodyThatBreaksOffCostsAnAttempt) {
  serve({HttpTurn(say_and_reset(), HttpTurn::After::header)});
  const Reply reply = send(message_to({"b@x.example"}, std::string(24UL * 1024 * 1024, 'x')));
  EXPECT_EQ(reply.verdict, Verdict::deferred);
  EXPECT_EQ(reply.phase, Phase::body);
}

TEST_F(SesTest, ALostLeaseSendsNothing) {
  serve({accepts()});
  CountingFence closed(false);
  const Reply reply = owner_->send(message_to({"b@x.example"}), closed.fence());
  EXPECT_EQ(reply.verdict, Verdict::lost_lease);
  EXPECT_FALSE(reply.fence_passed);
  EXPECT_THAT(server_->requests(), SizeIs(0));
}

TEST_F(SesTest, AnOutageMakesNothingUnknownButWhatItMet) {
  const HttpTurn broken = Say(http_answer(503, ""));
  serve({broken, broken, broken, refuses(403, "AccessDeniedException"), accepts(), accepts()});
  EXPECT_EQ(send().verdict, Verdict::unknown);
  for (int i = 0; i < 2; ++i) {
    const Reply reply = send();
    EXPECT_EQ(reply.verdict, Verdict::session_fault);
    EXPECT_FALSE(reply.fence_passed);
    EXPECT_EQ(reply.code, 503);
  }
  EXPECT_EQ(fence_.asked(), 1);
  EXPECT_EQ(send().verdict, Verdict::accepted) << "any answer of SES ends the doubt";
  EXPECT_EQ(send().verdict, Verdict::accepted);
  const auto requests = server_->requests();
  ASSERT_THAT(requests, SizeIs(6));
  for (const int question : {1, 2, 3}) {
    EXPECT_EQ(requests[static_cast<std::size_t>(question)].line, "GET /v2/email/account HTTP/1.1");
  }
}

TEST_F(SesTest, WithoutCredentialsTheFenceIsNotAsked) {
  serve({Say(http_answer(404, ""))});
  SesOptions options;
  options.region = "eu-central-1";
  options.http.endpoint = server_->url("");
  options.credentials.metadata_url = server_->url("");
  owner_ = std::make_unique<Owner>(
      [&](auto executor) { return std::make_unique<SesTransport>(executor, options, clock_); });
  const Reply reply = send();
  EXPECT_EQ(reply.verdict, Verdict::session_fault);
  EXPECT_EQ(reply.phase, Phase::auth);
  EXPECT_THAT(reply.text, HasSubstr("no AWS credentials"));
  EXPECT_EQ(fence_.asked(), 0);
}

TEST_F(SesTest, OnlyAnAnswerThatBlamesTheCredentialsMakesThemBeForgotten) {
  const auto keys = [](const std::string& id) {
    return HttpTurn(Say(http_answer(200, R"({"Code":"Success","AccessKeyId":")" + id +
                                             R"(","SecretAccessKey":"s","Token":"t",)"
                                             R"("Expiration":"2026-11-24T18:00:00Z"})")));
  };
  const HttpTurn token = Say(http_answer(200, "t"));
  const HttpTurn role = Say(http_answer(200, "r"));
  const ScriptedHttpServer metadata(ScriptedHttpServer::Connections{
      {token, role, keys("FIRST"), token, role, keys("SECOND"), Say(http_answer(500, ""))}});
  serve({refuses(429, "TooManyRequestsException"), refuses(400, "SendingPausedException"),
         refuses(400, "ExpiredTokenException"), accepts()});
  SesOptions options;
  options.region = "eu-central-1";
  options.http.endpoint = server_->url("");
  options.credentials.metadata_url = metadata.url("");
  owner_ = std::make_unique<Owner>(
      [&](auto executor) { return std::make_unique<SesTransport>(executor, options, clock_); });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(send().verdict, Verdict::session_fault);
  EXPECT_EQ(send().verdict, Verdict::accepted);
  std::vector<std::string> signed_with;
  for (const auto& request : server_->requests()) {
    const std::string& text = request.fields.at("authorization");
    const std::size_t begin = text.find('=') + 1;
    signed_with.push_back(text.substr(begin, text.find('/') - begin));
  }
  EXPECT_THAT(signed_with, testing::ElementsAre("FIRST", "FIRST", "FIRST", "SECOND"));
}

TEST_F(SesTest, MoreRecipientsThanSesTakesAreRefusedHere) {
  serve({accepts()});
  std::vector<std::string> many;
  for (int i = 0; i <= 50; ++i) many.push_back("r" + std::to_string(i) + "@x.example");
  const Reply reply = send(message_to(many));
  EXPECT_EQ(reply.verdict, Verdict::refused);
  EXPECT_FALSE(reply.fence_passed);
  EXPECT_EQ(fence_.asked(), 0);
}

TEST_F(SesTest, AfterDrainNothingIsTaken) {
  serve({accepts()});
  owner_->drain();
  EXPECT_EQ(send().verdict, Verdict::session_fault);
  EXPECT_EQ(fence_.asked(), 0);
}

TEST_F(SesTest, AnEndpointThatWouldSendSecretsInClearIsRefused) {
  EXPECT_THROW(use("http://ses.example"), EnvironmentError);
  EXPECT_NO_THROW(use(""));
}

TEST(Tags, HoldIdsAndNothingThatCouldEndThem) {
  EXPECT_TRUE(is_tag_value("msg_0123456789abcdef-Z"));
  for (const char* bad : {"", "a b", "a,b", "a=b", "ä"}) EXPECT_FALSE(is_tag_value(bad)) << bad;
  EXPECT_FALSE(is_tag_value(std::string(257, 'a')));
}

}  // namespace
}  // namespace countersign::provider::ses
