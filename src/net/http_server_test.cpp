// What the HTTP server answers, over real sockets. Deadlines are tiny where a test waits for one to pass;
// everything else waits for an event.
#include <gmock/gmock.h>

#include <atomic>

#include "base/error.hpp"
#include "net/http_server_fixture.hpp"
#include "net/takeover.hpp"

namespace countersign::net {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

TEST_F(HttpServerTest, MintsARequestIdAndForbidsSniffingOnEveryAnswer) {
  serve({});
  Client client = connect();
  client.send(get("/a%2Fb?x=%20&y"));
  const Answer answer = client.read();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "GET /a%2Fb x=%20&y ");
  EXPECT_THAT(answer.head, testing::ContainsRegex("X-Request-Id: req_[0-9a-f]{24}\r\n"));
  EXPECT_THAT(answer.head, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
  EXPECT_THAT(answer.head, testing::ContainsRegex("Date: [A-Z][a-z]{2}, [0-9]{2} .* GMT\r\n"));
}

TEST_F(HttpServerTest, EchoesTheRequestIdOfTheClientUnlessItIsUnreasonable) {
  serve({});
  Client client = connect();
  client.send(get("/", "X-Request-Id: my id/1\r\n"));
  EXPECT_THAT(client.read().head, HasSubstr("X-Request-Id: my id/1\r\n"));
  for (const std::string& id : {std::string(), std::string(1025, 'x'), std::string("a\xff")}) {
    client.send(get("/", "X-Request-Id: " + id + "\r\n"));
    EXPECT_THAT(client.read().head, HasSubstr("X-Request-Id: req_"));
  }
}

asio::awaitable<std::optional<std::string>> count_down(std::shared_ptr<int> left) {
  if (*left == 0) co_return std::nullopt;
  co_return "piece " + std::to_string((*left)--) + "\n";
}

asio::awaitable<Response> pieces(Request request) {
  Response response;
  response.stream = [left = std::make_shared<int>(request.path == "/long" ? 1'000'000 : 3)] {
    return count_down(left);
  };
  co_return response;
}

TEST_F(HttpServerTest, GivesABodyPieceByPieceUntilItEnds) {
  serve({}, pieces);
  Client client = connect();
  client.send(get("/"));
  const Answer answer = client.read();
  EXPECT_THAT(answer.head, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer.head, Not(HasSubstr("Content-Length")));
  EXPECT_EQ(client.read_to_end(), "piece 3\npiece 2\npiece 1\n");
}

TEST_F(HttpServerTest, AClientThatGoesOrAStopEndsABodyInPieces) {
  serve({}, pieces);
  Client gone = connect();
  gone.send(get("/long"));
  gone.await_first_byte();
  gone.close();
  Client reading = connect();
  reading.send(get("/long"));
  reading.await_first_byte();
  std::thread reader([&] { EXPECT_FALSE(reading.read_to_end().empty()); });
  EXPECT_TRUE(drain(std::chrono::minutes(5)));
  reader.join();
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  Gate gate(io_);
  serve({}, [&](Request request) -> asio::awaitable<Response> {
    if (request.path == "/first") co_await gate.wait();
    Response response;
    response.body = request.path;
    co_return response;
  });
  Client client = connect();
  client.send(get("/first") + "\r\n" + get("/second") + post("/third", "abc"));
  gate.await_reached();
  gate.open();
  EXPECT_EQ(client.read().body, "/first");
  EXPECT_EQ(client.read().body, "/second");
  EXPECT_EQ(client.read().body, "/third");
}

TEST_F(HttpServerTest, ReassemblesRequestsThatArriveByteByByte) {
  serve({});
  Client client = connect();
  client.send_byte_by_byte(post("/one", "hello"));
  EXPECT_EQ(client.read().body, "POST /one  hello");
  client.send_byte_by_byte(
      "PUT /two HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;ext=\"x\"\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Request-Id: trailer\r\n\r\n");
  const Answer answer = client.read();
  EXPECT_EQ(answer.body, "PUT /two  abc0123456789");
  EXPECT_THAT(answer.head, Not(HasSubstr("trailer"))) << "trailers are no header fields";
}

TEST_F(HttpServerTest, RefusesABodyByItsContentLengthBeforeItArrives) {
  serve({});
  Client client = connect();
  client.send("POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n");
  const Answer answer = client.read();
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body, "101 of 100");
  EXPECT_THAT(answer.head, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(client.is_ended());
}

TEST_F(HttpServerTest, AnswersARefusedClientThatSendsItsWholeBodyFirst) {
  serve({});
  Client client = connect();
  const std::string body(4 * 1024 * 1024, 'x');
  client.send(post("/small", body));
  EXPECT_EQ(client.read().body, std::to_string(body.size()) + " of 100");
}

TEST_F(HttpServerTest, RefusesAChunkedBodyOnceItPassesTheLimit) {
  serve({});
  Client client = connect();
  client.send("POST /small HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.send("64\r\n" + std::string(100, 'x') + "\r\n");
  client.send("1\r\n");
  EXPECT_EQ(client.read().body, "101 of 100");
  EXPECT_TRUE(client.is_ended());

  Client exact = connect();
  exact.send("POST /small HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" +
             std::string(100, 'x') + "\r\n0\r\n\r\n");
  EXPECT_EQ(exact.read().status, 200);

  Client liar = connect();
  liar.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n");
  EXPECT_EQ(liar.read().status, 413);
}

TEST_F(HttpServerTest, InvitesABodyThatTheClientHoldsBack) {
  serve({});
  Client client = connect();
  client.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n");
  EXPECT_EQ(client.read().status, 100);
  client.send("ok");
  EXPECT_EQ(client.read().body, "POST /p  ok");
  client.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read().status, 413) << "without an interim answer";

  Client stranger = connect();
  stranger.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: miracles\r\n\r\n");
  EXPECT_EQ(stranger.read().status, 417);
}

TEST_F(HttpServerTest, CarriesLargeBodiesBothWays) {
  serve({}, [](Request request) -> asio::awaitable<Response> {
    Response response;
    response.body = std::move(request.body);
    co_return response;
  });
  std::string body(9 * 1024 * 1024, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 2654435761U >> 13);
  Client client = connect();
  client.send(post("/large", body));
  EXPECT_TRUE(client.read().body == body);
}

TEST_F(HttpServerTest, RefusesAHeaderOverTheLimit) {
  serve({});
  Client client = connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(64 * 1024, 'x'));
  EXPECT_EQ(client.read().status, 431);
  EXPECT_TRUE(client.is_ended());

