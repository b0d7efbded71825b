// The HTTP client against a server that goes wrong at a chosen moment. What counts most: how much of a
// request is said to have left.
#include "net/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <optional>
#include <set>
#include <thread>

#include "support/scripted_http_server.hpp"
#include "support/server_socket.hpp"
#include "support/test_certificates.hpp"

namespace countersign::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using After = test::HttpTurn::After;
using test::http_answer;
using test::HttpTurn;
using test::say_and_close;
using test::say_and_hold;
using test::say_and_reset;
using test::say_and_stall;
using test::ScriptedHttpServer;
using testing::HasSubstr;
using testing::SizeIs;
using Outcome = Result<HttpAnswer, HttpFailure>;

constexpr auto kPatience = 300s;  // only a request that hangs gets there

class HttpClientTest : public testing::Test {
 protected:
  HttpClientTest() : work_(io_.get_executor()), thread_([this] { io_.run(); }) {}
  ~HttpClientTest() override {
    client_.reset();
    work_.reset();
    thread_.join();
  }

  std::future<Outcome> begin(HttpRequest request) {
    return asio::co_spawn(io_, client_->send(std::move(request)), asio::use_future);
  }
  Outcome send(HttpRequest request) { return begin(std::move(request)).get(); }

  static HttpRequest get(std::string url) {
    HttpRequest request;
    request.url = std::move(url);
    request.https_only = false;
    request.connect_timeout = kPatience;
    request.total_timeout = kPatience;
    return request;
  }
  static HttpRequest post(std::string url, std::string body = "content") {
    HttpRequest request = get(std::move(url));
    request.method = "POST";
    request.body = std::move(body);
    return request;
  }

  // The failure of a POST with a body to a server whose first connection goes like this.
  HttpFailure failure_of_post(HttpTurn turn, std::string body = "content") {
    ScriptedHttpServer server({{std::move(turn)}});
    Outcome outcome = send(post(server.url(), std::move(body)));
    EXPECT_FALSE(outcome.has_value());
    EXPECT_EQ(server.connections(), 1U) << "nothing was tried again";
    return outcome ? HttpFailure{} : outcome.error();
  }

  asio::io_context io_;
  std::optional<HttpClient> client_{std::in_place};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

TEST_F(HttpClientTest, SendsMethodHeadersAndBodyAndReadsTheAnswer) {
  ScriptedHttpServer server({{test::Say(http_answer(201, "{}", "X-One: 1\r\nx-one: 2\r\n"))}});
  HttpRequest request = post(server.url("/a?b=c"), std::string("a\0b", 3));
  request.headers.add("Content-Type", "application/json");
  request.headers.add("X-Empty", "");
  const Outcome outcome = send(std::move(request));
  ASSERT_TRUE(outcome) << outcome.error().text;
  EXPECT_EQ(outcome->status, 201);
  EXPECT_EQ(outcome->body, "{}");
  EXPECT_EQ(outcome->headers.get("X-ONE"), "1");
  ASSERT_THAT(server.requests(), SizeIs(1));
  const test::ReceivedRequest received = server.requests().front();
  EXPECT_EQ(received.line, "POST /a?b=c HTTP/1.1");
  EXPECT_EQ(received.body, std::string("a\0b", 3));
  EXPECT_EQ(received.fields.at("content-type"), "application/json");
  EXPECT_EQ(received.fields.at("x-empty"), "");
  EXPECT_FALSE(received.fields.contains("expect"));
}

TEST_F(HttpClientTest, AnErrorStatusIsAnAnswer) {
  ScriptedHttpServer server({{test::Say(http_answer(503, "busy"))}});
  const Outcome outcome = send(post(server.url()));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, 503);
  EXPECT_EQ(outcome->body, "busy");
}

TEST_F(HttpClientTest, FollowsNoRedirect) {
  ScriptedHttpServer server({{test::Say(http_answer(307, "", "Location: /elsewhere\r\n"))}});
  const Outcome outcome = send(get(server.url()));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, 307);
  EXPECT_THAT(server.requests(), SizeIs(1));
}

TEST_F(HttpClientTest, AMethodWithoutBodySendsAContentLengthOfNought) {
  ScriptedHttpServer server({{test::Say(http_answer(200, "token"))}});
  HttpRequest request = get(server.url("/latest/api/token"));
  request.method = "PUT";
  ASSERT_TRUE(send(std::move(request)));
  EXPECT_EQ(server.requests().front().line, "PUT /latest/api/token HTTP/1.1");
  EXPECT_EQ(server.requests().front().fields.at("content-length"), "0");
}

TEST_F(HttpClientTest, AnInterimAnswerIsSkipped) {
  ScriptedHttpServer server(
      {{test::Say("HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n" + http_answer(200, "final"))}});
  const Outcome outcome = send(get(server.url()));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->body, "final");
  EXPECT_FALSE(outcome->headers.find("X-Early"));
}

