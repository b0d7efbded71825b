#include "store/open.hpp"

#include <string_view>

#include "store/postgres/postgres_database.hpp"
#include "store/postgres/signals.hpp"
#include "store/signals.hpp"
#include "store/sqlite/sqlite_database.hpp"

namespace countersign::store {
namespace {

constexpr std::string_view kSqlite = "sqlite:";

bool is_postgres(std::string_view url) {
  return url.starts_with("postgres://") || url.starts_with("postgresql://");
}

}  // namespace

std::unique_ptr<Database> open(const Options& options) {
  if (const auto path = file_of(options.url)) {
    // Names that SQLite does not take for a file that several connections share.
    if (path->empty() || path->starts_with(":") || path->starts_with("file:")) {
      throw Unavailable("database URL: expected sqlite:PATH with the path of a file", false);
    }
    return sqlite::open(*path, options);
  }
  if (is_postgres(options.url)) return postgres::open(options);
  throw Unavailable("database URL: expected sqlite:PATH or postgres://USER@HOST/DATABASE", false);
}

std::optional<std::string> file_of(const std::string& url) {
  if (!url.starts_with(kSqlite)) return std::nullopt;
  return url.substr(kSqlite.size());
}

std::unique_ptr<Signals> open_signals(const Options& options, std::function<void(Topics)> received) {
  if (!is_postgres(options.url)) return nullptr;
  return std::make_unique<postgres::PostgresSignals>(options.url, std::move(received));
}

std::string without_secret(const std::string& url) {
  if (!is_postgres(url)) return url;
  std::string result = url;
  const std::size_t authority = result.find("//") + 2;
  const std::size_t authority_end = std::min(result.find_first_of("/?", authority), result.size());
  const std::size_t at = result.rfind('@', authority_end);
  const std::size_t colon = result.find(':', authority);
  if (at != std::string::npos && at >= authority && at < authority_end) {
    if (colon < at) result.replace(colon + 1, at - colon - 1, "***");
  } else if (colon < authority_end && result[authority] != '[') {
    // What is no port is a secret with a "/" or "?" that had to be written as %XX; libpq takes no such URL.
    const std::size_t port_end = result.find_first_not_of("0123456789", colon + 1);
    const bool is_port = port_end >= authority_end || result[port_end] == ',';
    const std::size_t last = std::min(result.rfind('@'), result.size());
    if (!is_port && last > colon) result.replace(colon + 1, last - colon - 1, "***");
  }
  // libpq also takes the secret as a parameter.
  for (const std::string_view key : {"password=", "sslpassword="}) {
    for (std::size_t found = result.find(key); found != std::string::npos;
         found = result.find(key, found + key.size())) {
      const char before = result[found - 1];
      if (before != '?' && before != '&') continue;
      const std::size_t value = found + key.size();
      const std::size_t end = std::min(result.find('&', value), result.size());
      result.replace(value, end - value, "***");
    }
  }
  return result;
}

}  // namespace countersign::store
