// The schema as a list of forward-only steps.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "store/query.hpp"

namespace countersign::store {

/// One step. `sql` holds several statements separated by `;` and a line end. Where the dialects differ it
/// uses
/// `{blob}` (BLOB | BYTEA), `{position}` (an ascending integer key the store assigns), `{xact}` (a column
/// that holds the writing transaction's number; 0 where there is one writer) and `{postgres}` (the rest of
/// the line is for PostgreSQL alone).
struct Migration {
  int version;
  std::string_view name;
  std::string_view sql;
};

/// All steps, versions ascending from 1; a number may be left out.
[[nodiscard]] std::span<const Migration> migrations();

/// The step's statements for one dialect.
[[nodiscard]] std::string migration_text(const Migration& migration, Dialect dialect);

}  // namespace countersign::store
