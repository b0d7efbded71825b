#include "support/scripted_smtp_server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/assert.hpp"
#include "base/crypto.hpp"
#include "base/text.hpp"
#include "support/server_socket.hpp"

namespace countersign::test {
namespace {

// How long a test waits for what its client is to do; only one that fails takes so long.
constexpr std::chrono::minutes kPatience{5};

}  // namespace

// One accepted connection and its thread.
class ScriptedSmtpServer::Connection {
 public:
  Connection(ScriptedSmtpServer& server, Script script, int socket, std::size_t index)
      : server_(server), script_(std::move(script)), socket_(socket), index_(index) {
    thread_ = std::thread([this] { run(); });
  }
  ~Connection() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

 private:
  enum class End : std::uint8_t { none, client, server };

  void run() {
    converse();
    note(end_ == End::server ? "-- closed by the server --" : "-- closed by the client --");
    if (tls_) SSL_free(tls_);
    ::shutdown(socket_, SHUT_RDWR);
    const std::lock_guard lock(server_.mutex_);
    ++server_.ended_;
    server_.ended_changed_.notify_all();
  }

  void converse() {
    if (script_.implicit_tls && !start_tls()) return;
    if (!answer({"greeting"}, "220 relay.test ESMTP")) return;
    std::string line;
    while (read_line(line)) {
      note("C: " + line);
      if (!handle(line)) return;
    }
  }

  // The scripted answer to the first of `names` that has one, else `honest`. False: the dialogue is over.
  bool answer(const std::vector<std::string>& names, std::string honest) {
    Say say(std::move(honest));
    for (const std::string& name : names) {
      const auto found = script_.replies.find(name);
      if (found == script_.replies.end()) continue;
      std::vector<Say>& answers = found->second;
      say = answers.front();
      if (answers.size() > 1) answers.erase(answers.begin());
      break;
    }
    return perform(say);
  }

  bool perform(const Say& say) {
    last_code_ = say.text.substr(0, 3);
    if (!say.text.empty()) queue(say.text);
    if (say.then == Say::Then::go_on) return true;
    flush();
    if (say.then == Say::Then::hold) {
      std::string ignored;
      while (read_line(ignored)) {
      }
      return false;
    }
    if (say.then == Say::Then::stall) {
      pollfd gone{socket_, POLLRDHUP, 0};
      ::poll(&gone, 1, -1);
      end_ = End::client;
      return false;
    }
    if (say.then == Say::Then::reset) {
      disconnect_with_reset(socket_);
    }
    end_ = End::server;
    return false;
  }

  bool handle(const std::string& line) {
    const std::string verb = upper(line.substr(0, line.find(' ')));
    if (verb == "EHLO") return answer({verb}, ehlo_text());
    if (verb == "HELO") return answer({verb}, "250 relay.test");
    if (verb == "STARTTLS") {
      if (!answer({verb}, "220 2.0.0 Ready to start TLS")) return false;
      return !last_code_.starts_with('2') || start_tls();
    }
    if (verb == "AUTH") return authenticate(line);
    if (verb == "MAIL") {
      current_ = ReceivedMessage{line, {}, {}};
      if (!answer({line, verb}, "250 2.1.0 Ok")) return false;
      mail_given_ = last_code_.starts_with('2');
      return true;
    }
    if (verb == "RCPT") {
      const bool go_on = answer({line, verb}, mail_given_ ? "250 2.1.5 Ok" : "503 5.5.1 Need MAIL");
      if (go_on && last_code_.starts_with('2')) current_.rcpt_to.push_back(line);
      return go_on;
    }
    if (verb == "DATA") {
      const bool ready = mail_given_ && !current_.rcpt_to.empty();
      if (!answer({verb}, ready ? "354 End data with <CR><LF>.<CR><LF>" : "503 5.5.1 No valid recipients")) {
        return false;
      }
      return last_code_ != "354" || receive_content();
    }
    if (verb == "RSET") {
      mail_given_ = false;
      current_ = {};
      return answer({verb}, "250 2.0.0 Ok");
    }
    if (verb == "QUIT") {
      if (!answer({verb}, "221 2.0.0 Bye")) return false;
      flush();
      end_ = End::server;
      return false;
    }
    return answer({verb}, "500 5.5.2 Unknown command");
  }

