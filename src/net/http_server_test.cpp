// The HTTP server over real sockets. Deadlines are tiny where a test waits for one to pass; everything else
// waits for an event.
#include "net/http_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include "base/error.hpp"
#include "net/takeover.hpp"

namespace countersign::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

constexpr std::uint64_t kBodyMax = 100;
constexpr milliseconds kTiny{30};

// Holds a coroutine back until it is opened.
class Gate {
 public:
  explicit Gate(asio::io_context& io) : timer_(io, std::chrono::steady_clock::time_point::max()) {}
  asio::awaitable<void> wait() {
    reached_.set_value();
    boost::system::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await timer_.async_wait(token);
  }
  void await_reached() { reached_.get_future().wait(); }
  void open() {
    asio::post(timer_.get_executor(), [this] { timer_.cancel(); });
  }

 private:
  asio::steady_timer timer_;
  std::promise<void> reached_;
};

struct Answer {
  int status = 0;
  std::string head;
  std::string body;
};

class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(io_) {
    socket_.connect(tcp::endpoint(asio::ip::make_address("127.0.0.1"), port));
  }

  void send(std::string_view bytes) { asio::write(socket_, asio::buffer(bytes.data(), bytes.size())); }
  void send_byte_by_byte(std::string_view bytes) {
    socket_.set_option(tcp::no_delay(true));
    for (const char byte : bytes) send({&byte, 1});
  }

  // One answer; its body by Content-Length (none after HEAD or an interim answer).
  Answer read(bool with_body = true) {
    const std::size_t size = asio::read_until(socket_, asio::dynamic_buffer(buffer_), "\r\n\r\n");
    Answer answer{.status = std::stoi(buffer_.substr(9, 3)), .head = buffer_.substr(0, size), .body = {}};
    buffer_.erase(0, size);
    const std::size_t at = answer.head.find("Content-Length: ");
    if (with_body && at != std::string::npos) {
      const std::size_t length = std::stoul(answer.head.substr(at + 16));
      if (buffer_.size() < length) {
        asio::read(socket_, asio::dynamic_buffer(buffer_), asio::transfer_exactly(length - buffer_.size()));
      }
      answer.body = buffer_.substr(0, length);
      buffer_.erase(0, length);
    }
    return answer;
  }

  // True when the server ends the connection without another byte.
  bool is_ended() {
    char byte = 0;
    boost::system::error_code error;
    return buffer_.empty() && asio::read(socket_, asio::buffer(&byte, 1), error) == 0;
  }

  // What comes until the server ends the connection.
  std::string read_to_end() {
    boost::system::error_code error;
    asio::read(socket_, asio::dynamic_buffer(buffer_), error);
    return std::exchange(buffer_, {});
  }

  void await_first_byte() { socket_.wait(tcp::socket::wait_read); }
  void close() { socket_.close(); }

 private:
  asio::io_context io_;
  tcp::socket socket_;
  std::string buffer_;
};

class HttpServerTest : public testing::Test {
 protected:
  // Answers with what it got: method, path, query, body.
  static asio::awaitable<Response> echo(Request request) {
    Response response;
    response.body = request.method + " " + request.path + " " + request.query + " " + request.body;
    if (request.body_too_large) {
      response.status = 413;
      response.body = std::to_string(request.body_too_large->actual_bytes) + " of " +
                      std::to_string(request.body_too_large->max_bytes);
    }
    co_return response;
  }

  void serve(HttpOptions options, std::function<asio::awaitable<Response>(Request)> respond = echo,
             int threads = 1) {
    HttpService service;
    service.respond = std::move(respond);
    service.body_bytes_max = [](std::string_view, std::string_view path) {
      return path == "/large" ? 64ULL * 1024 * 1024 : kBodyMax;
    };
    server_ = std::make_unique<HttpServer>(io_, std::move(options), std::move(service));
    server_->start();
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { io_.run(); });
  }

  bool drain(milliseconds patience) {
    return asio::co_spawn(io_, server_->drain(patience), asio::use_future).get();
  }

  void TearDown() override {
    io_.stop();
    for (std::thread& thread : threads_) thread.join();
  }

  Client connect() { return Client(server_->port()); }

  asio::io_context io_;
  std::unique_ptr<HttpServer> server_;
  std::vector<std::thread> threads_;
};

