// SQLite on a disk that fails in the middle of COMMIT: what callers hear is what a crash would find.
#include <gmock/gmock.h>

#include "base/fault.hpp"
#include "conformance/faulty_vfs.hpp"
#include "conformance/pending.hpp"
#include "support/temporary_directory.hpp"

namespace countersign::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class SqliteDiskTest : public testing::Test {
 protected:
  SqliteDiskTest() {
    faulty_vfs::install();
    faulty_vfs::heal();
    store_ = std::make_unique<TestStore>(Backend::sqlite);
    db().write(create_things);
  }
  ~SqliteDiskTest() override { faulty_vfs::heal(); }

  [[nodiscard]] store::Database& db() { return store_->database(); }

  // What somebody finds who opens the files as they are now, as after a crash of the machine that lost
  // nothing of what was written.
  std::vector<std::string> things_after_a_crash() {
    const TemporaryDirectory directory;
    const std::filesystem::path file = store_->url().substr(std::string_view("sqlite:").size());
    for (const char* suffix : {"", "-wal"}) {
      std::filesystem::copy_file(file.string() + suffix,
                                 directory.path() / ("copy.db" + std::string(suffix)));
    }
    return things(*store::open(patient_options("sqlite:" + (directory.path() / "copy.db").string())));
  }

  std::unique_ptr<TestStore> store_;
};

TEST_F(SqliteDiskTest, ACommitThatCannotBeSynchronisedIsHeardAndDoesNotComeBackAfterACrash) {
  EXPECT_THAT(things(db()), IsEmpty());
  faulty_vfs::fail_syncs(1);
  EXPECT_THROW(db().write(adds("a")), store::Unavailable);
  EXPECT_EQ(faulty_vfs::failures(), 1);
  EXPECT_THAT(things_after_a_crash(), IsEmpty());
  EXPECT_THAT(things(db()), IsEmpty());
  db().write(adds("a"));
  EXPECT_THAT(things_after_a_crash(), ElementsAre("a"));
}

TEST_F(SqliteDiskTest, ACommitThatCannotBeWrittenIsHeard) {
  faulty_vfs::fail_writes(1);
  EXPECT_THROW(db().write(adds("a")), store::Unavailable);
  EXPECT_EQ(faulty_vfs::failures(), 1);
  EXPECT_THAT(things_after_a_crash(), IsEmpty());
  db().write(adds("b"));
  store_->reopen();
  EXPECT_THAT(things(db()), ElementsAre("b"));
}

TEST_F(SqliteDiskTest, TheOutcomeIsSoughtUntilTheDiskAnswers) {
  faulty_vfs::fail_syncs(4);
  try {
    db().write(adds("a"));
    FAIL() << "a commit that was not synchronised was acknowledged";
  } catch (const store::OutcomeUnknown& error) {
    FAIL() << "the outcome could be found out: " << error.what();
  } catch (const store::Unavailable&) {
    EXPECT_THAT(things_after_a_crash(), IsEmpty());
  }
  EXPECT_EQ(faulty_vfs::failures(), 4);
}

TEST_F(SqliteDiskTest, AnOutcomeThatCannotBeFoundOutIsToldAsUnknown) {
  // The same file, by somebody who seeks for a few seconds: long enough to get as far as COMMIT on a busy
  // machine.
  store_->close();
  store::Options options = store_->options();
  options.deadline = std::chrono::seconds(5);
  const std::unique_ptr<store::Database> hurried = store::open(options);
  faulty_vfs::fail_syncs(1'000'000);
  EXPECT_THROW(hurried->write(adds("a")), store::OutcomeUnknown);
  faulty_vfs::heal();
  hurried->write(adds("b"));
  EXPECT_THAT(things(*hurried), Contains("b"));
}