  bool receive_content() {
    std::string line;
    std::string content;
    while (read_line(line, &content)) {
      if (line == ".") {
        note("C: [content, " + std::to_string(content.size()) + " octets]");
        note("C: .");
        {
          const std::lock_guard lock(server_.mutex_);
          server_.saw_final_dot_ = true;
        }
        const bool go_on = answer({"."}, "250 2.0.0 Ok: queued as TEST1");
        if (last_code_.starts_with('2')) {
          current_.content = std::move(content);
          const std::lock_guard lock(server_.mutex_);
          server_.messages_.push_back(current_);
        }
        current_ = {};
        mail_given_ = false;
        return go_on && (!script_.replies.contains("idle") || answer({"idle"}, ""));
      }
      if (line.starts_with('.')) line.erase(0, 1);
      content += line + "\r\n";
      if (script_.in_content && content.size() >= script_.in_content->first) {
        return perform(script_.in_content->second);
      }
    }
    return false;
  }

  bool authenticate(const std::string& line) {
    std::string user;
    std::string password;
    if (line.starts_with("AUTH PLAIN")) {
      std::string encoded = line.size() > 11 ? line.substr(11) : "";
      if (encoded.empty() && !ask("334 ", encoded)) return false;
      const std::string decoded = base64_decode(encoded).value_or("");
      const std::size_t first = std::min(decoded.find('\0'), decoded.size());
      const std::size_t second = std::min(decoded.find('\0', first + 1), decoded.size());
      user = decoded.substr(std::min(first + 1, decoded.size()), second - std::min(first + 1, second));
      password = decoded.substr(std::min(second + 1, decoded.size()));
    } else {
      std::string encoded;
      if (!ask("334 VXNlcm5hbWU6", encoded)) return false;
      user = base64_decode(encoded).value_or("");
      if (!ask("334 UGFzc3dvcmQ6", encoded)) return false;
      password = base64_decode(encoded).value_or("");
    }
    const bool right = user == script_.username && password == script_.password;
    return answer({"AUTH"},
                  right ? "235 2.7.0 Authentication successful" : "535 5.7.8 Authentication failed");
  }

  bool ask(const std::string& challenge, std::string& line) {
    queue(challenge);
    if (!read_line(line)) return false;
    note("C: " + line);
    return true;
  }

  std::string ehlo_text() const {
    std::vector<std::string> words = script_.extensions;
    if (tls_ != nullptr) {
      std::erase(words, "STARTTLS");
      if (!script_.extensions_under_tls.empty()) words = script_.extensions_under_tls;
    }
    words.insert(words.begin(), "relay.test");
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (i > 0) text += "\r\n";
      text += (i + 1 < words.size() ? "250-" : "250 ") + words[i];
    }
    return text;
  }

