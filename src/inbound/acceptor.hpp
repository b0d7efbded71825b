// The door: recipients are looked up, and a message is durable, with all that must follow, before anybody
// says 250 (delivery.md §1).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "account/principal.hpp"
#include "base/time.hpp"
#include "inbound/intake.hpp"
#include "inbound/spool.hpp"
#include "store/database.hpp"

namespace countersign::inbound {

struct AcceptorOptions {
  std::string host;  // this server's name in trace fields
  std::string shared_domain;
  account::Limits limits;  // of accounts without their own
  /// Whether an address is a return path of this deployment; empty: none is.
  std::function<bool(std::string_view address)> is_return_path;
  /// Something was taken: look now. May be empty.
  std::function<void()> taken;
};

/// How long it is remembered that a recipient may have mail: long enough to spare a flood most of its
/// questions, and shorter than deleting an agent and writing to it again. What changes meanwhile is seen when
/// the message is taken, as it is when a sender pauses between RCPT and DATA.
inline constexpr std::chrono::milliseconds kRecipientMemory{10};
inline constexpr std::size_t kRecipientsRemembered = 4'096;

class Acceptor final : public Intake {
 public:
  /// The references must outlive it.
  Acceptor(store::Database& database, const Clock& clock, AcceptorOptions options);

  boost::asio::awaitable<RecipientAnswer> recipient(std::string address) override;
  boost::asio::awaitable<std::vector<AcceptAnswer>> accept(Envelope envelope,
                                                           std::shared_ptr<const std::string> raw) override;

  /// Messages that are being taken at this moment. Thread-safe.
  [[nodiscard]] std::int64_t under_way() const noexcept { return under_way_; }

 private:
  boost::asio::awaitable<std::vector<AcceptAnswer>> store_it(TakeCommand command);
  [[nodiscard]] bool is_return_path(std::string_view address) const;
  [[nodiscard]] bool remembers(const std::string& address, UtcTime now);
  void remember(const std::string& address, UtcTime now);

  store::Database& database_;
  const Clock& clock_;
  const AcceptorOptions options_;
  std::atomic<std::int64_t> under_way_ = 0;
  std::mutex mutex_;
  std::unordered_map<std::string, UtcTime> welcome_;  // recipients, and when they were looked up
};

}  // namespace countersign::inbound