TEST_F(HttpClientTest, ReusesAConnection) {
  ScriptedHttpServer server({{test::Say(http_answer(200, "x"))}});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(send(post(server.url())));
  EXPECT_EQ(server.connections(), 1U);
  EXPECT_THAT(server.requests(), SizeIs(5));
}

TEST_F(HttpClientTest, AConnectionThatWasClosedWhileItWasIdleIsReplaced) {
  ScriptedHttpServer server(
      {{test::say_and_close(http_answer(200, "x"))}, {test::Say(http_answer(200, "y"))}});
  ASSERT_TRUE(send(post(server.url())));
  ASSERT_TRUE(server.wait_for_ended(1));
  const Outcome second = send(post(server.url()));
  ASSERT_TRUE(second) << second.error().text;
  EXPECT_EQ(second->body, "y");
}

TEST_F(HttpClientTest, APostOnAReusedConnectionIsNotSentAgainWhenTheConnectionDies) {
  ScriptedHttpServer server({{test::Say(http_answer(200, "x")), say_and_reset()},  //
                             {test::Say(http_answer(200, "the second copy"))}});
  ASSERT_TRUE(send(post(server.url())));
  const Outcome second = send(post(server.url()));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().sent, Sent::all);
  EXPECT_EQ(second.error().fault, HttpFault::connection_lost);
  EXPECT_THAT(server.requests(), SizeIs(2));
}

TEST_F(HttpClientTest, APostWithoutABodyIsNotSentAgainEither) {
  ScriptedHttpServer server({{test::Say(http_answer(200, "x")), say_and_close()},  //
                             {test::Say(http_answer(200, "the second copy"))}});
  ASSERT_TRUE(send(post(server.url(), "")));
  const Outcome second = send(post(server.url(), ""));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().sent, Sent::all);
  EXPECT_THAT(server.requests(), SizeIs(2));
}

TEST_F(HttpClientTest, AGetOnAReusedConnectionIsSentAgainWhenTheConnectionDies) {
  ScriptedHttpServer server({{test::Say(http_answer(200, "x")), say_and_close()},  //
                             {test::Say(http_answer(200, "again"))}});
  ASSERT_TRUE(send(get(server.url())));
  const Outcome second = send(get(server.url()));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->body, "again");
}

TEST_F(HttpClientTest, NothingLeftWhenNobodyListens) {
  const auto [listener, port] = test::listen_on_loopback();
  ::close(listener);
  const Outcome outcome = send(post("http://127.0.0.1:" + std::to_string(port) + "/"));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().fault, HttpFault::connect);
  EXPECT_EQ(outcome.error().sent, Sent::nothing);
}

TEST_F(HttpClientTest, NothingLeftWhenTheNameHasNoAddress) {
  // A label of 64 octets (RFC 1035 §2.3.4), so that no server is asked.
  const Outcome outcome = send(post("http://" + std::string(64, 'a') + ".invalid/"));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().fault, HttpFault::resolve);
  EXPECT_EQ(outcome.error().sent, Sent::nothing);
}

TEST_F(HttpClientTest, EverythingMayHaveLeftWhenTheConnectionIsResetAfterTheRequest) {
  const HttpFailure failure = failure_of_post(say_and_reset());
  EXPECT_EQ(failure.fault, HttpFault::connection_lost);
  EXPECT_EQ(failure.sent, Sent::all);
  EXPECT_EQ(failure.status, 0);
}

TEST_F(HttpClientTest, EverythingMayHaveLeftWhenTheConnectionIsClosedAfterTheRequest) {
  EXPECT_EQ(failure_of_post(say_and_close()).sent, Sent::all);
}

TEST_F(HttpClientTest, APartLeftWhenTheConnectionIsResetInTheMiddleOfALongBody) {
  const HttpFailure failure =
      failure_of_post(HttpTurn(say_and_reset(), After::header), std::string(32UL * 1024 * 1024, 'x'));
  EXPECT_EQ(failure.fault, HttpFault::connection_lost);
  EXPECT_EQ(failure.sent, Sent::part);
}

TEST_F(HttpClientTest, APartLeftWhenTheServerStopsReading) {
  ScriptedHttpServer server({{HttpTurn(say_and_stall(), After::header)}});
  HttpRequest request = post(server.url(), std::string(32UL * 1024 * 1024, 'x'));
  request.total_timeout = 5s;  // enough to get as far as the body
  const Outcome outcome = send(std::move(request));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().fault, HttpFault::timeout);
  EXPECT_EQ(outcome.error().sent, Sent::part);
}