  Client large = connect();
  large.send(get("/", "X: " + std::string(63 * 1024, 'x') + "\r\n"));
  EXPECT_EQ(large.read().status, 200);
}

TEST_F(HttpServerTest, RefusesWhatIsNoRequest) {
  serve({}, [](Request) -> asio::awaitable<Response> {
    ADD_FAILURE() << "nothing of this may reach the handler";
    co_return Response{};
  });
  const std::vector<std::pair<std::string, int>> garbage = {
      {"GARBAGE\r\n\r\n", 400},
      {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15), 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET / HTTP/3.0\r\nHost: h\r\n\r\n", 505},
      {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400},
      {std::string("GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", 36), 400},
      {"GET /\r\nX HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1x\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", 400},
  };
  for (const auto& [bytes, status] : garbage) {
    Client client = connect();
    client.send(bytes);
    const Answer answer = client.read();
    EXPECT_EQ(answer.status, status) << bytes;
    EXPECT_THAT(answer.head, HasSubstr("X-Request-Id: "));
    EXPECT_TRUE(client.is_ended()) << bytes;
  }
}

TEST_F(HttpServerTest, EndsAChunkExtensionWithoutEnd) {
  serve({});
  Client client = connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;");
  boost::system::error_code refused;
  for (int i = 0; i < 100 && !refused; ++i) {
    try {
      client.send(std::string(4096, 'e'));
    } catch (const boost::system::system_error& error) {
      refused = error.code();
    }
  }
  EXPECT_NO_THROW(static_cast<void>(client.is_ended()));
}

