// What everything in one schedule shares.
#pragma once

#include "sim/faults.hpp"
#include "sim/mutants.hpp"
#include "sim/random.hpp"
#include "sim/scheduler.hpp"
#include "sim/trace.hpp"

namespace countersign::sim {

struct Surroundings {
  Random& random;
  Scheduler& time;
  Trace& trace;
  const Faults& faults;  // as they stand now: all zero once the calm has come
  const Mutant* mutant = nullptr;

  [[nodiscard]] bool broken(Defect defect) const { return mutant != nullptr && mutant->defect == defect; }
};

}  // namespace countersign::sim
