// The first fault of a transaction ends it: later statements repeat it, and a body that swallowed it cannot
// commit. PostgreSQL behaves so by itself; SQLite is made to.
#pragma once

#include <exception>

namespace countersign::store {

class FirstFault {
 public:
  /// Calls `action` and returns its result, unless an earlier one threw: then throws that again.
  template <class Action>
  auto keep(Action action) {
    rethrow();
    try {
      return action();
    } catch (...) {
      fault_ = std::current_exception();
      throw;
    }
  }
  /// Null when every statement went well.
  [[nodiscard]] const std::exception_ptr& get() const noexcept { return fault_; }
  void rethrow() const {
    if (fault_) std::rethrow_exception(fault_);
  }

 private:
  std::exception_ptr fault_;
};

}  // namespace countersign::store
