// The store of a simulated deployment: one SQLite connection in memory, used by one thread.
//
// Its base state (an account and its agents) is written once; every schedule is one outer transaction that is
// rolled back at its end, so that the schema, the prepared statements and the base state stay.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/id.hpp"
#include "base/time.hpp"
#include "store/sqlite/connection.hpp"
#include "store/tx.hpp"

namespace countersign::sim {

inline constexpr std::string_view kSharedDomain = "agents.example";
inline constexpr std::string_view kRelayDomain = "relay.example";
/// When every schedule begins: 2026-11-23T12:00:00Z.
inline constexpr UtcTime kBeginning = from_us(1'795'435'200'000'000);
inline constexpr std::chrono::seconds kHoldTtl{15};

/// Sends without asking.
inline constexpr std::string_view kFreeAgent = "free@agents.example";
/// Sends without asking, and again when an answer was lost.
inline constexpr std::string_view kInsistingAgent = "insisting@agents.example";
inline constexpr std::chrono::seconds kGrace{120};
/// Held; time approves.
inline constexpr std::string_view kLenientAgent = "lenient@agents.example";
/// Held; time rejects.
inline constexpr std::string_view kStrictAgent = "strict@agents.example";
/// Receives.
inline constexpr std::string_view kDesk = "desk@agents.example";
/// Receives what a reviewer, or time, lets through.
inline constexpr std::string_view kGuardedDesk = "guarded@agents.example";

class Store {
 public:
  Store();

  [[nodiscard]] store::sqlite::Connection& connection() { return connection_; }
  [[nodiscard]] const UserId& owner() const { return owner_; }

  /// Everything until reset() is undone by it.
  void begin();
  void reset();

  /// Jobs that nodes have put in and that have not ended, which is what settling waits for.
  void note_open(int change) { open_jobs_ += change; }
  [[nodiscard]] int open_jobs() const noexcept { return open_jobs_; }

  /// A job's failure was told: whoever has an answer to write down tries again after a pause.
  void note_failure(Duration now) { last_failure_ = now; }
  [[nodiscard]] std::optional<Duration> last_failure() const noexcept { return last_failure_; }

 private:
  void prepare_base();

  store::sqlite::Connection connection_;
  UserId owner_;
  int open_jobs_ = 0;
  std::optional<Duration> last_failure_;
};

}  // namespace countersign::sim
