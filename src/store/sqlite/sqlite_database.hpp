// The SQLite driver, for store::open.
#pragma once

#include <memory>
#include <string>

#include "store/open.hpp"

namespace countersign::store::sqlite {

/// Opens the file, migrates it, starts the writer and the readers. Throws Unavailable.
[[nodiscard]] std::unique_ptr<Database> open(const std::string& path, const Options& options);

}  // namespace countersign::store::sqlite
