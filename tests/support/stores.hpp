// Test suites that run on every store driver.
//
//   class OutboxTest : public countersign::test::StoreTest {};
//   COUNTERSIGN_ON_EVERY_STORE(OutboxTest);
//   TEST_P(OutboxTest, ClaimsWhatIsDue) {
//     db().write([&](store::Tx& tx) { …; return std::monostate{}; });
//   }
//
// Each test has a store of its own, empty and migrated. Link countersign_test_support.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "store/database.hpp"
#include "store/open.hpp"

namespace countersign::test {

enum class Backend { sqlite, postgres };

/// "sqlite" or "postgres".
[[nodiscard]] std::string name_of(Backend backend);

/// How long a test's store waits for its database. Tests share their machine with others and may get nothing
/// of it for minutes; the deadline of production would turn such a pause into a failure that says nothing
/// about the program.
inline constexpr std::chrono::minutes kStorePatience{10};

/// Options for a test that opens a store itself.
[[nodiscard]] store::Options patient_options(std::string url);

/// A fresh store, open; removed with the object.
class TestStore {
 public:
  enum class Schema { migrated, none };

  /// `options` without URL; the deadline is kStorePatience unless they name another than the usual one.
  /// Schema::none: nothing was created and the store is not open.
  explicit TestStore(Backend backend, store::Options options = {}, Schema schema = Schema::migrated);
  ~TestStore();
  TestStore(const TestStore&) = delete;
  TestStore& operator=(const TestStore&) = delete;

  [[nodiscard]] store::Database& database() { return *database_; }
  [[nodiscard]] Backend backend() const noexcept { return backend_; }
  /// What store::open takes: for another process, or for a connection past the store.
  [[nodiscard]] const std::string& url() const noexcept { return options_.url; }
  [[nodiscard]] const store::Options& options() const noexcept { return options_; }

  /// Stops the store, if it is open.
  void close();
  /// Stops it and opens it again, as a restart of the process does.
  void reopen();
  /// Opens the same data once more, as another node or process does.
  [[nodiscard]] std::unique_ptr<store::Database> open_another() const;

 private:
  class Place;  // the file or the database; removed last

  Backend backend_;
  std::unique_ptr<Place> place_;
  store::Options options_;
  std::unique_ptr<store::Database> database_;
};

/// Base of suites with the backend as parameter.
class StoreTest : public testing::TestWithParam<Backend> {
 protected:
  [[nodiscard]] store::Database& db() { return store_.database(); }

  TestStore store_{GetParam()};
};

}  // namespace countersign::test

#define COUNTERSIGN_ON_EVERY_STORE(Suite)                                                        \
  INSTANTIATE_TEST_SUITE_P(                                                                      \
      Store, Suite,                                                                              \
      testing::Values(countersign::test::Backend::sqlite, countersign::test::Backend::postgres), \
      [](const testing::TestParamInfo<countersign::test::Backend>& backend) {                    \
        return countersign::test::name_of(backend.param);                                        \
      })
