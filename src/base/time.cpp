#include "base/time.hpp"

#include <fmt/format.h>

#include <array>

namespace countersign {
namespace {

struct Parts {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<Duration> clock;
  std::chrono::weekday weekday;
};

Parts split(UtcTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  return {std::chrono::year_month_day(day), std::chrono::hh_mm_ss<Duration>(time - day),
          std::chrono::weekday(day)};
}

// Reads exactly `count` digits and moves past them; -1 when there are fewer.
int take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return -1;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

bool take_t(std::string_view& text) { return take(text, 'T') || take(text, 't') || take(text, ' '); }

}  // namespace

std::string to_rfc3339(UtcTime time) {
  const Parts parts = split(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(parts.date.year()),
                     static_cast<unsigned>(parts.date.month()), static_cast<unsigned>(parts.date.day()),
                     parts.clock.hours().count(), parts.clock.minutes().count(),
                     parts.clock.seconds().count(), parts.clock.subseconds().count());
}

std::optional<UtcTime> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  const int year_number = take_digits(text, 4);
  if (year_number < 1 || !take(text, '-')) return std::nullopt;
  const int month_number = take_digits(text, 2);
  if (month_number < 1 || !take(text, '-')) return std::nullopt;
  const int day_number = take_digits(text, 2);
  if (day_number < 1 || !take_t(text)) return std::nullopt;
  const int hour = take_digits(text, 2);
  if (hour < 0 || hour > 23 || !take(text, ':')) return std::nullopt;
  const int minute = take_digits(text, 2);
  if (minute < 0 || minute > 59 || !take(text, ':')) return std::nullopt;
  const int second = take_digits(text, 2);
  if (second < 0 || second > 60) return std::nullopt;

  std::int64_t fraction_us = 0;
  if (take(text, '.')) {
    std::size_t digits = 0;
    std::int64_t scale = 100'000;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
      ++digits;
      fraction_us += (text.front() - '0') * scale;
      scale /= 10;
      text.remove_prefix(1);
    }
    if (digits == 0) return std::nullopt;
  }

  minutes offset{0};
  if (!take(text, 'Z') && !take(text, 'z')) {
    const bool negative = !text.empty() && text.front() == '-';
    if (!take(text, '+') && !take(text, '-')) return std::nullopt;
    const int offset_hour = take_digits(text, 2);
    if (offset_hour < 0 || offset_hour > 23 || !take(text, ':')) return std::nullopt;
    const int offset_minute = take_digits(text, 2);
    if (offset_minute < 0 || offset_minute > 59) return std::nullopt;
    offset = hours(offset_hour) + minutes(offset_minute);
    if (negative) offset = -offset;
  }
  if (!text.empty()) return std::nullopt;

  const year_month_day date{year(year_number), month(static_cast<unsigned>(month_number)),
                            day(static_cast<unsigned>(day_number))};
  if (!date.ok()) return std::nullopt;
  return UtcTime(sys_days(date)) + hours(hour) + minutes(minute) + seconds(second) + Duration(fraction_us) -
         offset;
}

std::string to_rfc5322(UtcTime time) {
  static constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const Parts parts = split(time);
  return fmt::format("{}, {} {} {:04} {:02}:{:02}:{:02} +0000", kDays.at(parts.weekday.c_encoding()),
                     static_cast<unsigned>(parts.date.day()),
                     kMonths.at(static_cast<unsigned>(parts.date.month()) - 1),
                     static_cast<int>(parts.date.year()), parts.clock.hours().count(),
                     parts.clock.minutes().count(), parts.clock.seconds().count());
}

}  // namespace countersign
