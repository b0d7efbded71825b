// UTC time with microsecond resolution, its wire form, and the clock that is handed to whoever needs "now".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace countersign {

using Duration = std::chrono::microseconds;
using UtcTime = std::chrono::sys_time<Duration>;

/// Microseconds since 1970-01-01T00:00:00Z, the form in which every table keeps time.
[[nodiscard]] constexpr std::int64_t to_us(UtcTime time) noexcept { return time.time_since_epoch().count(); }
[[nodiscard]] constexpr UtcTime from_us(std::int64_t us) noexcept { return UtcTime(Duration(us)); }

/// RFC 3339 in UTC with exactly six fractional digits and `Z`: `2026-11-23T13:45:00.000123Z`
/// (contract/behaviour.md §5). Fixed width, so that comparing the strings compares the times.
[[nodiscard]] std::string to_rfc3339(UtcTime time);

/// Reads an RFC 3339 date-time with any offset and up to nine fractional digits (excess digits are cut).
/// Nothing for anything else, including years outside 1970–9999 and leap seconds other than :60.
[[nodiscard]] std::optional<UtcTime> parse_rfc3339(std::string_view text);

/// RFC 5322 §3.3 date-time in UTC: `Mon, 23 Nov 2026 13:45:00 +0000`.
[[nodiscard]] std::string to_rfc5322(UtcTime time);

/// Where "now" comes from. The durable middle never holds one: it receives times as arguments.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual UtcTime now() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] UtcTime now() const override {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  }
};

/// A clock that stands still until it is moved. For tests and the simulator.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(UtcTime start) : now_(start) {}
  [[nodiscard]] UtcTime now() const override { return now_; }
  void advance(Duration by) { now_ += by; }
  void set(UtcTime to) { now_ = to; }

 private:
  UtcTime now_;
};

}  // namespace countersign
