// What clients of the HTTP server may cost: deadlines, room, the end of a connection and of the server.
#include <gmock/gmock.h>

#include <atomic>

#include "net/http_server_fixture.hpp"

namespace countersign::net {
namespace {

using testing::HasSubstr;

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
        while (std::chrono::steady_clock::now() - begun < std::chrono::minutes(5)) client.send("x");
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
  EXPECT_TRUE(drain(std::chrono::minutes(5))) << "the deadline must end what the client holds up";
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

  auto drained = asio::co_spawn(io_, server_->drain(std::chrono::minutes(5)), asio::use_future);
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

}  // namespace
}  // namespace countersign::net
