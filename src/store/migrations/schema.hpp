// Which migration comes next: what both drivers do alike when a store is opened.
#pragma once

#include <cstdint>
#include <string>

#include "store/migrations/migrations.hpp"
#include "store/query.hpp"

namespace countersign::store {

/// Rows by which a writer or a connection once told its commits apart are dropped after 30 days.
inline constexpr std::int64_t kForgottenAfterUs = std::int64_t{30} * 24 * 3600 * 1'000'000;

inline constexpr Query kSchemaVersion{
    "store.schema_version", "SELECT CAST(coalesce(max(version), 0) AS BIGINT) FROM store_migrations"};
inline constexpr Query kRecordMigration{
    "store.record_migration",
    "INSERT INTO store_migrations (version, name, applied_at_us) VALUES ($1, $2, $3)"};

/// The step after `version`; null when the schema is complete.
/// Throws Unavailable (not retryable) when the database was written by a newer program.
[[nodiscard]] const Migration* next_migration(int version);

/// Throws Unavailable (not retryable) unless `version` is the schema of this program.
void require_current(int version);

/// What is said of a place without a database, by a command that makes none.
[[nodiscard]] std::string no_database_at(const std::string& place);

}  // namespace countersign::store
