#include "support/stores.hpp"

#include <filesystem>
#include <optional>

#include "support/private_postgres.hpp"
#include "support/temporary_directory.hpp"

namespace countersign::test {
namespace {

// A store that was migrated once in this process; tests copy it.
class Templates {
 public:
  static const std::filesystem::path& sqlite_file() {
    static const TemporaryDirectory directory;
    static const std::filesystem::path file = [] {
      const std::filesystem::path path = directory.path() / "template.db";
      migrate("sqlite:" + path.string());
      return path;
    }();
    return file;
  }
  static const std::string& postgres_name() {
    // The server is made first and therefore ends last.
    static const std::string& server = shared_postgres_url();
    static const TemporaryDatabase database;
    static const bool migrated = [] {
      migrate(database.url());
      return !server.empty();
    }();
    static_cast<void>(migrated);
    return database.name();
  }

 private:
  static void migrate(const std::string& url) { store::open(patient_options(url))->stop(); }
};

}  // namespace

std::string name_of(Backend backend) { return backend == Backend::sqlite ? "sqlite" : "postgres"; }

store::Options patient_options(std::string url) {
  store::Options options;
  options.url = std::move(url);
  options.deadline = kStorePatience;
  return options;
}

class TestStore::Place {
 public:
  Place(Backend backend, Schema schema) {
    const bool migrated = schema == Schema::migrated;
    if (backend == Backend::sqlite) {
      directory_.emplace();
      const std::filesystem::path file = directory_->path() / "countersign.db";
      if (migrated) std::filesystem::copy_file(Templates::sqlite_file(), file);
      url_ = "sqlite:" + file.string();
    } else {
      database_.emplace(migrated ? Templates::postgres_name() : "template1");
      url_ = database_->url();
    }
  }
  [[nodiscard]] const std::string& url() const noexcept { return url_; }

 private:
  std::optional<TemporaryDirectory> directory_;
  std::optional<TemporaryDatabase> database_;
  std::string url_;
};

TestStore::TestStore(Backend backend, store::Options options, Schema schema)
    : backend_(backend), place_(std::make_unique<Place>(backend, schema)), options_(std::move(options)) {
  options_.url = place_->url();
  if (options_.deadline == store::Options{}.deadline) options_.deadline = kStorePatience;
  if (schema == Schema::migrated) reopen();
}

TestStore::~TestStore() { close(); }

void TestStore::close() {
  if (database_) database_->stop();
  database_.reset();
}

void TestStore::reopen() {
  close();
  database_ = open_another();
}

std::unique_ptr<store::Database> TestStore::open_another() const { return store::open(options_); }

}  // namespace countersign::test