TEST_F(HttpServerTest, KeepsConnectionsAsTheProtocolVersionSays) {
  serve({});
  Client modern = connect();
  modern.send(get("/", "Connection: close\r\n"));
  EXPECT_THAT(modern.read().head, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(modern.is_ended());
  Client old = connect();
  old.send("GET /old HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.read().body, "GET /old  ");
  EXPECT_TRUE(old.is_ended());
}

TEST_F(HttpServerTest, HeadSendsTheLengthWithoutTheBody) {
  serve({});
  Client client = connect();
  client.send("HEAD /h HTTP/1.1\r\nHost: h\r\n\r\n" + get("/next"));
  const Answer answer = client.read(false);
  EXPECT_THAT(answer.head, HasSubstr("Content-Length: 9\r\n"));
  EXPECT_EQ(client.read().body, "GET /next  ");
}

TEST_F(HttpServerTest, TakesTheAbsoluteFormOfATarget) {
  serve({});
  Client client = connect();
  client.send(get("http://host.example/v1/info?x=1"));
  EXPECT_EQ(client.read().body, "GET /v1/info x=1 ");
}

TEST_F(HttpServerTest, AHandlerThatThrowsIsA500WithoutItsText) {
  serve({}, [](Request) -> asio::awaitable<Response> {
    throw std::runtime_error("a secret");
    co_return Response{};
  });
  Client client = connect();
  client.send(get("/"));
  const Answer answer = client.read();
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.body, Not(HasSubstr("secret")));
}

TEST_F(HttpServerTest, AHeaderValueCannotEndItsField) {
  serve({}, [](Request) -> asio::awaitable<Response> {
    Response response;
    response.headers.add("X-Name", "a\r\nSet-Cookie: b");
    co_return response;
  });
  Client client = connect();
  client.send(get("/"));
  EXPECT_THAT(client.read().head, HasSubstr("X-Name: a  Set-Cookie: b\r\n"));
}

TEST_F(HttpServerTest, ServesManyClientsOnSeveralThreads) {
  serve({}, echo, 4);
  std::atomic<int> right = 0;
  std::vector<std::thread> clients;
  for (int c = 0; c < 16; ++c) {
    clients.emplace_back([&, c] {
      Client client = connect();
      for (int i = 0; i < 50; ++i) {
        const std::string body = std::to_string(c) + "." + std::to_string(i);
        client.send(post("/p", body));
        if (client.read().body == "POST /p  " + body) ++right;
      }
    });
  }
  for (std::thread& thread : clients) thread.join();
  EXPECT_EQ(right, 16 * 50);
}

TEST_F(HttpServerTest, SaysWhyItCannotListen) {
  serve({});
  HttpService service;
  service.respond = echo;
  service.body_bytes_max = [](std::string_view, std::string_view) { return 1; };
  try {
    HttpServer second(io_, {.port = server_->port()}, service);
    FAIL() << "two servers on one port";
  } catch (const EnvironmentError& error) {
    EXPECT_THAT(error.what(), HasSubstr(std::to_string(server_->port())));
  }
}

TEST(PercentDecode, DecodesEscapesOnlyWhenTheyAreWhole) {
  EXPECT_EQ(percent_decode("a%40b%2fC"), "a@b/C");
  EXPECT_EQ(percent_decode("+"), "+");
  for (const char* bad : {"%", "%4", "%4g", "a%zz"}) EXPECT_EQ(percent_decode(bad), std::nullopt) << bad;
}

// Keeps the socket it is given.
class Keeper final : public Takeover {
 public:
  void take(Socket socket) override { taken_.set_value(std::move(socket)); }
  Socket taken() { return taken_.get_future().get(); }

 private:
  std::promise<Socket> taken_;
};

TEST_F(HttpServerTest, GivesAConnectionAwayBeforeItIsAnswered) {
  const auto keeper = std::make_shared<Keeper>();
  serve({}, [&](Request) -> asio::awaitable<Response> {
    Response response{.status = 101, .headers = {}, .body = {}};
    response.takeover = keeper;
    co_return response;
  });
  Client client = connect();
  client.send(get("/"));
  Socket socket = keeper->taken();
  EXPECT_TRUE(drain(std::chrono::minutes(5))) << "it is not ours any more";
  asio::write(socket, asio::buffer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew", 41));
  EXPECT_EQ(client.read().body, "new");
}

TEST_F(HttpServerTest, AClientThatSpeaksBeforeTheProtocolHasChangedIsRefused) {
  const auto keeper = std::make_shared<Keeper>();
  serve({}, [&](Request) -> asio::awaitable<Response> {
    Response response{.status = 101, .headers = {}, .body = {}};
    response.takeover = keeper;
    co_return response;
  });
  Client client = connect();
  client.send(get("/") + "early");
  EXPECT_EQ(client.read().status, 400);
}

}  // namespace
}  // namespace countersign::net