TEST_F(SqliteDiskTest, AGroupOnADeadDiskHearsOfItTogether) {
  BlockingWrite first(db());
  auto a = start_write(db(), adds("a"));
  auto b = start_write(db(), adds("b"));
  fault::reset();
  fault::arm("store.commit", 2, fault::Action::call, [] { faulty_vfs::fail_syncs(1); });
  first.finish();
  EXPECT_THROW(result_of(a), store::Unavailable);
  EXPECT_THROW(result_of(b), store::Unavailable);
  EXPECT_THAT(things_after_a_crash(), ElementsAre("blocker"));
}

TEST_F(SqliteDiskTest, AFullDiskIsToldAsSuchAndKeepsNothing) {
  faulty_vfs::limit_log(0);
  EXPECT_THROW(db().write(adds("a")), store::DiskFull);
  EXPECT_THAT(things(db()), IsEmpty());
  faulty_vfs::heal();
  db().write(adds("b"));
  store_->reopen();
  EXPECT_THAT(things(db()), ElementsAre("b"));
}

TEST_F(SqliteDiskTest, AMemberTooBigForTheDiskDoesNotTakeItsNeighboursWithIt) {
  static constexpr store::Query kAddContent{"things.add_content",
                                            "INSERT INTO things (id, content) VALUES ($1, zeroblob($2))"};
  constexpr std::int64_t kMebibyte = 1 << 20;
  // More than the cache holds, so that the log is written, and found full, while the body still runs.
  constexpr int kPieces = 12;
  constexpr std::int64_t kPieceBytes = 8 * kMebibyte;
  BlockingWrite first(db());
  auto before = start_write(db(), adds("before"));
  auto big = start_write(db(), [&](store::Tx& tx) {
    for (int i = 0; i < kPieces; ++i) tx.execute(kAddContent, {"big" + std::to_string(i), kPieceBytes});
    return std::monostate{};
  });
  auto after = start_write(db(), adds("zafter"));
  faulty_vfs::limit_log(20 * kMebibyte);
  first.finish();
  result_of(before);
  EXPECT_THROW(result_of(big), store::DiskFull);
  result_of(after);
  EXPECT_GE(faulty_vfs::failures(), 1);
  faulty_vfs::heal();
  EXPECT_THAT(things(db()), ElementsAre("before", "blocker", "zafter"));
  store_->reopen();
  EXPECT_THAT(things(db()), ElementsAre("before", "blocker", "zafter"));
}

// With other locks in the way SQLite waits by itself; not with those of a file's change into a WAL file.
TEST_F(SqliteDiskTest, ANewFileThatAnotherNodeOpensAtTheSameTimeIsWaitedFor) {
  const TemporaryDirectory directory;
  faulty_vfs::refuse_locks(3);
  const auto store = store::open(patient_options("sqlite:" + (directory.path() / "new.db").string()));
  EXPECT_EQ(faulty_vfs::failures(), 3);
  store->write(create_things);
  store->write(adds("a"));
  EXPECT_THAT(things(*store), ElementsAre("a"));
}

TEST_F(SqliteDiskTest, TheLogIsCopiedIntoTheDatabaseWhileReadersComeAndGo) {
  static constexpr store::Query kReplace{"things.replace_content",
                                         "UPDATE things SET content = zeroblob(200000 + $1) WHERE id = 'a'"};
  db().write(adds("a"));
  std::atomic<bool> stop = false;
  std::thread reader([&] {
    while (!stop) EXPECT_EQ(things(db()).size(), 1U);
  });
  // 400 × 200 kB: 80 MB go through the log.
  for (int i = 0; i < 400; ++i) {
    db().write([i](store::Tx& tx) { return tx.execute(kReplace, {i}); });
  }
  stop = true;
  reader.join();
  const std::string log = store_->url().substr(std::string_view("sqlite:").size()) + "-wal";
  EXPECT_LT(std::filesystem::file_size(log), 40'000'000U) << "the log grew without being used again";
}

}  // namespace
}  // namespace countersign::test
