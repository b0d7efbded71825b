// Opening: URLs, migrations, secrets.
#include <gmock/gmock.h>

#include <future>

#include "base/time.hpp"
#include "conformance/things.hpp"
#include "store/migrations/migrations.hpp"
#include "support/temporary_directory.hpp"

namespace countersign::test {
namespace {

using store::without_secret;
using testing::HasSubstr;

std::string refusal_of(const std::string& url) {
  store::Options options;
  options.url = url;
  options.deadline = std::chrono::milliseconds(500);
  try {
    (void)store::open(options);
  } catch (const store::Unavailable& error) {
    return error.what();
  }
  return "";
}

TEST(OpenStore, SaysWhatIsWrongWithAUrl) {
  for (const char* url :
       {"", "mysql://x", "sqlite:", "sqlite::memory:", "sqlite:file:x?mode=memory", "data.db"}) {
    EXPECT_THAT(refusal_of(url), HasSubstr("expected")) << url;
  }
}

TEST(OpenStore, SaysWhenTheFolderIsMissing) {
  const TemporaryDirectory directory;
  EXPECT_THAT(refusal_of("sqlite:" + (directory.path() / "no" / "x.db").string()), HasSubstr("folder"));
}

TEST(OpenStore, SaysWhenNoServerAnswers) {
  EXPECT_THAT(refusal_of("postgres://nobody@127.0.0.1:1/none"), HasSubstr("127.0.0.1"));
}

TEST(OpenStore, DoesNotRepeatAUrlThatCannotBeRead) {
  for (const char* url : {"postgres://me:se/cret@db/mail", "postgres://me:s@cret@127.0.0.1:1/mail",
                          "postgres://me:%zzcret@db/mail", "postgres://db/mail?passwort=cret"}) {
    EXPECT_THAT(refusal_of(url), testing::AllOf(HasSubstr("%XX"), testing::Not(HasSubstr("cret")))) << url;
  }
}

TEST(OpenStore, ANewSqliteFileIsPrivateToItsOwner) {
  const TemporaryDirectory directory;
  const auto database = store::open(patient_options("sqlite:" + (directory.path() / "x.db").string()));
  database->write(create_things);
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    EXPECT_EQ(entry.status().permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
        << entry.path();
  }
}

TEST(WithoutSecret, HidesThePasswordOnly) {
  EXPECT_EQ(without_secret("postgres://user:secret@host/db"), "postgres://user:***@host/db");
  EXPECT_EQ(without_secret("postgresql://user:se@cr:et@[::1]:5432/db?x=1"),
            "postgresql://user:***@[::1]:5432/db?x=1");
  EXPECT_EQ(without_secret("postgres://user@host:5432/db"), "postgres://user@host:5432/db");
  EXPECT_EQ(without_secret("postgres://host:5432/db?user=u&password=p&sslmode=require"),
            "postgres://host:5432/db?user=u&password=***&sslmode=require");
  EXPECT_EQ(without_secret("postgres:///db?password=p%40q"), "postgres:///db?password=***");
  EXPECT_EQ(without_secret("postgres://db/mail?sslpassword=a&password=b"),
            "postgres://db/mail?sslpassword=***&password=***");
  EXPECT_EQ(without_secret("postgres://one:5432,two:5433/db"), "postgres://one:5432,two:5433/db");
  // Where libpq sees no user, but whoever wrote it meant one.
  EXPECT_EQ(without_secret("postgres://me:se/cr@et@db/mail"), "postgres://me:***@db/mail");
  EXPECT_EQ(without_secret("sqlite:/var/lib/a:b@c.db"), "sqlite:/var/lib/a:b@c.db");
}

class SchemaTest : public StoreTest {};
COUNTERSIGN_ON_EVERY_STORE(SchemaTest);

TEST_P(SchemaTest, IsCompleteAfterOpening) {
  static constexpr store::Query kVersion{"test.version",
                                         "SELECT max(version), count(*) FROM store_migrations"};
  static constexpr store::Query kUsers{"test.users", "SELECT id FROM users"};
  db().read([](store::ReadTx& tx) {
    EXPECT_EQ(tx.query(kVersion).front().integer(0), store::migrations().back().version);
    EXPECT_EQ(tx.query(kVersion).front().integer(1), static_cast<std::int64_t>(store::migrations().size()));
    EXPECT_TRUE(tx.query(kUsers).empty());
    return 0;
  });
}

TEST_P(SchemaTest, OfANewerProgramIsRefused) {
  static constexpr store::Query kFuture{
      "test.future",
      "INSERT INTO store_migrations (version, name, applied_at_us) VALUES (1000, 'future', 0)"};
  db().write([](store::Tx& tx) { return tx.execute(kFuture); });
  try {
    store_.reopen();
    FAIL() << "opened a schema it does not know";
  } catch (const store::Unavailable& error) {
    EXPECT_FALSE(error.retryable());
    EXPECT_THAT(error.what(), HasSubstr("1000"));
    EXPECT_THAT(error.what(), HasSubstr("newer"));
  }
}

TEST_P(SchemaTest, IsNotMadeByWhoIsToFindOne) {
  const TestStore empty(GetParam(), {}, TestStore::Schema::none);
  store::Options options = empty.options();
  options.prepare = false;
  for (int i = 0; i < 2; ++i) {  // the first try has left nothing behind
    try {
      (void)store::open(options);
      FAIL() << "opened what is not there";
    } catch (const store::Unavailable& error) {
      EXPECT_FALSE(error.retryable());
      EXPECT_THAT(error.what(), HasSubstr("there is no database at"));
    }
  }
  if (const auto file = store::file_of(options.url)) {
    EXPECT_FALSE(std::filesystem::exists(*file));
  }
}

TEST_P(SchemaTest, OfAnOlderProgramIsLeftAsItIsByWhoIsToFindOne) {
  static constexpr store::Query kForget{"test.forget", "DELETE FROM store_migrations WHERE version > 1"};
  store::Options options = store_.options();
  options.prepare = false;
  EXPECT_NO_THROW(store::open(options)->stop());
  db().write([](store::Tx& tx) { return tx.execute(kForget); });
  try {
    (void)store::open(options);
    FAIL() << "opened a schema of another program";
  } catch (const store::Unavailable& error) {
    EXPECT_FALSE(error.retryable());
    EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("has schema 1,"), HasSubstr("start the server")));
  }
}

