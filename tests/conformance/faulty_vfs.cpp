#include "conformance/faulty_vfs.hpp"

#include <sqlite3.h>

#include <atomic>
#include <limits>
#include <mutex>
#include <new>

namespace countersign::test::faulty_vfs {
namespace {

struct Orders {
  std::atomic<int> syncs = 0;
  std::atomic<int> writes = 0;
  std::atomic<int> locks = 0;
  std::atomic<std::int64_t> log_bytes_max = std::numeric_limits<std::int64_t>::max();
  std::atomic<int> failures = 0;
};

Orders& orders() {
  static Orders instance;
  return instance;
}

bool take_one(std::atomic<int>& left) {
  int value = left.load();
  while (value > 0 && !left.compare_exchange_weak(value, value - 1)) {
  }
  if (value > 0) ++orders().failures;
  return value > 0;
}

// SQLite allocates szOsFile bytes: ours, then the real file's.
struct File {
  sqlite3_file base;
  bool is_log;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File* ours(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
sqlite3_file* real(sqlite3_file* file) { return ours(file)->real(); }

int close(sqlite3_file* file) { return real(file)->pMethods->xClose(real(file)); }
int read(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
  return real(file)->pMethods->xRead(real(file), to, count, offset);
}
int write(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
  if (ours(file)->is_log) {
    if (take_one(orders().writes)) return SQLITE_IOERR_WRITE;
    if (offset + count > orders().log_bytes_max) {
      ++orders().failures;
      return SQLITE_FULL;
    }
  }
  return real(file)->pMethods->xWrite(real(file), from, count, offset);
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
  return real(file)->pMethods->xTruncate(real(file), size);
}
int sync(sqlite3_file* file, int flags) {
  if (ours(file)->is_log && take_one(orders().syncs)) return SQLITE_IOERR_FSYNC;
  return real(file)->pMethods->xSync(real(file), flags);
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int lock(sqlite3_file* file, int level) {
  if (level >= SQLITE_LOCK_RESERVED && take_one(orders().locks)) return SQLITE_BUSY;
  return real(file)->pMethods->xLock(real(file), level);
}
int unlock(sqlite3_file* file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }
int check_reserved(sqlite3_file* file, int* held) {
  return real(file)->pMethods->xCheckReservedLock(real(file), held);
}
int control(sqlite3_file* file, int op, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), op, argument);
}
int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int characteristics(sqlite3_file* file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); }
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** at) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, at);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
int shm_unmap(sqlite3_file* file, int remove) { return real(file)->pMethods->xShmUnmap(real(file), remove); }

// Version 2: with shared memory, without memory-mapped reading.
constexpr sqlite3_io_methods kMethods{
    2,         close,          read,    write,       truncate,        sync,    file_size, lock,
    unlock,    check_reserved, control, sector_size, characteristics, shm_map, shm_lock,  shm_barrier,
    shm_unmap, nullptr,        nullptr};

sqlite3_vfs* real_vfs(sqlite3_vfs* vfs) { return static_cast<sqlite3_vfs*>(vfs->pAppData); }

int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  File* opened = new (file) File{};
  opened->is_log = (flags & SQLITE_OPEN_WAL) != 0;
  const int code = real_vfs(vfs)->xOpen(real_vfs(vfs), name, opened->real(), flags, flags_out);
  if (opened->real()->pMethods != nullptr) opened->base.pMethods = &kMethods;
  return code;
}

}  // namespace

void install() {
  static sqlite3_vfs vfs;
  static std::once_flag once;
  std::call_once(once, [] {
    sqlite3_vfs* underneath = sqlite3_vfs_find(nullptr);
    vfs = *underneath;
    vfs.zName = "faulty";
    vfs.pAppData = underneath;
    vfs.szOsFile = static_cast<int>(sizeof(File)) + underneath->szOsFile;
    vfs.xOpen = open;
    sqlite3_vfs_register(&vfs, 1);
  });
}

void fail_syncs(int times) { orders().syncs = times; }
void fail_writes(int times) { orders().writes = times; }
void refuse_locks(int times) { orders().locks = times; }
void limit_log(std::int64_t bytes) { orders().log_bytes_max = bytes; }

void heal() {
  orders().syncs = 0;
  orders().writes = 0;
  orders().locks = 0;
  orders().log_bytes_max = std::numeric_limits<std::int64_t>::max();
  orders().failures = 0;
}

int failures() { return orders().failures; }

}  // namespace countersign::test::faulty_vfs
