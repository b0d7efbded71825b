#include "outbox/relay.hpp"

#include "base/fault.hpp"
#include "outbox/retry.hpp"

namespace countersign::outbox {
namespace {

using store::Query;

constexpr Query kLook(
    "outbox.look_at_relay",
    "SELECT state, failures, opened_at_us, probe_at_us, phase, code, text FROM relays WHERE "
    "provider = $1");
constexpr Query kTakeProbe("outbox.take_probe",
                           "UPDATE relays SET probe_at_us = $3 WHERE provider = $1 AND state = 'open' AND "
                           "(probe_at_us <= $2 OR probe_at_us > $4)");
constexpr Query kReturnProbe("outbox.return_probe",
                             "UPDATE relays SET probe_at_us = $2 WHERE provider = $1 AND state = 'open'");
// 20 doublings are more than any pause allows.
constexpr Query kTrip(
    "outbox.trip_relay",
    "INSERT INTO relays (provider, state, failures, opened_at_us, probe_at_us, phase, code, text) "
    "VALUES ($1, 'open', 1, $2, $2 + $3, $5, $6, $7) ON CONFLICT (provider) DO UPDATE SET "
    "failures = CASE relays.state WHEN 'closed' THEN 1 ELSE relays.failures + 1 END, "
    "opened_at_us = CASE relays.state WHEN 'closed' THEN excluded.opened_at_us ELSE relays.opened_at_us END, "
    "probe_at_us = excluded.opened_at_us + CASE WHEN relays.state = 'closed' THEN $3 WHEN relays.failures > "
    "20 "
    "OR $3 * (CAST(1 AS BIGINT) << CAST(relays.failures AS INTEGER)) > $4 THEN $4 "
    "ELSE $3 * (CAST(1 AS BIGINT) << CAST(relays.failures AS INTEGER)) END, "
    "state = 'open', phase = excluded.phase, code = excluded.code, text = excluded.text "
    "WHERE relays.state = 'closed' OR $8 = 1 RETURNING failures");
constexpr Query kClose("outbox.close_relay",
                       "UPDATE relays SET state = 'closed', failures = 0 WHERE provider = $1 AND "
                       "state = 'open' AND opened_at_us < $2");

}  // namespace

std::optional<Relay> look_at_relay(store::ReadTx& tx, std::string_view provider) {
  const store::Rows rows = tx.query(kLook, {provider});
  if (rows.empty()) return std::nullopt;
  const store::Row row = rows.front();
  return Relay{std::string(provider), row.view(0) == "open", row.integer(1), row.time(2),
               row.time(3),           row.text(4),           row.integer(5), row.text(6)};
}

Permission ask_relay(store::Tx& tx, std::string_view provider, UtcTime now, UtcTime lease_until) {
  const auto relay = look_at_relay(tx, provider);
  if (!relay || !relay->open) return Permission::many;
  const UtcTime latest = lease_until + kOutagePauseMax;
  if (relay->probe_at > now && relay->probe_at <= latest) return Permission::none;
  return tx.execute(kTakeProbe, {provider, now, lease_until, latest}) == 1 ? Permission::probe
                                                                           : Permission::none;
}

void return_probe(store::Tx& tx, std::string_view provider, UtcTime now) {
  tx.send(kReturnProbe, {provider, now});
}

bool trip_relay(store::Tx& tx, std::string_view provider, const RelayFault& fault, UtcTime now) {
  CS_FAULT("outbox.trip_relay");
  const std::int64_t first_us = Duration(fault.first_pause).count();
  const std::int64_t longest_us = Duration(kOutagePauseMax).count();
  const store::Rows rows = tx.query(
      kTrip, {provider, now, first_us, longest_us, fault.phase, fault.code, fault.text, fault.probe ? 1 : 0});
  return !rows.empty() && rows.front().integer(0) == 1;
}

bool close_relay(store::Tx& tx, std::string_view provider, UtcTime asked_at) {
  return tx.execute(kClose, {provider, asked_at}) == 1;
}

}  // namespace countersign::outbox
