// Result: a value, or a refusal that the caller must look at.
#pragma once

#include <expected>

namespace countersign {

/// A value of type T, or a refusal E (a closed enum or a small struct of the module that returns it).
/// Environment faults are exceptions and bugs are assertions; neither travels in a Result.
template <class T, class E>
using Result = std::expected<T, E>;

using std::unexpected;

}  // namespace countersign
