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
  const auto next =
      std::ranges::find_if(all, [version](const Migration& one) { return one.version > version; });
  return next == all.end() ? nullptr : &*next;
}

}  // namespace countersign::store
