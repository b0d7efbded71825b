#include "store/postgres/signals.hpp"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/log.hpp"

namespace countersign::store::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kGap{5};  // between two NOTIFY: what comes up meanwhile goes out together
constexpr milliseconds kAnswerPatience{10'000};
constexpr milliseconds kPauseFirst{100};  // before the next attempt to connect
constexpr milliseconds kPauseMax{5'000};
constexpr milliseconds kIdle{60'000};

// A signal is lost in a crash like any other; its commit need not wait for a disk.
constexpr const char* kListen = "SET synchronous_commit = off; LISTEN countersign";

}  // namespace

void PostgresSignals::Close::operator()(pg_conn* connection) const noexcept { PQfinish(connection); }

PostgresSignals::PostgresSignals(std::string url, std::function<void(Topics)> received)
    : url_(std::move(url)),
      received_(std::move(received)),
      bell_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      thread_([this] { loop(); }) {}

PostgresSignals::~PostgresSignals() { stop(); }

void PostgresSignals::ring() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written =
      ::write(bell_.number(), &one, sizeof one);  // full: it rings already
}

void PostgresSignals::send(Topics topics) noexcept {
  if ((pending_.fetch_or(topics) & topics) != topics) ring();
}

void PostgresSignals::stop() {
  stopping_ = true;
  ring();
  if (thread_.joinable()) thread_.join();
}

void PostgresSignals::loop() {
  milliseconds pause = kPauseFirst;
  bool warned = false;
  while (!stopping_) {
    if (connect()) serve();
    if (stopping_) break;
    if (listening_) {
      pause = kPauseFirst;
      warned = false;
    }
    if (!warned) log::warn("store.signals_lost", {{"error", PQerrorMessage(connection_.get())}});
    warned = true;
    connection_.reset();
    listening_ = false;
    const Time until = steady_clock::now() + pause;
    while (!stopping_ && steady_clock::now() < until) wait(-1, false, until);
    pause = std::min(pause * 2, kPauseMax);
  }
  connection_.reset();
}

// Begins to listen; true: the answer to that is awaited.
bool PostgresSignals::connect() {
  const std::array<const char*, 7> keys{"application_name",
                                        "keepalives_idle",
                                        "keepalives_interval",
                                        "keepalives_count",
                                        "tcp_user_timeout",
                                        "dbname",
                                        nullptr};
  const std::array<const char*, 7> values{"countersign signals", "10",   "3", "3", "20000",
                                          url_.c_str(),          nullptr};
  connection_.reset(PQconnectStartParams(keys.data(), values.data(), 1));
  const Time until = steady_clock::now() + kAnswerPatience;
  PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
  while (wanted != PGRES_POLLING_OK) {
    if (!connection_ || PQstatus(connection_.get()) == CONNECTION_BAD || wanted == PGRES_POLLING_FAILED) {
      return false;
    }
    if (stopping_ || steady_clock::now() >= until) return false;
    wait(PQsocket(connection_.get()), wanted == PGRES_POLLING_WRITING, until);
    wanted = PQconnectPoll(connection_.get());
  }
  PQsetNoticeReceiver(connection_.get(), [](void*, const PGresult*) {}, nullptr);
  busy_ = PQsetnonblocking(connection_.get(), 1) == 0 && PQsendQuery(connection_.get(), kListen) == 1;
  answer_until_ = steady_clock::now() + kAnswerPatience;
  next_send_ = steady_clock::now();
  return busy_;
}

// Returns when the connection is of no use any more.
void PostgresSignals::serve() {
  while (!stopping_) {
    if (!take_answers() || !send_pending()) return;
    pass_on();
    const Time now = steady_clock::now();
    if (busy_ && now >= answer_until_) return;
    Time until = busy_ ? answer_until_ : now + kIdle;
    if (!busy_ && pending_ != 0) until = next_send_;
    const int unsent = PQflush(connection_.get());
    if (unsent < 0) return;
    wait(PQsocket(connection_.get()), unsent > 0, until);
    if (PQconsumeInput(connection_.get()) != 1) return;
  }
}

bool PostgresSignals::take_answers() {
  while (busy_ && PQisBusy(connection_.get()) == 0) {
    PGresult* result = PQgetResult(connection_.get());
    if (result == nullptr) {
      busy_ = false;
      if (!listening_) received_(kAllTopics);  // what happened before was told to nobody here
      listening_ = true;
      break;
    }
    const ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) return false;
  }
  return true;
}

void PostgresSignals::pass_on() {
  Topics topics = 0;
  while (PGnotify* notice = PQnotifies(connection_.get())) {
    Topics some = 0;
    std::from_chars(notice->extra, notice->extra + std::strlen(notice->extra), some);
    if (notice->be_pid != PQbackendPID(connection_.get())) topics |= some;
    PQfreemem(notice);
  }
  if (topics != 0) received_(topics);
}

bool PostgresSignals::send_pending() {
  const Time now = steady_clock::now();
  if (busy_ || pending_ == 0 || now < next_send_) return true;
  const std::string text = "NOTIFY countersign, '" + std::to_string(pending_.exchange(0)) + "'";
  busy_ = PQsendQuery(connection_.get(), text.c_str()) == 1;
  answer_until_ = now + kAnswerPatience;
  next_send_ = now + kGap;
  return busy_;
}

// Until the socket is ready (none: -1), the bell rings, or then.
void PostgresSignals::wait(int socket, bool to_write, Time until) {
  std::array<pollfd, 2> files{};
  files[0] = {bell_.number(), POLLIN, 0};
  files[1] = {socket, static_cast<short>(to_write ? POLLOUT | POLLIN : POLLIN), 0};
  const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now()).count();
  ::poll(files.data(), files.size(), static_cast<int>(std::clamp<std::int64_t>(left, 0, kIdle.count())));
  std::uint64_t rung = 0;
  [[maybe_unused]] const ssize_t taken = ::read(bell_.number(), &rung, sizeof rung);
}

}  // namespace countersign::store::postgres
