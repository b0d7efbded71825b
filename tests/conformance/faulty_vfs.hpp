// A layer between SQLite and its files that fails on demand, as a dying or full disk does.
//
// Installed once as SQLite's default in the test program; passes everything through until told otherwise.
// Only write-ahead logs fail, as that is where a COMMIT goes, and locks that writing a database file needs.
#pragma once

#include <cstdint>

namespace countersign::test::faulty_vfs {

/// Call before the first connection of the program is opened. Idempotent.
void install();

/// The next `times` fsyncs of a log fail with SQLITE_IOERR_FSYNC: everything was written, nobody knows what
/// of it is on the disk.
void fail_syncs(int times);
/// The next `times` writes to a log fail with SQLITE_IOERR_WRITE.
void fail_writes(int times);
/// Writes to a log beyond `bytes` from its start fail with SQLITE_FULL.
void limit_log(std::int64_t bytes);
/// The next `times` locks for writing to a database file (not to its log) are held by somebody else.
void refuse_locks(int times);
/// Everything passes again.
void heal();

/// Failures caused since the last heal().
[[nodiscard]] int failures();

}  // namespace countersign::test::faulty_vfs
