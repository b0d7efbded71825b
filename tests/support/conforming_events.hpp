// Every event that a test made conforms to the contract's schema of its type.
#pragma once

#include "store/database.hpp"

namespace countersign::test {

/// Fails the test for each event whose data has not the members that the contract promises.
void expect_events_conform(store::Database& database);

}  // namespace countersign::test
