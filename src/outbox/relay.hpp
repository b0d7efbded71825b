// The breaker of a way out, shared by all nodes: a fault of the session says nothing about a message, so the
// provider as a whole is left alone for a growing while, one hand-over at a time asks whether it is back, and
// no message loses an attempt (delivery.md §4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "store/tx.hpp"

namespace countersign::outbox {

/// How a provider stands.
struct Relay {
  std::string provider;
  bool open = false;  // the breaker: open means that nothing flows
  std::int64_t failures = 0;
  UtcTime opened_at;
  UtcTime probe_at;  // when the next hand-over may ask
  std::string phase;
  std::int64_t code = 0;
  std::string text;
};
/// Nothing when it has never failed.
[[nodiscard]] std::optional<Relay> look_at_relay(store::ReadTx& tx, std::string_view provider);

enum class Permission : std::uint8_t {
  many,   // the provider is not known to be away
  probe,  // it is away, and the caller is the one to ask: one hand-over
  none,   // it is away, and it is not time to ask, or another node is asking
};
/// What may be claimed for this provider. A probe belongs to the caller until `lease_until`. A probe that is
/// set further ahead than any pause is, is due: a clock has been set back since.
[[nodiscard]] Permission ask_relay(store::Tx& tx, std::string_view provider, UtcTime now,
                                   UtcTime lease_until);
/// The probe was not needed: nothing was due. The next caller may have it.
void return_probe(store::Tx& tx, std::string_view provider, UtcTime now);

struct RelayFault {
  std::string phase;
  int code = 0;
  std::string text;
  bool probe = false;                       // the hand-over was the probe
  std::chrono::milliseconds first_pause{};  // after the first fault; doubled with each, up to kOutagePauseMax
};
/// Opens the breaker, or prolongs the pause when the probe failed; faults of hand-overs that had begun before
/// are the same outage. True: it was closed until now, which is when an operator wants to hear of it.
bool trip_relay(store::Tx& tx, std::string_view provider, const RelayFault& fault, UtcTime now);
/// The provider has answered what it was asked at `asked_at`; UtcTime::max() for the probe, whose answer
/// counts whatever the clocks of nodes say. True: the breaker was open until now. What was asked before it
/// opened says nothing about the outage.
bool close_relay(store::Tx& tx, std::string_view provider, UtcTime asked_at);

}  // namespace countersign::outbox
