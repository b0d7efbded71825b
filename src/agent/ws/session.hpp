// One WebSocket: its stream, its deadlines, and its place in the log of its agent. Internal to agent/ws.
//
// Holds no events beyond the few it is about to write: a client that reads slowly stays where it is in the
// log, and costs nothing else. Everything but the atomics runs on the socket's strand.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "agent/ws/admission.hpp"
#include "agent/ws/hub.hpp"
#include "listener/listener.hpp"
#include "net/socket.hpp"

namespace countersign::agent::ws {

using HandshakeRequest = boost::beast::http::request<boost::beast::http::empty_body>;

/// Why we close. The first one counts.
enum class Closing : std::uint8_t {
  none,
  replaced,
  ping_timeout,
  shutting_down,
  too_slow,
  forbidden,
  too_many_frames,
  unavailable,
};

/// One of the connections that a node may have at a time.
class Seat {
 public:
  explicit Seat(std::shared_ptr<std::atomic<std::size_t>> taken) : taken_(std::move(taken)) {}
  ~Seat() { --*taken_; }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

 private:
  const std::shared_ptr<std::atomic<std::size_t>> taken_;
};

class Session;
using SessionPtr = std::shared_ptr<Session>;

/// What a session needs of the hub. Everything may be called on any thread.
class Owner {
 public:
  Owner(store::Database& database, const Clock& clock, HubOptions options, HubHooks hooks)
      : database(database), clock(clock), options(std::move(options)), hooks(std::move(hooks)) {}
  virtual ~Owner() = default;
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

  /// It is there, and has deadlines.
  virtual void entered(const SessionPtr& session) = 0;
  /// It is its agent's listener, with this epoch. It is to be roused soon.
  virtual void joined(const SessionPtr& session, std::int64_t epoch) = 0;
  /// It could not read the log: it is to be roused when that can be done again.
  virtual void fell_behind(const SessionPtr& session) = 0;
  virtual void left(const SessionPtr& session) = 0;

  store::Database& database;
  const Clock& clock;
  const HubOptions options;
  const HubHooks hooks;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<Owner> owner, std::unique_ptr<Seat> seat, Admission admission, net::Socket socket);

  /// Answers the handshake and begins.
  void start(const HandshakeRequest& request, const std::string& request_id);

  /// The log may be read up to there, and may hold something for it. Any thread.
  void rouse(const journal::Place& until);
  /// Any thread.
  void close(Closing why);
  /// Whether a deadline has passed. Any thread.
  [[nodiscard]] bool is_due(std::chrono::steady_clock::time_point now) const noexcept;
  /// Acts on what has passed. Any thread.
  void look_at_clock();

  [[nodiscard]] const std::string& agent_email() const noexcept { return admission_.agent_email; }
  [[nodiscard]] const ApiKeyId& key() const noexcept { return admission_.key; }
  [[nodiscard]] const listener::ListenerId& id() const noexcept { return id_; }

 private:
  using Time = std::chrono::steady_clock::time_point;
  using Stream = boost::beast::websocket::stream<net::Socket, false>;

  boost::asio::awaitable<void> open(HandshakeRequest request);
  boost::asio::awaitable<bool> accept(const HandshakeRequest& request);
  boost::asio::awaitable<void> begin();
  boost::asio::awaitable<void> push();
  boost::asio::awaitable<bool> push_some();
  boost::asio::awaitable<bool> write(const std::string& text);
  void spawn(boost::asio::awaitable<void> work);
  void configure(const std::string& request_id);
  [[nodiscard]] bool wants(const journal::Told& event) const;
  void push_if_due();
  void read();
  void count_frame();
  void begin_closing(Closing why);
  void end(std::string_view why);
  void act_on_deadlines();
  void arm();

  const std::shared_ptr<Owner> owner_;
  std::unique_ptr<Seat> seat_;
  const Admission admission_;
  const listener::ListenerId id_;
  const UtcTime connected_at_;
  Stream stream_;
  std::array<char, 256> chunk_{};  // what clients say is not kept
  journal::Place from_;            // the first event it was not told of
  journal::Place until_;           // how far the log may be read
  std::set<std::string> told_;     // events behind from_ that it was told of as unread messages
  Time next_ping_ = Time::max();
  Time pong_until_ = Time::max();
  Time write_until_ = Time::max();
  Time close_until_ = Time::max();
  std::atomic<std::int64_t> deadline_ns_;  // the first of these
  Time frames_since_;
  std::size_t frames_ = 0;
  Closing closing_ = Closing::none;
  bool accepted_ = false;
  bool claimed_ = false;
  bool begun_ = false;    // it was told of what there was at first
  bool pushing_ = false;  // one coroutine does
  bool behind_ = false;   // the log could not be read: the hub rouses it
  bool ended_ = false;
};

}  // namespace countersign::agent::ws
