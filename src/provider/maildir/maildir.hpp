// The folder itself: blocking file operations of one Maildir, each with its durable effect.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace countersign::provider::maildir {

/// What a system call refused, as text for a person: "cannot write …/tmp/x: No space left on device".
struct FileFault {
  std::string text;
};

class Maildir {
 public:
  /// Creates the folders when missing, and clears tmp/ of what interrupted attempts left 36 hours ago. Throws
  /// EnvironmentError when that is impossible.
  explicit Maildir(std::filesystem::path folder);

  /// True when the message is in new/, or in cur/ with whatever flags a reader gave it.
  [[nodiscard]] bool holds(const std::string& name) const;
  /// Writes tmp/tmp_name, which must not exist, and syncs it.
  [[nodiscard]] Result<void, FileFault> write_tmp(const std::string& tmp_name,
                                                  std::string_view content) const;
  /// Makes tmp/tmp_name appear as new/name, unless new/ holds one of that name already. Not durable before
  /// sync_new(). The name in tmp/ stays.
  [[nodiscard]] Result<void, FileFault> publish(const std::string& tmp_name, const std::string& name) const;
  [[nodiscard]] Result<void, FileFault> sync_new() const;
  /// Removes tmp/tmp_name, if it is there.
  void discard_tmp(const std::string& tmp_name) const noexcept;

 private:
  void remove_leftovers() const;

  std::filesystem::path folder_;
};

/// A file name for a key: the key itself where it is harmless, else one derived from it; always the same.
[[nodiscard]] std::string file_name(std::string_view key);

}  // namespace countersign::provider::maildir
