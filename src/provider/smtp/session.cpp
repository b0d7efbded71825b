#include "provider/smtp/session.hpp"

#include <utility>

#include "base/crypto.hpp"
#include "base/fault.hpp"
#include "base/secret_file.hpp"
#include "provider/smtp/transaction.hpp"
#include "provider/verdict.hpp"

namespace asio = boost::asio;

namespace countersign::provider::smtp {
namespace {

// RFC 4954 §4: an initial response that makes the command longer than this waits for the server's 334.
constexpr std::size_t kCommandBytesMax = 510;

Reply session_fault(Phase phase, std::string text) {
  Reply reply;
  reply.phase = phase;
  reply.text = std::move(text);
  return reply;
}

std::string_view awaited(Phase phase) {
  switch (phase) {
    case Phase::connect:
      return "connecting";
    case Phase::tls:
      return "starting TLS";
    case Phase::greeting:
      return "waiting for the greeting";
    case Phase::hello:
      return "waiting for the answer to EHLO";
    case Phase::auth:
      return "authenticating";
    case Phase::reset:
      return "waiting for the answer to RSET";
    case Phase::mail:
      return "waiting for the answer to MAIL";
    case Phase::rcpt:
      return "waiting for the answer to RCPT";
    case Phase::data:
      return "waiting for the answer to DATA";
    case Phase::body:
      return "sending the content";
    case Phase::final_dot:
      return "waiting for the answer to the final dot";
    case Phase::request:
      return "waiting for the answer to the request";
    case Phase::write:
      return "writing";
  }
  return "";
}

}  // namespace

Reply to_reply(Phase phase, const Result<Response, Fault>& answer) {
  Reply reply;
  reply.phase = phase;
  const Ruling ruling = rule(phase, answer ? answer->code : kNoAnswer);
  reply.scope = ruling.scope;
  reply.verdict = ruling.verdict;
  if (answer) {
    reply.code = answer->code;
    reply.enhanced = answer->enhanced();
    reply.text = answer->text();
  } else {
    reply.text =
        presentable(answer.error().text + " while " + std::string(awaited(phase)), kReplyTextBytesMax);
  }
  return reply;
}

Session::Session(asio::any_io_executor strand, const RelayOptions& options, const TlsClient& tls)
    : strand_(std::move(strand)), options_(options), stream_(strand_, tls) {}

std::optional<Reply> Session::judge(Phase phase, const Answer& answer) {
  Reply reply = to_reply(phase, answer);
  if (reply.verdict == Verdict::accepted) return std::nullopt;
  return reply;
}

asio::awaitable<Session::Answer> Session::read_response(std::chrono::milliseconds patience) {
  // The deadline holds for the whole reply, however slowly its lines drip in.
  const auto until = std::chrono::steady_clock::now() + patience;
  Response response;
  while (true) {
    switch (parser_.next(response)) {
      case ResponseParser::State::complete:
        co_return response;
      case ResponseParser::State::malformed:
        stream_.close();
        co_return unexpected(Fault{Fault::Kind::protocol, "the relay's answer is not SMTP or too long"});
      case ResponseParser::State::incomplete:
        break;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    auto bytes = co_await stream_.read_some(std::max(left, std::chrono::milliseconds(0)));
    if (!bytes) co_return unexpected(std::move(bytes.error()));
    parser_.feed(*bytes);
  }
}

asio::awaitable<Session::Answer> Session::ask(std::string line, std::chrono::milliseconds patience) {
  line += "\r\n";
  auto written = co_await stream_.write(line, patience);
  if (!written && written.error().kind == Fault::Kind::timeout)
    co_return unexpected(std::move(written.error()));
  // A failed write is followed by a read all the same: what the relay said before it closed tells more.
  co_return co_await read_response(patience);
}

asio::awaitable<std::optional<Reply>> Session::open() {
  CS_FAULT("smtp.connect");
  auto connected = co_await stream_.connect(options_.host, options_.port, options_.deadlines.connect);
  if (!connected) co_return session_fault(Phase::connect, std::move(connected.error().text));
  if (options_.tls == TlsMode::implicit) {
    if (auto failed = co_await start_tls()) co_return failed;
  }
  CS_FAULT("smtp.connected");
  const Answer greeting = co_await read_response(options_.deadlines.greeting);
  if (auto failed = judge(Phase::greeting, greeting)) co_return failed;
  if (auto failed = co_await hello()) co_return failed;

  const bool may_encrypt = options_.tls == TlsMode::starttls || options_.tls == TlsMode::opportunistic;
  if (may_encrypt && relay_.starttls) {
    const Answer go_ahead = co_await ask("STARTTLS", options_.deadlines.hello);
    if (auto failed = judge(Phase::tls, go_ahead)) co_return failed;
    CS_FAULT("smtp.starttls");
    // What came in clear behind the 220 was not sent by whoever holds the certificate (RFC 3207 §6).
    if (!parser_.empty()) co_return session_fault(Phase::tls, "data in clear after the answer to STARTTLS");
    if (auto failed = co_await start_tls()) co_return failed;
    if (auto failed = co_await hello()) co_return failed;
  } else if (options_.tls == TlsMode::starttls) {
    co_return session_fault(Phase::tls,
                            "the relay does not offer STARTTLS, which the configuration requires");
  }
  if (!options_.username.empty()) {
    if (auto failed = co_await authenticate()) co_return failed;
  }
  CS_FAULT("smtp.session_open");
  usable_ = true;
  co_return std::nullopt;
}

asio::awaitable<std::optional<Reply>> Session::hello() {
  relay_ = Capabilities{};
  const Answer ehlo = co_await ask("EHLO " + options_.helo_name, options_.deadlines.hello);
  if (ehlo && ehlo->positive()) {
    relay_ = read_capabilities(*ehlo);
    co_return std::nullopt;
  }
  const bool not_understood = ehlo && ehlo->code >= 500 && ehlo->code <= 504;  // RFC 5321 §3.2, §4.1.1.1
  if (!not_understood) co_return judge(Phase::hello, ehlo);
  const Answer helo = co_await ask("HELO " + options_.helo_name, options_.deadlines.hello);
  co_return judge(Phase::hello, helo);
}

asio::awaitable<std::optional<Reply>> Session::start_tls() {
  std::string name = options_.tls_name.empty() ? options_.host : options_.tls_name;
  auto done = co_await stream_.start_tls(std::move(name), options_.tls_verify, options_.deadlines.tls);
  if (done) co_return std::nullopt;
  co_return session_fault(Phase::tls, "TLS: " + done.error().text);
}

asio::awaitable<std::optional<Reply>> Session::authenticate() {
  if (!stream_.encrypted() && !stream_.to_loopback() && !options_.auth_without_tls) {
    co_return session_fault(Phase::auth, "credentials are not sent in clear: the connection has no TLS");
  }
  std::string password = options_.password;
  if (!options_.password_file.empty()) {
    auto current = read_secret_file(options_.password_file);
    if (!current) co_return session_fault(Phase::auth, "the password file " + current.error());
    if (current->find('\0') != std::string::npos) {  // RFC 4616 §2
      co_return session_fault(Phase::auth, "the password file holds a NUL");
    }
    password = std::move(*current);
  }
  if (relay_.auth_plain) {
    const Answer answer = co_await authenticate_plain(std::move(password));
    co_return judge(Phase::auth, answer);
  }
  if (relay_.auth_login) {
    const Answer answer = co_await authenticate_login(std::move(password));
    co_return judge(Phase::auth, answer);
  }
  co_return session_fault(Phase::auth, "the relay offers neither AUTH PLAIN nor AUTH LOGIN");
}

asio::awaitable<Session::Answer> Session::authenticate_plain(std::string password) {
  const auto patience = options_.deadlines.auth;
  std::string secret;  // RFC 4616 §2: authorization identity (none), NUL, user, NUL, password
  secret.append(1, '\0').append(options_.username).append(1, '\0').append(password);
  const std::string encoded = base64_encode(secret);
  if (std::string command = "AUTH PLAIN " + encoded; command.size() <= kCommandBytesMax) {
    co_return co_await ask(std::move(command), patience);
  }
  Answer challenge = co_await ask("AUTH PLAIN", patience);
  if (!challenge || challenge->code != 334) co_return challenge;
  co_return co_await ask(encoded, patience);
}

asio::awaitable<Session::Answer> Session::authenticate_login(std::string password) {
  const auto patience = options_.deadlines.auth;
  Answer challenge = co_await ask("AUTH LOGIN", patience);
  if (!challenge || challenge->code != 334) co_return challenge;
  challenge = co_await ask(base64_encode(options_.username), patience);
  if (!challenge || challenge->code != 334) co_return challenge;
  co_return co_await ask(base64_encode(password), patience);
}

asio::awaitable<Reply> Session::send(const HandOver& message, const Fence& fence) {
  // Set again at the end of an exchange that left both sides knowing where they are; an exception leaves it.
  usable_ = false;
  if (needs_reset_) {
    const Answer answer = co_await ask("RSET", options_.deadlines.reset);
    if (auto failed = judge(Phase::reset, answer)) co_return *failed;
  }
  Transaction transaction(*this, message, fence);
  co_return co_await transaction.run();
}

asio::awaitable<void> Session::quit() {
  usable_ = false;
  static_cast<void>(co_await ask("QUIT", options_.deadlines.quit));
  stream_.close();
}

}  // namespace countersign::provider::smtp
