// An SMTP server for tests that does what a script says: honest by default, and wrong where it is told to be.
// In process, on 127.0.0.1, with threads of its own and blocking sockets, so that nothing is shared with the
// client under test. It records each dialogue.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/say.hpp"

namespace countersign::test {

/// How one connection goes. An answer may hold several lines, with CRLF between them. `replies` overrides the
/// honest answer to a step: "greeting", a command's verb
/// ("EHLO", "MAIL", …), a whole command line ("RCPT TO:<b@x.example>"), or "." for the final dot. Several
/// answers are used one after another; the last one stays. The name "idle" is said, unasked, after a message
/// was answered.
struct Script {
  std::vector<std::string> extensions{"PIPELINING", "SIZE 10485760", "8BITMIME", "SMTPUTF8",
                                      "ENHANCEDSTATUSCODES"};
  std::vector<std::string> extensions_under_tls;  // empty: the same without STARTTLS
  std::map<std::string, std::vector<Say>> replies;
  bool implicit_tls = false;
  bool record_per_line = false;  // under TLS: what is said together is one segment of several records
  std::string username;          // what AUTH has to bring
  std::string password;
  /// After that many octets of content: this is said, and done.
  std::optional<std::pair<std::size_t, Say>> in_content;
};

/// A message of which the final dot was seen.
struct ReceivedMessage {
  std::string mail_from;             // the command line
  std::vector<std::string> rcpt_to;  // command lines that were answered with 2xx
  std::string content;               // stuffed dots removed
};

class ScriptedSmtpServer {
 public:
  /// Connection n follows scripts[n], those after the last follow the last. Certificate and key are PEM
  /// files.
  explicit ScriptedSmtpServer(std::vector<Script> scripts, std::string certificate_file = "",
                              std::string key_file = "");
  ~ScriptedSmtpServer();
  ScriptedSmtpServer(const ScriptedSmtpServer&) = delete;
  ScriptedSmtpServer& operator=(const ScriptedSmtpServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// Waits until `count` connections have ended. False: that did not happen within ten seconds.
  [[nodiscard]] bool wait_for_ended(std::size_t count);
  [[nodiscard]] std::size_t connections() const;
  /// "C: …" and "S: …" lines of a connection. Commands that arrived together stand together; content is shown
  /// as its number of octets, TLS as "-- TLS --", the end as "-- closed by the client --" or "… server --".
  [[nodiscard]] std::string transcript(std::size_t connection) const;
  [[nodiscard]] std::vector<ReceivedMessage> messages() const;
  [[nodiscard]] bool saw_final_dot() const;

 private:
  class Connection;
  void accept_loop();

  std::vector<Script> scripts_;
  std::shared_ptr<void> tls_context_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable ended_changed_;
  std::size_t ended_ = 0;
  std::list<std::unique_ptr<Connection>> open_;
  std::vector<std::string> transcripts_;
  std::vector<ReceivedMessage> messages_;
  bool saw_final_dot_ = false;
  std::thread acceptor_;
};

}  // namespace countersign::test
