// One message on an open session: MAIL, RCPT, DATA, content, fence, final dot (RFC 5321 §3.3, RFC 2920).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "provider/smtp/session.hpp"

namespace countersign::provider::smtp {

class Transaction {
 public:
  /// All three outlive the transaction.
  Transaction(Session& session, const HandOver& message, const Fence& fence);
  /// Runs once.
  [[nodiscard]] boost::asio::awaitable<Reply> run();

 private:
  std::optional<Reply> refuse_locally() const;
  boost::asio::awaitable<std::optional<Reply>> envelope();
  boost::asio::awaitable<std::optional<Reply>> one_by_one();
  boost::asio::awaitable<std::optional<Reply>> pipelined();
  boost::asio::awaitable<std::optional<Reply>> read_flight(std::size_t begin, std::size_t end);
  boost::asio::awaitable<Session::Answer> read(Phase phase);
  std::optional<Reply> judge(Phase phase, const Session::Answer& answer);
  std::optional<Reply> take_rcpt(std::size_t recipient, const Session::Answer& answer);
  bool anybody_accepted() const noexcept { return accepted_ > 0; }
  Reply nobody_accepted() const;
  boost::asio::awaitable<std::optional<Reply>> send_content();
  boost::asio::awaitable<std::optional<Reply>> interruption();
  boost::asio::awaitable<Reply> finish();
  boost::asio::awaitable<void> end_empty_data();
  std::string mail_line() const;
  std::string rcpt_line(std::size_t recipient) const;

  Session& session_;
  const HandOver& message_;
  const Fence& fence_;
  ContentFacts content_;
  bool smtputf8_;
  std::vector<std::string> recipients_;  // those that may stand in a command
  std::vector<RecipientReply> refused_;  // or deferred
  std::size_t accepted_ = 0;             // at RCPT
  bool broken_ = false;                  // the connection is of no more use
};

}  // namespace countersign::provider::smtp