  static std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return text;
  }

  bool start_tls() {
    flush();
    input_.clear();
    tls_ = SSL_new(static_cast<SSL_CTX*>(server_.tls_context_.get()));
    SSL_set_fd(tls_, socket_);
    if (SSL_accept(tls_) != 1) return false;
    note("-- TLS --");
    return true;
  }

  // A line without its end. Answers leave when no further command is waiting, as in a server with PIPELINING.
  // `content` collected so far is recorded when the client goes away in the middle of it.
  bool read_line(std::string& line, const std::string* content = nullptr) {
    while (true) {
      if (const std::size_t end = input_.find("\r\n"); end != std::string::npos) {
        line = input_.substr(0, end);
        input_.erase(0, end + 2);
        return true;
      }
      flush();
      std::array<char, 65536> bytes{};
      const auto got = tls_ != nullptr ? SSL_read(tls_, bytes.data(), static_cast<int>(bytes.size()))
                                       : static_cast<int>(::recv(socket_, bytes.data(), bytes.size(), 0));
      if (got <= 0) {
        if (content != nullptr)
          note("C: [content, " + std::to_string(content->size()) + " octets, no final dot]");
        end_ = End::client;
        return false;
      }
      input_.append(bytes.data(), static_cast<std::size_t>(got));
    }
  }

  void queue(const std::string& text) { output_ += text + "\r\n"; }

  void flush() {
    if (output_.empty()) return;
    for (std::string_view rest = output_; !rest.empty();) {
      const std::size_t end = rest.find("\r\n");
      note("S: " + std::string(rest.substr(0, std::min<std::size_t>(end, 200))));
      rest.remove_prefix(end + 2);
    }
    if (tls_ != nullptr) {
      write_records();
    } else {
      for (std::string_view rest = output_; !rest.empty();) {
        const auto sent = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(sent));
      }
    }
    output_.clear();
  }

  void write_records() {
    if (!script_.record_per_line) {
      SSL_write(tls_, output_.data(), static_cast<int>(output_.size()));
      return;
    }
    const auto cork = [this](int on) { ::setsockopt(socket_, IPPROTO_TCP, TCP_CORK, &on, sizeof on); };
    cork(1);
    for (std::string_view rest = output_; !rest.empty();) {
      const std::size_t end = rest.find("\r\n") + 2;
      SSL_write(tls_, rest.data(), static_cast<int>(end));
      rest.remove_prefix(end);
    }
    cork(0);
  }

  void note(const std::string& line) {
    const std::lock_guard lock(server_.mutex_);
    server_.transcripts_[index_] += line + "\n";
  }

  ScriptedSmtpServer& server_;
  Script script_;
  int socket_;
  std::size_t index_;
  SSL* tls_ = nullptr;
  std::string input_;
  std::string output_;
  std::string last_code_;
  bool mail_given_ = false;
  End end_ = End::none;
  ReceivedMessage current_;
  std::thread thread_;
};

ScriptedSmtpServer::ScriptedSmtpServer(std::vector<Script> scripts, std::string certificate_file,
                                       std::string key_file)
    : scripts_(std::move(scripts)) {
  std::signal(SIGPIPE, SIG_IGN);  // SSL_write has no MSG_NOSIGNAL
  if (!certificate_file.empty()) tls_context_ = server_tls_context(certificate_file, key_file);
  std::tie(listener_, port_) = listen_on_loopback();
  acceptor_ = std::thread([this] { accept_loop(); });
}

ScriptedSmtpServer::~ScriptedSmtpServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  open_.clear();
}

void ScriptedSmtpServer::accept_loop() {
  while (true) {
    const int socket = accept_on(listener_);
    if (socket < 0) return;
    std::size_t index = 0;
    {
      const std::lock_guard lock(mutex_);
      index = transcripts_.size();
      transcripts_.emplace_back();
    }
    const Script& script = scripts_[std::min(index, scripts_.size() - 1)];
    open_.push_back(std::make_unique<Connection>(*this, script, socket, index));
  }
}

bool ScriptedSmtpServer::wait_for_ended(std::size_t count) {
  std::unique_lock lock(mutex_);
  return ended_changed_.wait_for(lock, kPatience, [&] { return ended_ >= count; });
}

std::size_t ScriptedSmtpServer::connections() const {
  const std::lock_guard lock(mutex_);
  return transcripts_.size();
}

std::string ScriptedSmtpServer::transcript(std::size_t connection) const {
  const std::lock_guard lock(mutex_);
  return transcripts_.at(connection);
}

std::vector<ReceivedMessage> ScriptedSmtpServer::messages() const {
  const std::lock_guard lock(mutex_);
  return messages_;
}

bool ScriptedSmtpServer::saw_final_dot() const {
  const std::lock_guard lock(mutex_);
  return saw_final_dot_;
}

}  // namespace countersign::test