TEST_F(HttpClientTest, AnAnswerBeforeTheEndOfTheBodyIsAnAnswer) {
  ScriptedHttpServer server(
      {{HttpTurn(say_and_hold(http_answer(413, "too much", "Connection: close\r\n")), After::header)}});
  const Outcome outcome = send(post(server.url(), std::string(32UL * 1024 * 1024, 'x')));
  ASSERT_TRUE(outcome) << outcome.error().text;
  EXPECT_EQ(outcome->status, 413);
}

TEST_F(HttpClientTest, AHalfAnswerIsAFailureThatKnowsTheStatus) {
  const HttpFailure failure =
      failure_of_post(say_and_close("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Mess"));
  EXPECT_EQ(failure.fault, HttpFault::connection_lost);
  EXPECT_EQ(failure.sent, Sent::all);
  EXPECT_EQ(failure.status, 200);
}

TEST_F(HttpClientTest, AHalfHeaderIsAFailure) {
  const HttpFailure failure = failure_of_post(say_and_reset("HTTP/1.1 200 OK\r\nContent-Le"));
  EXPECT_EQ(failure.sent, Sent::all);
}

TEST_F(HttpClientTest, WhatIsNoHttpIsMalformed) {
  const HttpFailure failure = failure_of_post(say_and_close("220 relay.test ESMTP\r\n"));
  EXPECT_EQ(failure.fault, HttpFault::malformed_answer);
  EXPECT_EQ(failure.sent, Sent::all);
}

TEST_F(HttpClientTest, AnOversizedAnswerIsNotRead) {
  ScriptedHttpServer server({{test::Say(http_answer(200, std::string(2000, 'x')))}});
  HttpRequest request = post(server.url());
  request.answer_bytes_max = 1999;
  const Outcome outcome = send(std::move(request));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().fault, HttpFault::answer_too_large);
  EXPECT_EQ(outcome.error().sent, Sent::all);
  request = post(server.url());
  request.answer_bytes_max = 2000;
  EXPECT_TRUE(send(std::move(request)));
}

TEST_F(HttpClientTest, AnOversizedHeaderIsNotRead) {
  std::string fields;
  for (int i = 0; i < 1000; ++i) fields += "X-Field: " + std::string(100, 'x') + "\r\n";
  const HttpFailure failure = failure_of_post(test::Say(http_answer(200, "", fields)));
  EXPECT_EQ(failure.fault, HttpFault::answer_too_large);
}

TEST_F(HttpClientTest, SilenceEndsWithATimeout) {
  ScriptedHttpServer server({{say_and_hold()}});
  HttpRequest request = post(server.url());
  request.total_timeout = 3s;  // enough to get everything away
  const Outcome outcome = send(std::move(request));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().fault, HttpFault::timeout);
  EXPECT_EQ(outcome.error().sent, Sent::all);
}

TEST_F(HttpClientTest, NothingLeftWhenAHandshakeNeverEnds) {
  test::TestCertificates certificates("127.0.0.1");
  ScriptedHttpServer server({{HttpTurn(say_and_hold(), After::nothing)}}, certificates.certificate_file(),
                            certificates.key_file());
  HttpRequest request = post(server.url());
  request.connect_timeout = 100ms;
  const Outcome outcome = send(std::move(request));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().fault, HttpFault::timeout);
  EXPECT_EQ(outcome.error().sent, Sent::nothing);
}

TEST_F(HttpClientTest, SpeaksTlsAndChecksTheCertificate) {
  test::TestCertificates certificates("127.0.0.1");
  ScriptedHttpServer server({{test::Say(http_answer(200, "secret"))}}, certificates.certificate_file(),
                            certificates.key_file());
  HttpRequest request = post(server.url());
  request.https_only = true;
  request.ca_file = certificates.ca_file();
  const Outcome good = send(request);
  ASSERT_TRUE(good) << good.error().text;
  EXPECT_EQ(good->body, "secret");

  test::TestCertificates others("127.0.0.1");
  request.ca_file = others.ca_file();
  const Outcome bad = send(request);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().fault, HttpFault::tls);
  EXPECT_EQ(bad.error().sent, Sent::nothing);
  EXPECT_THAT(server.requests(), SizeIs(1));
}

TEST_F(HttpClientTest, ACertificateForAnotherNameIsRefused) {
  test::TestCertificates certificates("elsewhere.example");
  ScriptedHttpServer server({{test::Say(http_answer(200, "secret"))}}, certificates.certificate_file(),
                            certificates.key_file());
  HttpRequest request = post(server.url());
  request.ca_file = certificates.ca_file();
  const Outcome outcome = send(request);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().fault, HttpFault::tls);
}

