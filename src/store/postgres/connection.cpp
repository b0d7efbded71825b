#include "store/postgres/connection.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/assert.hpp"

namespace countersign::store::postgres {
namespace {

constexpr std::size_t kStatementsMax = 4'000;  // far more names than the program has
constexpr std::size_t kRoundMax = 256;         // statements sent before their answers are read
constexpr std::size_t kParametersMax = 65'535;

// Type numbers of the server's catalogue (pg_type.dat); they never change.
constexpr Oid kBool = 16;
constexpr Oid kBytea = 17;
constexpr Oid kName = 19;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;
constexpr Oid kText = 25;
constexpr Oid kUnknown = 705;
constexpr Oid kBpchar = 1042;
constexpr Oid kVarchar = 1043;

constexpr int kTextFormat = 0;
constexpr int kBinaryFormat = 1;

Oid type_of(Param::Kind kind) {
  switch (kind) {
    case Param::Kind::null:
      return 0;  // the server infers it
    case Param::Kind::integer:
      return kInt8;
    case Param::Kind::text:
      return kText;
    case Param::Kind::blob:
      return kBytea;
  }
  return 0;
}

std::int64_t big_endian(const char* bytes, int count) {
  // Sign extension comes from the first byte.
  std::int64_t value = static_cast<signed char>(bytes[0]);
  for (int i = 1; i < count; ++i) value = value * 256 + static_cast<unsigned char>(bytes[i]);
  return value;
}

void add_cell(Rows& rows, const PGresult* result, int row, int column, std::string_view name) {
  if (PQgetisnull(result, row, column) != 0) {
    rows.add_null();
    return;
  }
  const char* bytes = PQgetvalue(result, row, column);
  const int length = PQgetlength(result, row, column);
  const Oid type = PQftype(result, column);
  switch (type) {
    case kBool:
    case kInt2:
    case kInt4:
    case kInt8:
      rows.add_integer(big_endian(bytes, length));
      break;
    case kText:
    case kVarchar:
    case kBpchar:
    case kName:
    case kUnknown:
    case kBytea:
      rows.add_bytes({bytes, static_cast<std::size_t>(length)});
      break;
    default:
      throw StatementError(
          fmt::format("{}: column {} has type {}; cast it to BIGINT, TEXT or BYTEA", name, column, type));
  }
}

std::string field_of(const PGresult* result, int field) {
  const char* text = PQresultErrorField(result, field);
  return text == nullptr ? std::string() : std::string(text);
}

// What libpq says of a URL that it cannot read quotes a piece of it, which may be one of the password.
void require_readable(const std::string& url) {
  using Parts = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;
  const Parts parts(PQconninfoParse(url.c_str(), nullptr), &PQconninfoFree);
  bool readable = parts != nullptr;
  for (const PQconninfoOption* part = parts.get(); readable && part->keyword != nullptr; ++part) {
    if (part->val == nullptr) continue;
    const std::string_view key = part->keyword;
    const std::string_view value = part->val;
    if (key == "host") readable = value.find('@', 1) == std::string_view::npos;  // "@…": a socket of Linux
    if (key == "port") readable = value.find_first_not_of("0123456789,") == std::string_view::npos;
  }
  if (readable) return;
  throw Unavailable(
      "the database URL cannot be read; in its user name, password and parameters every character but "
      "letters, "
      "digits and -._~ is written as %XX (\"/\" as %2F, \"@\" as %40)",
      false);
}

void ignore_notice(void* /*self*/, const PGresult* /*notice*/) {}

}  // namespace

struct Connection::Statement {
  enum class State { unknown, sent, prepared };
  std::string name;
  std::string text;
  State state = State::unknown;
};

void Connection::ResultDeleter::operator()(pg_result* result) const noexcept { PQclear(result); }

Connection::Connection(const std::string& url, std::chrono::milliseconds statement_timeout,
                       TimePoint deadline)
    : deadline_(deadline) {
  try {
    connect(url, deadline);
    configure(statement_timeout);
  } catch (...) {
    PQfinish(connection_);
    throw;
  }
}

Connection::~Connection() { PQfinish(connection_); }

void Connection::connect(const std::string& url, TimePoint deadline) {
  // Settings of the URL come last and win. A peer that vanishes is noticed by the kernel within 20 seconds.
  const std::array<const char*, 8> keys{
      "application_name", "client_encoding",  "keepalives_idle", "keepalives_interval",
      "keepalives_count", "tcp_user_timeout", "dbname",          nullptr};
  const std::array<const char*, 8> values{"countersign", "UTF8",  "10",        "3",
                                          "3",           "20000", url.c_str(), nullptr};
  require_readable(url);
  connection_ = PQconnectStartParams(keys.data(), values.data(), 1);
  if (connection_ == nullptr) throw Lost("out of memory");
  PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
  while (true) {
    if (PQstatus(connection_) == CONNECTION_BAD) raise_lost();
    if (wanted == PGRES_POLLING_OK) break;
    wait_for_socket(wanted == PGRES_POLLING_WRITING, deadline);
    wanted = PQconnectPoll(connection_);
    if (wanted == PGRES_POLLING_FAILED) raise_lost();
  }
  if (PQsetnonblocking(connection_, 1) != 0) raise_lost();
  PQsetNoticeReceiver(connection_, &ignore_notice, nullptr);
  if (PQenterPipelineMode(connection_) != 1) raise_lost();
}

void Connection::configure(std::chrono::milliseconds statement_timeout) {
  // A commit that is not durable must not be acknowledged, whatever the server's default. Every statement has
  // its index: while a table is young, or its statistics are, the planner would rather read all of it, and a
  // prepared statement keeps that plan as the table grows. What reads whole tables on purpose says so
  // (invariants).
  static constexpr Query kConfigure{
      "store.configure", "",
      "SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $1, false), "
      "set_config('idle_in_transaction_session_timeout', $2, false), set_config('synchronous_commit', "
      "CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' "
      "ELSE current_setting('synchronous_commit') END, false), set_config('enable_seqscan', 'off', false), "
      "set_config('jit', 'off', false)"};
  const auto limit = std::max<std::int64_t>(1, statement_timeout.count());
  const std::string statement = std::to_string(limit);
  const std::string idle = std::to_string(2 * limit);
  const std::array<Param, 2> params{statement, idle};
  query(kConfigure, params);
}

Connection::Statement& Connection::named(const Query& query) {
  const std::string_view text = query.text(Dialect::postgres);
  if (const auto found = statements_.find(query.name()); found != statements_.end()) {
    if (found->second->text != text) {
      throw StatementError(fmt::format("two statements are named {}", query.name()));
    }
    return *found->second;
  }
  if (statements_.size() >= kStatementsMax) {
    throw StatementError(fmt::format("more than {} statement names, at {}", kStatementsMax, query.name()));
  }
  auto statement = std::make_unique<Statement>();
  statement->name = query.name();
  statement->text = text;
  Statement& result = *statement;
  statements_.emplace(result.name, std::move(statement));
  return result;
}

void Connection::prepare(Statement& statement, Params params) {
  std::vector<Oid> types;
  types.reserve(params.size());
  for (const Param& param : params) types.push_back(type_of(param.kind()));
  if (PQsendPrepare(connection_, statement.name.c_str(), statement.text.c_str(),
                    static_cast<int>(types.size()), types.data()) != 1) {
    raise_lost();
  }
  statement.state = Statement::State::sent;
  sent_.push_back({&statement, true});
}

// Integers travel as text, which fits whatever type the server inferred when a NULL came first; text travels
// with its length, so that a NUL in it is refused instead of ending it.
void Connection::Arguments::assign(Params params) {
  values.resize(params.size());
  lengths.resize(params.size());
  formats.resize(params.size());
  digits.resize(params.size());
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Param& param = params[i];
    lengths[i] = static_cast<int>(param.text().size());
    formats[i] = kBinaryFormat;
    switch (param.kind()) {
      case Param::Kind::null:
        values[i] = nullptr;
        break;
      case Param::Kind::integer: {
        Digits& text = digits[i];
        *std::to_chars(text.data(), text.data() + text.size() - 1, param.integer()).ptr = '\0';
        values[i] = text.data();
        formats[i] = kTextFormat;
        break;
      }
      case Param::Kind::text:
      case Param::Kind::blob:
        // A view of nothing may be a null pointer, which libpq would take for NULL.
        values[i] = param.text().data() == nullptr ? "" : param.text().data();
        break;
    }
  }
}

