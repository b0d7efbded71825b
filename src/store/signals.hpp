// Signals between the processes that share a store: that something of a kind was committed, so that nobody
// has to wait for the next look. They may get lost; whoever listens looks by himself from time to time too.
//
// Not part of any transaction: on PostgreSQL a NOTIFY inside one makes all commits queue behind one lock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "store/open.hpp"

namespace countersign::store {

/// A set of kinds, one bit each; what they mean is the caller's business.
using Topics = std::uint32_t;
inline constexpr Topics kAllTopics = ~Topics{0};

class Signals {
 public:
  virtual ~Signals() = default;
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Tells the other processes, soon and together with what else there is to tell. Thread-safe, never blocks.
  virtual void send(Topics topics) noexcept = 0;
  /// Nothing is sent or received any more. Idempotent.
  virtual void stop() = 0;

 protected:
  Signals() = default;
};

/// `received` is called on a thread of its own: for what other processes send, and with kAllTopics when
/// something may have been missed. Null for an embedded store, which has no other processes. Throws nothing:
/// a server that is away is tried again and again.
[[nodiscard]] std::unique_ptr<Signals> open_signals(const Options& options,
                                                    std::function<void(Topics)> received);

}  // namespace countersign::store
