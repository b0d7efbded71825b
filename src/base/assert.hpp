// Assertions that stay on in release: a broken invariant stops the process before it can write anything.
#pragma once

namespace countersign {

/// Logs the failed condition with its place and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace countersign

/// Checks an invariant of the program itself. Never used for input, state in a database or the environment.
#define CS_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::countersign::assertion_failed(#condition, __FILE__, __LINE__))
