#include "sim/faults.hpp"

namespace countersign::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

// Half of the schedules do without this fault; the others have it rarely, often or very often.
std::uint64_t rate(Random& random) {
  constexpr std::uint64_t kRates[] = {0, 0, 0, 0, 30, 100, 100, 300};
  return kRates[random.below(std::size(kRates))];
}

int few(Random& random, std::uint64_t most) {
  return random.chance(500) ? 0 : static_cast<int>(1 + random.below(most));
}

}  // namespace

Faults draw_faults(Random& random) {
  Faults faults;
  if (random.chance(500)) {
    faults.store = {rate(random), rate(random), rate(random), rate(random), rate(random) / 3, rate(random)};
  }
  if (random.chance(700)) {
    faults.provider = {rate(random), rate(random), rate(random), rate(random),
                       rate(random), rate(random), rate(random), rate(random)};
  }
  if (random.chance(700)) {
    faults.node.crashes = few(random, 3);
    faults.node.pauses = few(random, 2);
    faults.node.stops = random.chance(200) ? 1 : 0;
  }
  if (random.chance(300)) {
    faults.node.skew_max = random.chance(500) ? Duration(milliseconds(200)) : Duration(minutes(1));
    faults.node.clock_steps = few(random, 2);
    faults.node.step_max = random.chance(500) ? Duration(milliseconds(500)) : Duration(hours(1));
  }
  faults.outages = random.chance(150) ? 1 : 0;
  return faults;
}

}  // namespace countersign::sim