TEST_F(HttpClientTest, ConnectsToTheAddressItIsGivenAndChecksTheNameOfTheUrl) {
  test::TestCertificates certificates("elsewhere.example");
  ScriptedHttpServer server({{test::Say(http_answer(200, "here"))}}, certificates.certificate_file(),
                            certificates.key_file());
  HttpRequest request = post("https://elsewhere.example:" + std::to_string(server.port()) + "/");
  request.ca_file = certificates.ca_file();
  request.connect_to_address = "127.0.0.1";
  const Outcome outcome = send(request);
  ASSERT_TRUE(outcome) << outcome.error().text;
  EXPECT_EQ(outcome->body, "here");
  EXPECT_EQ(server.requests().front().fields.at("host"),
            "elsewhere.example:" + std::to_string(server.port()));
}

TEST_F(HttpClientTest, AConnectionToAnotherAddressIsNotReused) {
  ScriptedHttpServer server({{test::Say(http_answer(200, "here"))}});
  HttpRequest request = get("http://elsewhere.example:" + std::to_string(server.port()) + "/");
  request.connect_to_address = "127.0.0.1";
  ASSERT_TRUE(send(request));
  request.connect_to_address = "127.0.0.2";  // where nobody listens: the server is bound to 127.0.0.1
  const Outcome other = send(request);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().fault, HttpFault::connect);
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(HttpClientTest, RefusesWhatIsNoRequestBeforeAnythingLeaves) {
  ScriptedHttpServer server({{test::Say(http_answer(200, "x"))}});
  std::vector<HttpRequest> requests(6, post(server.url()));
  requests[0].https_only = true;
  requests[1].headers.add("X-Field", "one\r\nX-Injected: two");
  requests[2].headers.add("X Field", "blank in the name");
  requests[3].url = "ftp://127.0.0.1/";
  requests[4].method = "PO ST";
  requests[5].url = "http://user@127.0.0.1:" + std::to_string(server.port()) + "/";
  for (const HttpRequest& request : requests) {
    const Outcome outcome = send(request);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().sent, Sent::nothing);
    EXPECT_FALSE(outcome.error().text.empty());
  }
  EXPECT_EQ(send(requests[0]).error().fault, HttpFault::invalid_request);
  EXPECT_EQ(send(requests[1]).error().fault, HttpFault::invalid_request);
  EXPECT_EQ(server.connections(), 0U);
}

TEST_F(HttpClientTest, ACancelledRequestEnds) {
  ScriptedHttpServer server({{say_and_hold()}});
  asio::cancellation_signal signal;
  std::promise<std::optional<Outcome>> ended;
  auto work = [this](HttpRequest request) -> asio::awaitable<std::optional<Outcome>> {
    Outcome outcome = co_await client_->send(std::move(request));
    co_return outcome;
  };
  asio::co_spawn(
      io_, work(post(server.url())),
      asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr, std::optional<Outcome> value) {
        ended.set_value(std::move(value));
      }));
  ASSERT_TRUE(server.wait_for_requests(1));
  asio::post(io_, [&] { signal.emit(asio::cancellation_type::terminal); });
  auto result = ended.get_future();
  ASSERT_EQ(result.wait_for(kPatience), std::future_status::ready);
  const std::optional<Outcome> outcome = result.get();
  ASSERT_TRUE(outcome && !outcome->has_value());
  EXPECT_EQ(outcome->error().fault, HttpFault::cancelled);
  EXPECT_EQ(outcome->error().sent, Sent::all);
  EXPECT_TRUE(server.wait_for_ended(1)) << "the connection was given up";
}

TEST_F(HttpClientTest, DestroyingTheClientEndsWhatIsUnderWay) {
  ScriptedHttpServer server({{say_and_hold()}});
  std::future<Outcome> underway = begin(post(server.url()));
  ASSERT_TRUE(server.wait_for_requests(1));
  client_.reset();
  const Outcome outcome = underway.get();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().fault, HttpFault::cancelled);
  EXPECT_EQ(outcome.error().sent, Sent::all);
}

TEST_F(HttpClientTest, ManyRequestsAtOnceShareABoundedNumberOfConnections) {
  ScriptedHttpServer server({{test::Say(http_answer(200, "x"))}});
  client_.emplace(HttpClientOptions{.connections_per_host_max = 4});
  std::vector<std::future<Outcome>> all;
  for (int i = 0; i < 200; ++i) all.push_back(begin(post(server.url(), "body " + std::to_string(i))));
  for (std::future<Outcome>& one : all) {
    const Outcome outcome = one.get();
    ASSERT_TRUE(outcome) << outcome.error().text;
  }
  EXPECT_LE(server.connections(), 4U);
  std::set<std::string> bodies;
  for (const test::ReceivedRequest& request : server.requests()) bodies.insert(request.body);
  EXPECT_THAT(bodies, SizeIs(200));
}

}  // namespace
}  // namespace countersign::net
