// The only source of chance in a schedule: one seed, integers only, the same numbers everywhere.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace countersign::sim {

/// SplitMix64 (Steele, Lea, Flood 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  /// 0 … count - 1; count ≥ 1.
  std::uint64_t below(std::uint64_t count) { return next() % count; }
  bool chance(std::uint64_t per_mille) { return below(1000) < per_mille; }
  Duration between(Duration first, Duration last) {
    const auto span = static_cast<std::uint64_t>((last - first).count()) + 1;
    return first + Duration(static_cast<std::int64_t>(below(span)));
  }
  /// From `first` (> 0) to `last`, every order of magnitude as likely as the next.
  Duration spread(Duration first, Duration last) {
    std::uint64_t doublings = 0;
    while (first * (std::int64_t{2} << doublings) < last) ++doublings;
    const Duration floor = first * (std::int64_t{1} << below(doublings + 1));
    return between(floor, std::min(floor * 2, last));
  }

 private:
  std::uint64_t state_;
};

}  // namespace countersign::sim
