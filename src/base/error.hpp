// Environment faults: the exceptions of this project.
#pragma once

#include <stdexcept>
#include <string>

namespace countersign {

/// A fault of the surroundings (database, disk, network). Caught in four places only: the SMTP session (451),
/// the HTTP handler (503), the worker loops and main.
class EnvironmentError : public std::runtime_error {
 public:
  /// retryable: the same call may succeed later without anything being changed by hand.
  EnvironmentError(const std::string& what, bool retryable)
      : std::runtime_error(what), retryable_(retryable) {}
  [[nodiscard]] bool retryable() const noexcept { return retryable_; }

 private:
  bool retryable_;
};

}  // namespace countersign
