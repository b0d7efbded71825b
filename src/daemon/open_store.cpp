#include "daemon/open_store.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.hpp"

namespace countersign::daemon {

void make_data_dir(const Config& config) {
  std::error_code error;
  if (std::filesystem::create_directories(config.data_dir, error)) {
    std::filesystem::permissions(config.data_dir, std::filesystem::perms::owner_all, error);
  }
  if (error) {
    throw EnvironmentError(
        fmt::format("cannot make the data directory {}: {}; choose another with --set data_dir=PATH",
                    config.data_dir, error.message()),
        false);
  }
}

std::unique_ptr<store::Database> open_store(const Config& config) {
  make_data_dir(config);
  return store::open(store_options(config));
}

std::unique_ptr<store::Database> open_existing_store(const Config& config) {
  store::Options options = store_options(config);
  options.prepare = false;
  return store::open(options);
}

std::string store_line(const Config& config) {
  return fmt::format("store: {}\n", store::without_secret(config.store.url));
}

store::Options store_options(const Config& config) {
  store::Options options;
  options.url = config.store.url;
  options.connections = config.store.connections;
  options.readers = config.store.readers;
  options.group_max = config.store.group_max;
  options.queue_max = config.store.queue_max;
  options.deadline = config.store.deadline;
  return options;
}

store::Database* shared_store(store::Database& database) {
  return database.dialect() == store::Dialect::postgres ? &database : nullptr;
}

}  // namespace countersign::daemon