TEST_P(SchemaTest, ForgetsWhatWritersLeftBehindLongAgo) {
  static constexpr store::Query kLeave{
      "test.leave", "INSERT INTO store_state (writer, group_seq, touched_at_us) VALUES ($1, 1, $2)",
      "INSERT INTO store_sessions (slot, epoch, seq, touched_at_us) VALUES ($1, 1, 1, $2)"};
  static constexpr store::Query kLeft{"test.left",
                                      "SELECT writer FROM store_state WHERE writer IN ('old', 'recent')",
                                      "SELECT slot FROM store_sessions WHERE slot IN ('old', 'recent')"};
  const UtcTime now = SystemClock().now();
  db().write([&](store::Tx& tx) {
    tx.send(kLeave, {"old", now - std::chrono::days(31)});
    tx.send(kLeave, {"recent", now - std::chrono::days(29)});
    return std::monostate{};
  });
  store_.reopen();
  db().read([](store::ReadTx& tx) {
    const store::Rows left = tx.query(kLeft);
    EXPECT_EQ(left.size(), 1U);
    EXPECT_EQ(left.front().view(0), "recent");
    return 0;
  });
}

TEST_P(SchemaTest, IsMigratedOnceByNodesThatStartTogether) {
  static constexpr store::Query kCount{"test.count", "SELECT count(*) FROM store_migrations"};
  const TestStore empty(GetParam(), {}, TestStore::Schema::none);
  std::vector<std::future<void>> nodes;
  for (int i = 0; i < 4; ++i) {
    nodes.push_back(std::async(std::launch::async, [&] { empty.open_another()->stop(); }));
  }
  for (std::future<void>& node : nodes) EXPECT_NO_THROW(node.get());
  const auto count =
      empty.open_another()->read([](store::ReadTx& tx) { return tx.query(kCount).front().integer(0); });
  EXPECT_EQ(count, static_cast<std::int64_t>(store::migrations().size()));
}

}  // namespace
}  // namespace countersign::test
