// Receipts: answers of providers, kept on this machine's disk until the store has them (delivery.md §3).
//
// With a store across a network, an outage of the store alone must never turn a known answer into `unknown`:
// the answer is synced here first, written to the store next, and replayed by the next start if that failed.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "outbox/outbox.hpp"

namespace countersign::provider {

/// One definite answer to one hand-over whose fence was passed.
struct Receipt {
  outbox::Claim claim;
  std::string worker;
  bool not_taken = false;  // a fault of the session: the attempt is given back, `answer` holds its text only
  outbox::Answer answer;
};

/// One file of a data directory for each process that uses it. Lines of JSON, each synced before keep()
/// completes; many that come together share one sync. It is emptied whenever no receipt is outstanding.
class ReceiptFile {
 public:
  /// Opens or creates `receipts-0` in `folder`, or the first after it that no living process holds, and takes
  /// over what dead ones left in any of them. `files` runs the file I/O and must outlive this.
  /// Throws EnvironmentError when no file can be opened.
  ReceiptFile(const std::filesystem::path& folder, boost::asio::thread_pool& files);
  ~ReceiptFile();
  ReceiptFile(const ReceiptFile&) = delete;
  ReceiptFile& operator=(const ReceiptFile&) = delete;

  /// What was outstanding when it was opened. A line that was cut by a crash was never
  /// relied upon and is left out.
  [[nodiscard]] const std::vector<Receipt>& left_behind() const noexcept;
  /// Completes when the receipt is on disk. A disk that fails is logged and does not stop the hand-over: the
  /// store is still there.
  [[nodiscard]] boost::asio::awaitable<void> keep(Receipt receipt);
  /// The store has it. Cheap; not synced, since a replay of what the store has changes nothing.
  void settled(const outbox::Claim& claim);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace countersign::provider
