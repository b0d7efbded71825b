// One connection to a relay: from connect to QUIT, with TLS, EHLO and AUTH done once and any number of
// messages after that. Which message, when, and what becomes of the reply are not known here.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "provider/smtp/options.hpp"
#include "provider/smtp/response.hpp"
#include "provider/smtp/stream.hpp"
#include "provider/smtp/wire.hpp"
#include "provider/transport.hpp"

namespace countersign::provider::smtp {

/// Used on `strand` only, where it also has to be destroyed. Options and TLS client outlive it.
class Session {
 public:
  Session(boost::asio::any_io_executor strand, const RelayOptions& options, const TlsClient& tls);

  /// Connects, greets, encrypts and authenticates as the options say. Nothing: ready for messages. Otherwise
  /// the fault of the session.
  [[nodiscard]] boost::asio::awaitable<std::optional<Reply>> open();

  /// Carries one message through MAIL, RCPT, DATA, content, fence and final dot. `message` and `fence` must
  /// outlive the call; the addresses are wire addresses. Afterwards see reusable().
  [[nodiscard]] boost::asio::awaitable<Reply> send(const HandOver& message, const Fence& fence);

  /// QUIT, its answer for a short while, and the end of the connection.
  [[nodiscard]] boost::asio::awaitable<void> quit();

  /// True when another message may be sent over this connection.
  [[nodiscard]] bool reusable() const noexcept { return usable_; }
  [[nodiscard]] std::size_t messages() const noexcept { return messages_; }
  [[nodiscard]] const boost::asio::any_io_executor& strand() const noexcept { return strand_; }

 private:
  friend class Transaction;
  using Answer = Result<Response, Fault>;

  boost::asio::awaitable<std::optional<Reply>> hello();
  boost::asio::awaitable<std::optional<Reply>> start_tls();
  boost::asio::awaitable<std::optional<Reply>> authenticate();
  boost::asio::awaitable<Answer> authenticate_plain(std::string password);
  boost::asio::awaitable<Answer> authenticate_login(std::string password);
  /// Sends `line` + CRLF and reads one reply; the deadline holds for each of the two.
  boost::asio::awaitable<Answer> ask(std::string line, std::chrono::milliseconds patience);
  boost::asio::awaitable<Answer> read_response(std::chrono::milliseconds patience);
  /// Nothing when `answer` means "go on" in this phase.
  std::optional<Reply> judge(Phase phase, const Answer& answer);

  boost::asio::any_io_executor strand_;
  const RelayOptions& options_;
  Stream stream_;
  ResponseParser parser_;
  Capabilities relay_;
  bool usable_ = false;
  bool needs_reset_ = false;
  std::size_t messages_ = 0;
};

/// The reply for an answer in a phase, by the table of verdict.hpp.
[[nodiscard]] Reply to_reply(Phase phase, const Result<Response, Fault>& answer);

}  // namespace countersign::provider::smtp
