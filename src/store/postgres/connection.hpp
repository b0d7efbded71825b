// One PostgreSQL connection in pipeline mode: statements prepared once by name, queued, and sent in rounds.
//
// A round is what was queued since the last one, then Sync. Every wait has a deadline; a connection on which
// one passed is of no use any more. Used by one thread at a time.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/error.hpp"
#include "store/job_queue.hpp"
#include "store/query.hpp"
#include "store/rows.hpp"

struct pg_conn;
struct pg_result;

namespace countersign::store::postgres {

/// The connection is gone, or an answer did not come in time. What the server did with the round is open.
class Lost : public Unavailable {
 public:
  explicit Lost(const std::string& what) : Unavailable(what) {}
};

/// Name of the statement that guards a session's slot (session.hpp).
inline constexpr std::string_view kGuardName = "store.guard";

/// The guard said no: the slot belongs to another connection or is gone. The transaction was not committed.
class GuardFailed : public Unavailable {
 public:
  explicit GuardFailed(const std::string& what) : Unavailable(what) {}
};

/// The server rolled the transaction back for the sake of another one (serialization failure, deadlock, lock
/// timeout): it may be run again.
class Conflict : public Unavailable {
 public:
  explicit Conflict(const std::string& what) : Unavailable(what) {}
};

class Connection {
 public:
  /// Connects until `deadline`. `statement_timeout` also bounds waits for locks. Throws Lost.
  Connection(const std::string& url, std::chrono::milliseconds statement_timeout, TimePoint deadline);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Until when the following rounds wait for their answers before they throw Lost.
  void wait_until(TimePoint deadline) noexcept { deadline_ = deadline; }

  /// Queues a statement. Nothing is sent before the next round, unless very much is queued.
  void queue(const Query& query, Params params = {});
  /// Sends what is queued and reads every answer. Throws the first fault among them: Lost, Conflict,
  /// GuardFailed, ConstraintViolation, DiskFull, StatementError, Unavailable.
  void finish_round();
  /// The last statement's answer in the last round.
  [[nodiscard]] Rows rows() const;
  [[nodiscard]] std::int64_t rows_changed() const;
  [[nodiscard]] std::string_view command_tag() const;

  /// queue + finish_round + rows.
  Rows query(const Query& query, Params params = {});

  /// Starts a round without waiting for its answers; finish_round or the next query reads them.
  void send_round();

  /// Several statements in one text, outside the pipeline.
  void run_script(const std::string& sql);

  [[nodiscard]] bool in_transaction() const noexcept;
  [[nodiscard]] std::size_t queued() const noexcept { return sent_.size(); }

 private:
  struct Statement;
  struct Sent {
    Statement* statement;
    bool is_preparation;
  };
  // What libpq wants to know of the parameters of one statement; kept to be used again.
  struct Arguments {
    using Digits = std::array<char, 22>;  // an int64 and a NUL
    std::vector<const char*> values;
    std::vector<int> lengths;
    std::vector<int> formats;
    std::vector<Digits> digits;

    void assign(Params params);
  };
  struct ResultDeleter {
    void operator()(pg_result* result) const noexcept;
  };
  using Result = std::unique_ptr<pg_result, ResultDeleter>;

  void connect(const std::string& url, TimePoint deadline);
  void configure(std::chrono::milliseconds statement_timeout);
  Statement& named(const Query& query);
  void prepare(Statement& statement, Params params);
  void read_answer(const Sent& sent, std::exception_ptr& fault);
  void wait_for_socket(bool to_write, TimePoint deadline);
  Result next_result();
  [[noreturn]] void raise_lost(const pg_result* result = nullptr);
  static std::exception_ptr fault_of(const pg_result* result, std::string_view name);

  pg_conn* connection_ = nullptr;
  TimePoint deadline_{};
  std::unordered_map<std::string_view, std::unique_ptr<Statement>> statements_;
  Arguments arguments_;
  std::vector<Sent> sent_;
  bool synced_ = false;  // the round's Sync is queued
  Result last_;
  std::string_view last_name_;
};

}  // namespace countersign::store::postgres
