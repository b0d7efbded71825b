#include "provider/maildir/maildir.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/id.hpp"

namespace countersign::provider::maildir {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".countersign";
constexpr std::chrono::hours kLeftoverAge{36};  // as the Maildir specification says
constexpr std::size_t kKeyBytesMax = 200;       // with suffix and flags below NAME_MAX

std::unexpected<FileFault> fault(std::string_view what, const fs::path& path) {
  const int number = errno;
  return unexpected(FileFault{
      fmt::format("cannot {} {}: {}", what, path.string(), std::generic_category().message(number))});
}

}  // namespace

std::string file_name(std::string_view key) {
  const bool harmless = !key.empty() && key.size() <= kKeyBytesMax && std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return (harmless ? std::string(key) : derived_id("key-", {key}, 64)) + std::string(kSuffix);
}

Maildir::Maildir(fs::path folder) : folder_(std::move(folder)) {
  std::error_code error;
  for (const char* part : {"tmp", "new", "cur"}) {
    const fs::path path = folder_ / part;
    fs::create_directories(path, error);
    if (!error) fs::permissions(path, fs::perms::owner_all, error);
    if (error) {
      throw EnvironmentError(
          fmt::format("cannot make the Maildir folder {}: {}", path.string(), error.message()), false);
    }
  }
  remove_leftovers();
}

void Maildir::remove_leftovers() const {
  const auto oldest = fs::file_time_type::clock::now() - kLeftoverAge;
  std::error_code error;
  for (fs::directory_iterator entry(folder_ / "tmp", error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    const bool ours = entry->path().filename().string().find(kSuffix) != std::string::npos;
    if (ours && entry->last_write_time(ignored) < oldest && !ignored) fs::remove(entry->path(), ignored);
  }
}

bool Maildir::holds(const std::string& name) const {
  std::error_code error;
  if (fs::exists(folder_ / "new" / name, error)) return true;
  const std::string with_flags = name + ":2,";
  for (fs::directory_iterator entry(folder_ / "cur", error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string found = entry->path().filename().string();
    if (found == name || found.starts_with(with_flags)) return true;
  }
  return false;
}

Result<void, FileFault> Maildir::write_tmp(const std::string& tmp_name, std::string_view content) const {
  const fs::path path = folder_ / "tmp" / tmp_name;
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.number() < 0) return fault("create", path);
  if (!write_all(file.number(), content)) return fault("write", path);
  if (::fsync(file.number()) != 0) return fault("sync", path);
  return {};
}

Result<void, FileFault> Maildir::publish(const std::string& tmp_name, const std::string& name) const {
  const fs::path from = folder_ / "tmp" / tmp_name;
  const fs::path to = folder_ / "new" / name;
  // A link, because unlike rename() it never replaces what is there.
  if (::link(from.c_str(), to.c_str()) != 0 && errno != EEXIST) return fault("move the message to", to);
  return {};
}

Result<void, FileFault> Maildir::sync_new() const {
  const fs::path path = folder_ / "new";
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.number() < 0) return fault("open", path);
  if (::fsync(folder.number()) != 0) return fault("sync", path);
  return {};
}

void Maildir::discard_tmp(const std::string& tmp_name) const noexcept {
  ::unlink((folder_ / "tmp" / tmp_name).c_str());
}

}  // namespace countersign::provider::maildir
