#include "store/migrations/schema.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "store/error.hpp"

namespace countersign::store {

const Migration* next_migration(int version) {
  const auto all = migrations();
  const int newest = all.back().version;
  if (version > newest) {
    throw Unavailable(
        fmt::format("the database has schema {}, this program knows schemas up to {}; run the newer program",
                    version, newest),
        false);
  }
  const auto next = std::ranges::upper_bound(all, version, {}, &Migration::version);
  return next == all.end() ? nullptr : &*next;
}

void require_current(int version) {
  if (next_migration(version) == nullptr) return;
  throw Unavailable(
      fmt::format(
          "the database has schema {}, this program needs schema {}; start the server of this program "
          "first, which brings it up to date",
          version, migrations().back().version),
      false);
}

std::string no_database_at(const std::string& place) {
  return fmt::format(
      "there is no database at {}; is this the server's --config? `countersign serve` and `countersign "
      "bootstrap` make one",
      place);
}

}  // namespace countersign::store
