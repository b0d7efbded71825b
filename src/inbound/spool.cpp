#include "inbound/spool.hpp"

#include <algorithm>
#include <map>

#include "account/agent.hpp"
#include "account/usage.hpp"
#include "base/assert.hpp"
#include "base/fault.hpp"

namespace countersign::inbound {
namespace {

using store::Blob;
using store::Query;

constexpr Query kRemember("inbound.remember",
                          "INSERT INTO received_digests (agent_email, digest, message_id, received_at_us) "
                          "VALUES ($1, $2, $3, $4) ON CONFLICT (agent_email, digest) DO NOTHING");

constexpr Query kInsertContent("inbound.insert_content",
                               "INSERT INTO arrival_contents (id, envelope, raw, due_at_us, received_at_us) "
                               "VALUES ($1, $2, $3, $4, $4)");

constexpr Query kInsertArrival(
    "inbound.insert_arrival",
    "INSERT INTO arrivals (id, content_id, recipient, user_id, agent_email, trace, charged_bytes) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7)");

// Differs because SQLite has one writer and no row locks to skip. An array, because PostgreSQL may run a
// subquery of IN again for every row it compares.
constexpr Query kClaim(
    "inbound.claim",
    "UPDATE arrival_contents SET epoch = epoch + 1, attempts = attempts + 1, worker = $1, due_at_us = $3 "
    "WHERE id IN (SELECT id FROM arrival_contents WHERE due_at_us <= $2 ORDER BY due_at_us, id LIMIT $4) "
    "RETURNING id, epoch, attempts, delays, received_at_us",
    "UPDATE arrival_contents SET epoch = epoch + 1, attempts = attempts + 1, worker = $1, due_at_us = $3 "
    "WHERE id = ANY (ARRAY(SELECT id FROM arrival_contents WHERE due_at_us <= $2 ORDER BY due_at_us, id "
    "LIMIT $4 FOR UPDATE SKIP LOCKED)) RETURNING id, epoch, attempts, delays, received_at_us");

constexpr Query kLoadContent("inbound.load_content",
                             "SELECT envelope, raw FROM arrival_contents WHERE id = $1 AND epoch = $2");
constexpr Query kLoadArrivals(
    "inbound.load_arrivals",
    "SELECT r.id, r.recipient, r.agent_email, r.trace, COALESCE(a.inbound_policy, 'open'), "
    "COALESCE(a.inbound_sensitivity, 'off') FROM arrivals r "
    "LEFT JOIN agents a ON a.email = r.agent_email WHERE r.content_id = $1 ORDER BY r.id");

constexpr Query kLeave("inbound.leave",
                       "DELETE FROM arrivals WHERE id = $1 AND content_id = $2 AND EXISTS (SELECT 1 FROM "
                       "arrival_contents c WHERE c.id = $2 AND c.epoch = $3)");
constexpr Query kClose("inbound.close",
                       "DELETE FROM arrival_contents WHERE id = $1 AND epoch = $2 AND NOT EXISTS (SELECT 1 "
                       "FROM arrivals a WHERE a.content_id = $1)");

constexpr Query kGiveBack(
    "inbound.give_back",
    "UPDATE arrival_contents SET worker = '', due_at_us = $3, trouble = $4, attempts = attempts - $5, "
    "delays = delays + $6 WHERE id = $1 AND epoch = $2");

// Of what this transaction has claimed: as if it had not.
constexpr Query kLeaveDue("inbound.leave_due",
                          "UPDATE arrival_contents SET worker = '', due_at_us = $2, attempts = attempts - 1 "
                          "WHERE id = $1");

constexpr Query kTakeUpAll("inbound.take_up_all",
                           "UPDATE arrival_contents SET worker = '', due_at_us = $1 WHERE worker <> ''");

constexpr Query kForgetDigests(
    "inbound.forget_digests",
    "DELETE FROM received_digests WHERE (agent_email, digest) IN (SELECT agent_email, digest FROM "
    "received_digests WHERE received_at_us <= $1 ORDER BY received_at_us LIMIT $2)");

constexpr Query kDepth("inbound.depth",
                       "SELECT CAST(count(*) AS BIGINT), min(received_at_us) FROM arrival_contents");

// What one recipient is answered, and for whom its arrival would be kept.
struct Admission {
  AcceptAnswer answer = AcceptAnswer::unavailable;
  std::optional<account::Agent> agent;
  bool kept = false;
};

// What this transaction keeps for an account, and counts at its end.
struct Kept {
  std::int64_t messages = 0;
  std::int64_t bytes = 0;
};

std::int64_t bytes_of(const TakeCommand& command, const Door& door) {
  return static_cast<std::int64_t>(door.trace.size() + command.raw.size());
}

Admission admit(store::Tx& tx, const TakeCommand& command, const Door& door, std::map<UserId, Kept>& kept) {
  Admission admission;
  if (door.report) {
    admission.answer = AcceptAnswer::taken;
    admission.kept = true;
    return admission;
  }
  admission.agent = account::find_live_agent(tx, door.address, command.shared_domain);
  if (!admission.agent || !admission.agent->domain_verified) {
    admission.answer = AcceptAnswer::unknown;
    return admission;
  }
  const UserId& user = admission.agent->user;
  auto limits = account::limits_of(tx, user, command.limits);
  CS_ASSERT(limits.has_value());
  Kept& so_far = kept[user];
  limits->messages_month_max -= so_far.messages;
  limits->storage_bytes_max -= so_far.bytes;
  if (account::check_message_limits(tx, user, *limits, command.now)) {
    admission.answer = AcceptAnswer::over_quota;
    return admission;
  }
  admission.answer = AcceptAnswer::taken;
  admission.kept = command.digest.empty() || tx.execute(kRemember, {admission.agent->email, command.digest,
                                                                    door.id.str(), command.now}) == 1;
  if (admission.kept) {
    ++so_far.messages;
    so_far.bytes += bytes_of(command, door);
  }
  return admission;
}

void keep(store::Tx& tx, const TakeCommand& command, const Door& door, const Admission& admission) {
  std::optional<std::string_view> user;
  std::optional<std::string_view> email;
  if (admission.agent) {
    user = admission.agent->user.str();
    email = admission.agent->email;
  }
  CS_FAULT("inbound.arrival");
  tx.send(kInsertArrival, {door.id.str(), command.content_id, door.address, user, email, door.trace,
                           admission.agent ? bytes_of(command, door) : 0});
}

// In the order of the accounts, one shard each, so that no two transactions wait for each other's counters.
void meter(store::Tx& tx, const TakeCommand& command, const std::vector<Admission>& admissions) {
  std::vector<std::pair<UserId, std::int64_t>> kept;
  for (std::size_t i = 0; i < admissions.size(); ++i) {
    if (!admissions[i].kept || !admissions[i].agent) continue;
    kept.emplace_back(admissions[i].agent->user, bytes_of(command, command.doors[i]));
  }
  std::ranges::sort(kept);
  for (const auto& [user, bytes] : kept) {
    account::meter_message(tx, user, command.content_id, bytes, command.now);
  }
}

void give(store::Tx& tx, const Claim& claim, UtcTime due, std::string_view trouble, int uncounted,
          int delays) {
  tx.execute(kGiveBack, {claim.content_id, claim.epoch, due, trouble, uncounted, delays});
}

}  // namespace

std::vector<AcceptAnswer> take(store::Tx& tx, const TakeCommand& command) {
  std::vector<Admission> admissions;
  admissions.reserve(command.doors.size());
  std::map<UserId, Kept> kept;
  for (const Door& door : command.doors) admissions.push_back(admit(tx, command, door, kept));

  if (std::ranges::any_of(admissions, &Admission::kept)) {
    tx.send(kInsertContent, {command.content_id, command.envelope, Blob{command.raw}, command.now});
    for (std::size_t i = 0; i < admissions.size(); ++i) {
      if (admissions[i].kept) keep(tx, command, command.doors[i], admissions[i]);
    }
    meter(tx, command, admissions);
  }
  CS_FAULT("inbound.take");
  std::vector<AcceptAnswer> answers;
  answers.reserve(admissions.size());
  for (const Admission& admission : admissions) answers.push_back(admission.answer);
  return answers;
}

std::vector<Claim> claim(store::Tx& tx, std::string_view worker, UtcTime now, UtcTime lease_until,
                         std::int64_t limit, std::int64_t suspects_max) {
  std::vector<Claim> claims;
  for (const store::Row row : tx.query(kClaim, {worker, now, lease_until, limit})) {
    Claim claim{row.text(0), row.integer(1), row.integer(2), row.integer(3), row.time(4)};
    if (is_suspect(claim) && suspects_max-- <= 0) {
      tx.send(kLeaveDue, {claim.content_id, now});
    } else {
      claims.push_back(std::move(claim));
    }
  }
  if (!claims.empty()) CS_FAULT("inbound.claim");
  return claims;
}

std::optional<Load> load(store::ReadTx& tx, const Claim& claim) {
  const store::Rows contents = tx.query(kLoadContent, {claim.content_id, claim.epoch});
  if (contents.empty()) return std::nullopt;
  Load out{contents.front().text(0), contents.front().text(1), {}};
  for (const store::Row row : tx.query(kLoadArrivals, {claim.content_id})) {
    out.arrivals.push_back({MessageId(row.text(0)), row.text(1), row.maybe_text(2), row.text(3),
                            row.view(4) != "open", row.view(5) != "off"});
  }
  return out;
}

std::vector<std::optional<Load>> load_some(store::ReadTx& tx, const std::vector<Claim>& claims,
                                           std::size_t bytes_max) {
  std::vector<std::optional<Load>> loads;
  std::size_t bytes = 0;
  for (const Claim& claim : claims) {
    if (bytes >= bytes_max) break;
    loads.push_back(load(tx, claim));
    if (loads.back()) bytes += loads.back()->raw.size();
  }
  return loads;
}

bool leave(store::Tx& tx, const Claim& claim, const Arrival& arrival) {
  return tx.execute(kLeave, {arrival.id.str(), claim.content_id, claim.epoch}) == 1;
}

void close(store::Tx& tx, const Claim& claim) { tx.execute(kClose, {claim.content_id, claim.epoch}); }

void put_off(store::Tx& tx, const Claim& claim, UtcTime due, std::string_view trouble) {
  give(tx, claim, due, trouble, 1, 1);
}

void give_back(store::Tx& tx, const Claim& claim, UtcTime due, std::string_view trouble) {
  give(tx, claim, due, trouble, 1, 0);
}

void fail(store::Tx& tx, const Claim& claim, UtcTime due, std::string_view trouble) {
  give(tx, claim, due, trouble, 0, 0);
}

void take_up_all(store::Tx& tx, UtcTime now) { tx.execute(kTakeUpAll, {now}); }

std::int64_t forget_digests(store::Tx& tx, UtcTime cutoff, std::int64_t limit) {
  return tx.execute(kForgetDigests, {cutoff, limit});
}

Depth depth(store::ReadTx& tx) {
  const store::Rows rows = tx.query(kDepth);
  return {rows.front().integer(0), rows.front().maybe_time(1)};
}

}  // namespace countersign::inbound