std::string get(std::string_view target, std::string_view fields = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

std::string post(std::string_view path, std::string_view body) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

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
  EXPECT_TRUE(drain(std::chrono::seconds(10)));
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

TEST_F(HttpServerTest, AnswersAHalfSentRequestWithATimeout) {
  serve({.header_timeout = kTiny, .body_timeout = kTiny, .sweep_interval = milliseconds(5)});
  Client slow_header = connect();
  slow_header.send("GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(slow_header.read().status, 408);
  EXPECT_TRUE(slow_header.is_ended());
  Client slow_body = connect();
  slow_body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab");
  EXPECT_EQ(slow_body.read().status, 408);
  EXPECT_TRUE(slow_body.is_ended());
}

TEST_F(HttpServerTest, ADripOfBytesDoesNotExtendTheDeadline) {
  serve({.header_timeout = kTiny, .linger_timeout = kTiny, .sweep_interval = milliseconds(5)});
  Client client = connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\nX: ");
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_THROW(
      {
        while (std::chrono::steady_clock::now() - begun < std::chrono::seconds(20)) client.send("x");
      },
      boost::system::system_error);
}

TEST_F(HttpServerTest, ClosesAnIdleConnectionInSilence) {
  serve({.idle_timeout = kTiny, .sweep_interval = milliseconds(5)});
  Client client = connect();
  EXPECT_TRUE(client.is_ended());
}

TEST_F(HttpServerTest, GivesUpOnAClientThatDoesNotReadItsAnswer) {
  serve({.write_timeout = kTiny, .sweep_interval = milliseconds(5)},
        [](Request) -> asio::awaitable<Response> {
          Response response;
          response.body.assign(64ULL * 1024 * 1024, 'x');
          co_return response;
        });
  Client client = connect();
  client.send(get("/"));
  client.await_first_byte();
  EXPECT_TRUE(drain(std::chrono::seconds(60))) << "the deadline must end what the client holds up";
}

TEST_F(HttpServerTest, AHandlerIsNotTimedAndOutlivesItsClient) {
  Gate gate(io_);
  std::promise<std::string> finished;
  serve({.header_timeout = kTiny, .body_timeout = kTiny, .sweep_interval = milliseconds(1)},
        [&](Request request) -> asio::awaitable<Response> {
          co_await gate.wait();
          finished.set_value(request.path);
          co_return Response{};
        });
  Client client = connect();
  client.send(get("/approve"));
  gate.await_reached();
  client.close();
  Client other = connect();  // the server has since seen other events than the lost client
  other.send("BAD\r\n\r\n");
  EXPECT_EQ(other.read().status, 400);
  gate.open();
  EXPECT_EQ(finished.get_future().get(), "/approve");
}

TEST_F(HttpServerTest, DrainingFinishesWhatHasBegunAndClosesTheRest) {
  Gate gate(io_);
  serve({}, [&](Request request) -> asio::awaitable<Response> {
    if (request.path == "/slow") co_await gate.wait();
    Response response;
    response.body = request.path;
    co_return response;
  });
  Client idle = connect();
  idle.send(get("/quick"));
  EXPECT_EQ(idle.read().body, "/quick");
  Client busy = connect();
  busy.send(get("/slow"));
  gate.await_reached();

  auto drained = asio::co_spawn(io_, server_->drain(std::chrono::seconds(30)), asio::use_future);
  EXPECT_TRUE(idle.is_ended());
  EXPECT_THROW(connect(), boost::system::system_error);
  gate.open();
  const Answer answer = busy.read();
  EXPECT_EQ(answer.body, "/slow");
  EXPECT_THAT(answer.head, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(drained.get());
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(HttpServerTest, DrainingIsBoundedAndDoesNotCancelHandlers) {
  Gate gate(io_);
  std::promise<void> finished;
  serve({}, [&](Request) -> asio::awaitable<Response> {
    co_await gate.wait();
    finished.set_value();
    co_return Response{};
  });
  Client client = connect();
  client.send(get("/stuck"));
  gate.await_reached();
  EXPECT_FALSE(drain(kTiny));
  EXPECT_TRUE(client.is_ended());
  gate.open();
  EXPECT_NO_THROW(finished.get_future().get());
}

TEST_F(HttpServerTest, ClientsBeyondTheMaximumWaitForAPlace) {
  serve({.connections_max = 2});
  Client first = connect();
  Client second = connect();
  for (Client* client : {&first, &second}) {
    client->send(get("/in"));
    EXPECT_EQ(client->read().status, 200);
  }
  Client third = connect();
  third.send(get("/waited"));
  EXPECT_EQ(server_->connections(), 2U);
  first.close();
  EXPECT_EQ(third.read().body, "GET /waited  ");
}

TEST_F(HttpServerTest, RefusesBodiesThatHaveNoRoomTogether) {
  Gate gate(io_);
  serve({.body_bytes_in_flight_max = 1000}, [&](Request request) -> asio::awaitable<Response> {
    if (request.query == "hold") co_await gate.wait();
    co_return Response{};
  });
  Client first = connect();
  first.send(post("/large?hold", std::string(700, 'x')));
  gate.await_reached();
  Client second = connect();
  second.send(post("/large", std::string(700, 'x')));
  EXPECT_EQ(second.read().status, 503);
  gate.open();
  EXPECT_EQ(first.read().status, 200);
  Client third = connect();
  third.send(get("/"));  // first's room is given back before its next request is read
  EXPECT_EQ(third.read().status, 200);
  first.send(post("/large", std::string(700, 'x')));
  EXPECT_EQ(first.read().status, 200);
}

TEST_F(HttpServerTest, ABodyThatIsOnlyAnnouncedTakesNoRoom) {
  serve({.body_bytes_in_flight_max = 1000});
  Client idler = connect();
  idler.send("POST /large HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(idler.read().status, 100);
  Client other = connect();
  other.send(post("/large", std::string(700, 'x')));
  EXPECT_EQ(other.read().status, 200);
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
  EXPECT_TRUE(drain(std::chrono::seconds(60))) << "it is not ours any more";
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
