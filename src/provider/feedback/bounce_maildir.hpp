// Bounces out of a Maildir that any mail server delivers into.
//
// new/ is read, each report is applied in a transaction, and after the commit its file goes to cur/. A crash
// at any point leaves the file in new/ and is made good by the next round: a report applied twice changes
// nothing. What is no report about mail of ours goes to cur/ too; nothing is deleted.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "provider/feedback/bounce.hpp"
#include "provider/feedback/outcome_hook.hpp"
#include "store/database.hpp"

namespace countersign::provider::feedback {

/// Of a file; what lies beyond is not read. The machine-readable part of a report comes before the message it
/// quotes (RFC 3462 §2).
inline constexpr std::size_t kBounceBytesMax = 1024 * 1024;
inline constexpr std::size_t kBouncesPerRoundMax = 200;

class BounceMaildir {
 public:
  /// The references must outlive it. Files are read and moved on `files`.
  BounceMaildir(store::Database& database, const Clock& clock, std::filesystem::path folder,
                ReturnPaths paths, boost::asio::thread_pool& files, OutcomeHook hook);

  /// One round over new/. A folder that does not exist is empty: mail servers make it with their first
  /// delivery. Throws EnvironmentError when the store or the folder is away; every report is then either
  /// applied or still in new/.
  [[nodiscard]] boost::asio::awaitable<void> sweep();

 private:
  [[nodiscard]] boost::asio::awaitable<bool> take(const std::string& name);
  [[nodiscard]] boost::asio::awaitable<void> apply(const Bounce& bounce);
  void count(std::string_view outcome) const;

  store::Database& database_;
  const Clock& clock_;
  const std::filesystem::path folder_;
  const ReturnPaths paths_;
  boost::asio::thread_pool& files_;
  const OutcomeHook hook_;
  std::set<std::string> skipped_;  // cannot be applied or moved; tried again by the next process
};

}  // namespace countersign::provider::feedback