void Connection::queue(const Query& query, Params params) {
  if (params.size() > kParametersMax) {
    throw StatementError(fmt::format("{}: too many parameters", query.name()));
  }
  if (sent_.size() >= kRoundMax || synced_) finish_round();
  Statement& statement = named(query);
  if (statement.state == Statement::State::unknown) prepare(statement, params);
  arguments_.assign(params);
  if (PQsendQueryPrepared(connection_, statement.name.c_str(), static_cast<int>(params.size()),
                          arguments_.values.data(), arguments_.lengths.data(), arguments_.formats.data(),
                          kBinaryFormat) != 1) {
    raise_lost();
  }
  sent_.push_back({&statement, false});
}

void Connection::send_round() {
  if (!synced_) {
    if (PQpipelineSync(connection_) != 1) raise_lost();
    synced_ = true;
  }
  while (PQflush(connection_) == 1) {
    wait_for_socket(true, deadline_);
    // The server stops reading while its answers are not read.
    PQconsumeInput(connection_);
  }
}

void Connection::finish_round() {
  send_round();
  std::exception_ptr fault;
  for (const Sent& sent : sent_) read_answer(sent, fault);
  const Result sync = next_result();
  if (PQresultStatus(sync.get()) != PGRES_PIPELINE_SYNC) raise_lost(sync.get());
  sent_.clear();
  synced_ = false;
  if (fault) std::rethrow_exception(fault);
}

