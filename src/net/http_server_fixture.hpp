// The HTTP server on a real socket, and a client that says byte by byte what it wants.
#pragma once

#include <gtest/gtest.h>

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
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/http_server.hpp"

namespace countersign::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;

inline constexpr std::uint64_t kBodyMax = 100;
inline constexpr milliseconds kTiny{30};

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

inline std::string get(std::string_view target, std::string_view fields = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

inline std::string post(std::string_view path, std::string_view body) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

}  // namespace countersign::net
