// What an idle WebSocket costs the process that serves it: the hub and the HTTP server alone, without the
// REST API before them.
//
//   websocket_memory SOCKETS FOLDER
//
// The clients are another process; each holds one connection of an agent of its own. Printed is what the
// resident memory of the serving process grew by between the first thousand and the last, per socket. The
// kernel's memory for the connections is not in it.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <fstream>
#include <iostream>
#include <thread>

#include "agent/ws/hub.hpp"
#include "net/http_server.hpp"
#include "store/open.hpp"

namespace {

namespace asio = boost::asio;
namespace cs = countersign;
using asio::ip::tcp;
using cs::store::Query;

constexpr int kFirst = 1'000;

constexpr Query kUser("bench.user",
                      "INSERT INTO users (id, email, created_at_us) VALUES ('u', 'o@example.com', 1)");
constexpr Query kKey("bench.key",
                     "INSERT INTO api_keys (id, user_id, scope, key_hash, key_prefix, created_at_us) VALUES "
                     "('apk_0123456789abcdef0123456789abcdef', 'u', 'account', 'h', 'p', 1)");
constexpr Query kAgent("bench.agent",
                       "INSERT INTO agents (email, user_id, domain, registered_domain, created_at_us) VALUES "
                       "($1, 'u', 'agents.localhost', 'agents.localhost', 1)");

std::string agent_of(std::string_view path) { return std::string(path.substr(1)) + "@agents.localhost"; }

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/smaps_rollup");
  std::string word;
  while (file >> word) {
    if (word == "Pss:") {
      std::int64_t kilobytes = 0;
      file >> kilobytes;
      return kilobytes * 1024;
    }
  }
  return 0;
}

void allow_files() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

// Connects one after another, says so on `out` after the first thousand and at the end, and goes when `in`
// ends.
[[noreturn]] void be_clients(int sockets, int in, int out) {
  std::uint16_t port = 0;
  if (::read(in, &port, sizeof port) != sizeof port) ::_exit(1);
  asio::io_context io;
  std::vector<tcp::socket> all;
  for (int i = 0; i < sockets; ++i) {
    if (i == kFirst) [[maybe_unused]]
      const ssize_t told = ::write(out, "f", 1);
    char go = 0;
    if (i == kFirst && ::read(in, &go, 1) != 1) ::_exit(1);
    tcp::socket socket(io);
    socket.connect({asio::ip::make_address("127.0.0.1"), port});
    const std::string request = fmt::format(
        "GET /a{} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        i);
    asio::write(socket, asio::buffer(request));
    std::string answer;
    asio::read_until(socket, asio::dynamic_buffer(answer), "\r\n\r\n");
    if (!answer.starts_with("HTTP/1.1 101")) ::_exit(2);
    all.push_back(std::move(socket));
  }
  [[maybe_unused]] const ssize_t told = ::write(out, "l", 1);
  char end = 0;
  while (::read(in, &end, 1) > 0) {
  }
  ::_exit(0);
}

void await(int from) {
  char word = 0;
  if (::read(from, &word, 1) != 1) throw std::runtime_error("the clients have ended");
  std::this_thread::sleep_for(std::chrono::seconds(2));  // what follows each handshake
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "websocket_memory SOCKETS FOLDER\n";
    return 2;
  }
  const int sockets = std::stoi(argv[1]);
  allow_files();
  int to_clients[2];
  int from_clients[2];
  if (::pipe(to_clients) != 0 || ::pipe(from_clients) != 0) return 1;
  if (::fork() == 0) {
    ::close(to_clients[1]);
    be_clients(sockets, to_clients[0], from_clients[1]);
  }
  ::close(to_clients[0]);
  ::close(from_clients[1]);

  cs::store::Options options;
  options.url = std::string("sqlite:") + argv[2] + "/memory.db";
  const auto database = cs::store::open(options);
  (void)database->write([&](cs::store::Tx& tx) {
    std::int64_t made = tx.execute(kUser) + tx.execute(kKey);
    for (int i = 0; i < sockets; ++i) made += tx.execute(kAgent, {fmt::format("a{}@agents.localhost", i)});
    return made;
  });
  asio::io_context io;
  const cs::SystemClock clock;
  cs::agent::ws::HubOptions hub_options;
  hub_options.node = "node_1";
  cs::agent::ws::Hub hub(io.get_executor(), *database, clock, hub_options, {});
  cs::net::HttpService service;
  service.body_bytes_max = [](std::string_view, std::string_view) { return std::uint64_t{0}; };
  service.respond = [&](cs::net::Request request) -> asio::awaitable<cs::net::Response> {
    cs::net::Response response{.status = 101, .headers = {}, .body = {}};
    cs::agent::ws::Admission admission{
        cs::UserId("u"), agent_of(request.path), cs::ApiKeyId("apk_0123456789abcdef0123456789abcdef"), {}};
    response.takeover = hub.admit(std::move(admission), request.headers, request.request_id);
    co_return response;
  };
  cs::net::HttpServer server(io, {}, std::move(service));
  server.start();
  auto done = asio::co_spawn(io, hub.run(), asio::use_future);
  auto work = asio::make_work_guard(io);
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) threads.emplace_back([&] { io.run(); });

  const std::uint16_t port = server.port();
  if (::write(to_clients[1], &port, sizeof port) != sizeof port) return 1;
  await(from_clients[0]);
  const std::int64_t before = resident_bytes();
  const auto begun = std::chrono::steady_clock::now();
  if (::write(to_clients[1], "g", 1) != 1) return 1;
  await(from_clients[0]);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  const std::int64_t after = resident_bytes();
  fmt::print("{} idle WebSockets: {} bytes each, {:.0f} handshakes/s one after another\n", hub.connections(),
             (after - before) / (sockets - kFirst), (sockets - kFirst) / (took.count() - 2));
  ::close(to_clients[1]);
  hub.stop();
  done.get();
  work.reset();
  io.stop();
  for (std::thread& thread : threads) thread.join();
  database->stop();
  ::wait(nullptr);
  return 0;
}