void Connection::read_answer(const Sent& sent, std::exception_ptr& fault) {
  Statement& statement = *sent.statement;
  Result result = next_result();
  if (!result) raise_lost();
  const ExecStatusType status = PQresultStatus(result.get());
  const bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
  if (!good && PQstatus(connection_) == CONNECTION_BAD) raise_lost(result.get());
  if (!good && status != PGRES_PIPELINE_ABORTED && !fault) fault = fault_of(result.get(), statement.name);
  if (sent.is_preparation) {
    statement.state = good ? Statement::State::prepared : Statement::State::unknown;
  } else {
    last_ = std::move(result);
    last_name_ = statement.name;
  }
  // Every statement's answers end with a null pointer.
  if (const Result end = next_result()) raise_lost(end.get());
}

Connection::Result Connection::next_result() {
  while (true) {
    const int unsent = PQflush(connection_);
    if (PQisBusy(connection_) == 0) return Result(PQgetResult(connection_));
    wait_for_socket(unsent == 1, deadline_);
    // A failure shows as a result: libpq keeps the server's last words before a closed connection.
    PQconsumeInput(connection_);
  }
}

void Connection::wait_for_socket(bool to_write, TimePoint deadline) {
  pollfd socket{PQsocket(connection_), POLLIN, 0};
  if (PQstatus(connection_) != CONNECTION_OK) socket.events = 0;
  if (to_write) socket.events |= POLLOUT;
  if (socket.events == 0) socket.events = POLLIN;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) throw Lost("PostgreSQL did not answer in time");
    const int ready = ::poll(&socket, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) throw Lost(fmt::format("poll: {}", std::strerror(errno)));
  }
}

Rows Connection::rows() const {
  CS_ASSERT(last_ != nullptr);
  const int columns = PQnfields(last_.get());
  const int count = PQntuples(last_.get());
  Rows rows(static_cast<std::size_t>(columns));
  for (int row = 0; row < count; ++row) {
    for (int column = 0; column < columns; ++column) add_cell(rows, last_.get(), row, column, last_name_);
  }
  return rows;
}

std::int64_t Connection::rows_changed() const {
  CS_ASSERT(last_ != nullptr);
  const std::string_view digits = PQcmdTuples(last_.get());
  std::int64_t count = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), count);
  return count;
}

std::string_view Connection::command_tag() const {
  CS_ASSERT(last_ != nullptr);
  return PQcmdStatus(last_.get());
}

Rows Connection::query(const Query& query, Params params) {
  queue(query, params);
  finish_round();
  return rows();
}

void Connection::run_script(const std::string& sql) {
  if (PQexitPipelineMode(connection_) != 1 || PQsendQuery(connection_, sql.c_str()) != 1) raise_lost();
  std::exception_ptr fault;
  while (const Result result = next_result()) {
    const ExecStatusType status = PQresultStatus(result.get());
    const bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!good && PQstatus(connection_) == CONNECTION_BAD) raise_lost(result.get());
    if (!good && !fault) fault = fault_of(result.get(), "script");
  }
  if (PQenterPipelineMode(connection_) != 1) raise_lost();
  if (fault) std::rethrow_exception(fault);
}

bool Connection::in_transaction() const noexcept { return PQtransactionStatus(connection_) != PQTRANS_IDLE; }

void Connection::raise_lost(const pg_result* result) {
  std::string reason = result == nullptr ? std::string() : field_of(result, PG_DIAG_MESSAGE_PRIMARY);
  if (reason.empty()) reason = PQerrorMessage(connection_);
  throw Lost(fmt::format("PostgreSQL: {}", reason.substr(0, reason.find('\n'))));  // the rest is advice
}

// The primary message only: detail and hint may quote rows. Codes: PostgreSQL 15, appendix A.
std::exception_ptr Connection::fault_of(const pg_result* result, std::string_view name) {
  const std::string state = field_of(result, PG_DIAG_SQLSTATE);
  const std::string what = fmt::format("{}: {} [{}]", name, field_of(result, PG_DIAG_MESSAGE_PRIMARY), state);
  const std::string_view group = std::string_view(state).substr(0, 2);
  if (state == "40001" || state == "40P01" || state == "55P03")
    return std::make_exception_ptr(Conflict(what));
  if (name == kGuardName) return std::make_exception_ptr(GuardFailed(what));
  if (state == "53100") return std::make_exception_ptr(DiskFull(what));
  if (group == "23") return std::make_exception_ptr(ConstraintViolation(what));
  // The server shuts down, or the connection is broken. 08P01 is about the parameters' number.
  if (state.starts_with("57P") || (group == "08" && state != "08P01"))
    return std::make_exception_ptr(Lost(what));
  for (const std::string_view broken : {"25", "40", "53", "55", "57", "58", "XX", "F0"}) {
    if (group == broken) return std::make_exception_ptr(Unavailable(what));
  }
  return std::make_exception_ptr(StatementError(what));
}

}  // namespace countersign::store::postgres
