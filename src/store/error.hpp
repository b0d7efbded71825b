// What goes wrong in a store, as the callers of Database hear it.
#pragma once

#include <string>

#include "base/error.hpp"

namespace countersign::store {

/// The database could not do it now; nothing was kept. Retry later.
class Unavailable : public EnvironmentError {
 public:
  explicit Unavailable(const std::string& what, bool retryable = true) : EnvironmentError(what, retryable) {}
};

/// COMMIT was sent, its answer never came, and the truth could not be found out before the deadline
/// (delivery.md §5). The only case in which a caller does not know; the idempotency key makes a retry safe.
class OutcomeUnknown : public Unavailable {
 public:
  explicit OutcomeUnknown(const std::string& what) : Unavailable(what) {}
};

/// The disk or the quota is full. Nothing was kept.
class DiskFull : public Unavailable {
 public:
  explicit DiskFull(const std::string& what) : Unavailable(what) {}
};

/// A constraint of the schema refused a row: a bug in the caller's guards, never the user's doing.
class ConstraintViolation : public EnvironmentError {
 public:
  explicit ConstraintViolation(const std::string& what) : EnvironmentError(what, false) {}
};

/// A statement is wrong (syntax, unknown table, parameter mismatch): a bug that must not take the process
/// down.
class StatementError : public EnvironmentError {
 public:
  explicit StatementError(const std::string& what) : EnvironmentError(what, false) {}
};

}  // namespace countersign::store
