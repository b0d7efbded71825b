// One client's session as a state machine without I/O: bytes in, replies and what to do next out.
//
// The caller feeds what was received with advance() and does what it says. Replies gather in `out` and are
// written when the session has nothing more to read, so that a pipelined group is answered in one piece
// (RFC 2920 §3.2).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "inbound/intake.hpp"
#include "inbound/smtp/command.hpp"
#include "inbound/smtp/content.hpp"
#include "inbound/smtp/options.hpp"

namespace countersign::inbound::smtp {

/// What the sessions of one receiver share.
struct SessionContext {
  const ReceiverOptions& options;
  const ReceiverHooks& hooks;
  ContentBudget& budget;
  const std::atomic<bool>& draining;
};

struct ReceivedMessage {
  Envelope envelope;
  std::shared_ptr<const std::string> content;
};

class Session {
 public:
  enum class Next : std::uint8_t {
    read,           // write `out`, then feed more
    ask_recipient,  // ask about recipient_in_question(), answer with recipient_answer()
    accept,         // hand message() over, answer with message_answer()
    start_tls,      // write `out`, shake hands, then tls_started()
    close,          // write `out` and close
  };
  enum class Phase : std::uint8_t { command, content };

  /// starttls: whether to offer it.
  Session(const SessionContext& context, Dialect dialect, boost::asio::ip::address client, bool starttls);
  ~Session();

  /// Before the greeting: a proxy has said who the client is.
  void client_is(boost::asio::ip::address client) { client_.address = std::move(client); }
  /// Appends the greeting.
  void greet(std::string& out) const;
  /// Consumes from the front of `input` and appends replies. With Next::read all of `input` is consumed;
  /// otherwise the rest is fed again after what is to be done.
  [[nodiscard]] Next advance(std::string_view& input, std::string& out);

  [[nodiscard]] const std::string& recipient_in_question() const noexcept { return question_; }
  /// Says what to do next: read or close.
  [[nodiscard]] Next recipient_answer(RecipientAnswer answer, std::string& out);
  /// The message, once.
  [[nodiscard]] ReceivedMessage message();
  /// One answer for each recipient of the envelope. Says what to do next: read or close.
  [[nodiscard]] Next message_answer(const std::vector<AcceptAnswer>& answers, std::string& out);
  /// TLS is active, `description` as in Client::tls. Whatever the client said in clear is forgotten (RFC 3207
  /// §4.2).
  void tls_started(std::string description);

  /// A deadline passed while waiting for the client: the last words.
  void time_out(std::string& out);
  /// The server stops: the last words to a client without a transaction.
  void say_stopping(std::string& out);
  /// The client is gone.
  void lost();

  [[nodiscard]] bool in_transaction() const noexcept { return transaction_ != nullptr; }
  [[nodiscard]] Phase phase() const noexcept;
  /// Content is under way; between its chunks, too.
  [[nodiscard]] bool in_content() const noexcept;
  /// The beginning of a command is there, and not its end.
  [[nodiscard]] bool in_command() const noexcept { return !line_.empty() || overlong_bytes_ > 0; }
  /// So many have begun in this session.
  [[nodiscard]] std::uint32_t commands_begun() const noexcept { return commands_begun_; }
  [[nodiscard]] std::uint32_t contents_begun() const noexcept { return contents_begun_; }
  /// Of the content under way.
  [[nodiscard]] std::uint64_t content_bytes() const noexcept;
  /// The client waits for nothing after the last reply, as after QUIT: there is no need to linger.
  [[nodiscard]] bool ended_by_client() const noexcept { return quit_; }

 private:
  enum class Mode : std::uint8_t { command, data, chunk, closed };
  struct Transaction;

  [[nodiscard]] const Limits& limits() const noexcept { return context_.options.limits; }
  Next take_line(std::string_view& input, std::string& out);
  Next take_overlong(std::string_view piece, std::string& out);
  Next run_line(std::string_view line, bool more_input, std::string& out);
  Next run(const Command& command, bool more_input, std::string& out);
  std::string_view state_refusal(const CommandRule& rule) const;
  Next hello(const Command& command, std::string& out);
  void list_extensions(std::string& out) const;
  Next mail(std::string_view argument, std::string& out);
  Next rcpt(std::string_view argument, std::string& out);
  Next data(std::string& out);
  Next bdat(std::string_view argument, std::string& out);
  std::string_view bdat_refusal() const;
  /// The answer to content for which nobody was accepted.
  [[nodiscard]] std::string_view nobody_to_serve() const;
  Next start_tls(bool more_input, std::string& out);
  Next take_data(std::string_view& input, std::string& out);
  Next take_chunk(std::string_view& input, std::string& out);
  Next end_chunk(std::string& out);
  Next end_content(std::string& out);
  void begin_content(ContentReader::Framing framing);
  Next refuse_content(ContentFault fault, std::string& out);
  Next recipient_refused(std::string_view reason, std::string_view reply, std::string& out);
  Next recipient_put_off(std::string_view reason, std::string_view reply, std::string& out);
  Next refuse(std::string_view reply, std::string& out);
  Next hang_up(std::string_view reply, std::string_view reason, std::string& out);
  Next end_transaction(std::string& out);
  void count_message(std::string_view outcome) const;
  void count_refused(std::string_view reason) const;
  [[nodiscard]] std::string protocol() const;

  const SessionContext& context_;
  Client client_;
  std::unique_ptr<Transaction> transaction_;
  std::string line_;      // the beginning of a command line
  std::string question_;  // the recipient that is being looked up
  std::uint64_t chunk_left_ = 0;
  std::uint64_t chunk_octets_ = 0;
  std::uint64_t drained_ = 0;  // chunk bytes that belong to no message
  std::uint32_t overlong_bytes_ = 0;
  std::uint32_t errors_ = 0;
  std::uint32_t refused_recipients_ = 0;
  std::uint32_t put_off_recipients_ = 0;
  std::uint32_t commands_begun_ = 0;
  std::uint32_t contents_begun_ = 0;
  std::uint32_t idle_commands_ = 0;
  std::uint32_t transactions_ = 0;
  const Dialect dialect_;
  Mode mode_ = Mode::command;
  const bool starttls_;
  bool greeted_ = false;
  bool extended_ = false;  // EHLO or LHLO, not HELO
  bool quit_ = false;
  bool last_chunk_ = false;
  bool overlong_after_cr_ = false;
  std::string_view chunk_refusal_;  // the reply once the chunk is swallowed
};

}  // namespace countersign::inbound::smtp
