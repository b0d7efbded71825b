// Other connections in the way: locks, deadlocks, serialization failures; and full disks.
#include <gmock/gmock.h>
#include <libpq-fe.h>
#include <sqlite3.h>

#include "conformance/pending.hpp"
#include "support/private_postgres.hpp"

namespace countersign::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A connection past the store that holds a lock every writer needs, as another program does.
class OtherProgram {
 public:
  explicit OtherProgram(const TestStore& store) {
    if (store.backend() == Backend::sqlite) {
      const std::string path = store.url().substr(std::string_view("sqlite:").size());
      EXPECT_EQ(sqlite3_open_v2(path.c_str(), &sqlite_, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
    } else {
      postgres_ = PQconnectdb(store.url().c_str());
    }
    execute(sqlite_ != nullptr ? "BEGIN IMMEDIATE" : "BEGIN; LOCK TABLE things IN EXCLUSIVE MODE");
  }
  ~OtherProgram() {
    sqlite3_close(sqlite_);
    PQfinish(postgres_);
  }
  OtherProgram(const OtherProgram&) = delete;
  OtherProgram& operator=(const OtherProgram&) = delete;

  void commit() { execute("COMMIT"); }

 private:
  void execute(const char* sql) {
    if (sqlite_ != nullptr) {
      EXPECT_EQ(sqlite3_exec(sqlite_, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    } else {
      PGresult* result = PQexec(postgres_, sql);
      EXPECT_EQ(PQresultStatus(result), PGRES_COMMAND_OK) << PQerrorMessage(postgres_);
      PQclear(result);
    }
  }
  sqlite3* sqlite_ = nullptr;
  PGconn* postgres_ = nullptr;
};

class ConflictTest : public ThingsTest {};
COUNTERSIGN_ON_EVERY_STORE(ConflictTest);

TEST_P(ConflictTest, AWriteWaitsForAnotherProgramsLock) {
  OtherProgram other(store_);
  auto write = start_write(db(), adds("a"));
  EXPECT_EQ(write.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  other.commit();
  result_of(write);
  EXPECT_THAT(things(db()), ElementsAre("a"));
}

TEST_P(ConflictTest, AWriteFailsAtItsDeadlineWhileTheLockIsHeld) {
  // Only the write that is to fail is short of time.
  store::Options options = store_.options();
  options.deadline = std::chrono::milliseconds(2'000);
  const std::unique_ptr<store::Database> hurried = store::open(options);
  {
    OtherProgram other(store_);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THROW(hurried->write(adds("a")), store::Unavailable);
    EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(1'900));
    EXPECT_THAT(things(db()), IsEmpty()) << "readers do not wait for writers";
    other.commit();
  }
  db().write(adds("b"));
  EXPECT_THAT(things(db()), ElementsAre("b"));
}

TEST_P(ConflictTest, TwoNodesWriteToOneStore) {
  const std::unique_ptr<store::Database> other = store_.open_another();
  std::thread second([&] {
    for (int i = 0; i < 50; ++i) other->write(adds("other" + std::to_string(i)));
  });
  for (int i = 0; i < 50; ++i) db().write(adds("one" + std::to_string(i)));
  second.join();
  EXPECT_EQ(things(db()).size(), 100U);
}

class PostgresConflictTest : public testing::Test {
 protected:
  PostgresConflictTest() { db().write(create_things); }
  [[nodiscard]] store::Database& db() { return store_.database(); }
  // A trigger that raises `code` for every thing named `id`, `times` times; the count outlives rollbacks.
  void raise_on(const std::string& id, const std::string& code, int times) {
    postgres_execute(store_.url(), fmt::format(R"(
      CREATE SEQUENCE raised;
      CREATE FUNCTION raise() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NEW.id = '{}' AND nextval('raised') <= {} THEN
          RAISE EXCEPTION 'raised by the test' USING ERRCODE = '{}';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER raise BEFORE INSERT ON things FOR EACH ROW EXECUTE FUNCTION raise();)",
                                               id, times, code));
  }

  TestStore store_{Backend::postgres};
};

TEST_F(PostgresConflictTest, ABodyRunsAgainAfterASerializationFailure) {
  raise_on("a", "40001", 2);
  int runs = 0;
  db().write([&](store::Tx& tx) {
    ++runs;
    return adds("a")(tx);
  });
  EXPECT_EQ(runs, 3);
  EXPECT_THAT(things(db()), ElementsAre("a"));
}

TEST_F(PostgresConflictTest, ABodyRunsAgainWhenTheFailureShowsAtCommitOnly) {
  raise_on("a", "40001", 1);
  int runs = 0;
  db().write([&](store::Tx& tx) {
    ++runs;
    tx.send(kAddThing, {"a", 1});
    return std::monostate{};
  });
  EXPECT_EQ(runs, 2);
  EXPECT_THAT(things(db()), ElementsAre("a"));
}

TEST_F(PostgresConflictTest, TwoBodiesInADeadlockBothSucceed) {
  db().write(adds("left"));
  db().write(adds("right"));
  std::latch both_hold_one(2);
  std::atomic<int> runs = 0;
  const auto changes = [&](std::string first, std::string second, int number) {
    return [&, first, second, number, counted = false](store::Tx& tx) mutable {
      ++runs;
      tx.execute(kChangeThing, {first, number});
      if (!std::exchange(counted, true)) both_hold_one.arrive_and_wait();
      tx.execute(kChangeThing, {second, number});
      return std::monostate{};
    };
  };
  auto one = start_write(db(), changes("left", "right", 1));
  auto other = start_write(db(), changes("right", "left", 2));
  result_of(one);
  result_of(other);
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(number_of(db(), "left"), number_of(db(), "right"));
}

// A real full disk needs a file system of its own; the server's error code for it does not.
TEST_F(PostgresConflictTest, AFullDiskIsToldAsSuch) {
  raise_on("a", "53100", 1);
  EXPECT_THROW(db().write(adds("a")), store::DiskFull);
  EXPECT_THAT(things(db()), IsEmpty());
  db().write(adds("a"));
  EXPECT_THAT(things(db()), ElementsAre("a"));
}

}  // namespace
}  // namespace countersign::test
