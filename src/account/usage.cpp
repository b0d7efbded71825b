// Counters in shards: a message adds to one shard of its account, a reader sums them all.
#include "account/usage.hpp"

#include <functional>

#include "base/assert.hpp"

namespace countersign::account {
namespace {

using store::Query;

constexpr std::size_t kShards = 16;
// Concurrent senders that have counted nothing yet may be this many messages or bytes; further away from a
// cap than that, nobody needs to wait for anybody.
constexpr std::int64_t kNearMessages = 1'000;
constexpr std::int64_t kNearBytes = std::int64_t{256} << 20;

constexpr Query kAddMessage("account.meter_message",
                            "INSERT INTO usage_counters (user_id, month, shard, messages) "
                            "VALUES ($1, $2, $3, 1) ON CONFLICT (user_id, month, shard) "
                            "DO UPDATE SET messages = usage_counters.messages + 1");

constexpr Query kAddBytes("account.meter_bytes",
                          "INSERT INTO storage_counters (user_id, shard, bytes) VALUES ($1, $2, $3) "
                          "ON CONFLICT (user_id, shard) "
                          "DO UPDATE SET bytes = storage_counters.bytes + excluded.bytes");

constexpr Query kUsage(
    "account.usage",
    "SELECT (SELECT CAST(COALESCE(SUM(messages), 0) AS BIGINT) FROM usage_counters "
    "WHERE user_id = $1 AND month = $2), "
    "(SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM storage_counters WHERE user_id = $1)");

constexpr Query kLimits("account.limits",
                        "SELECT agents_max, domains_max, messages_month_max, storage_bytes_max FROM users "
                        "WHERE id = $1");

// Differs because SQLite has one writer at a time and no row locks. NO KEY: it must exclude other senders
// near the cap, not the foreign keys of whoever inserts a row of this account.
constexpr Query kLockUser("account.lock_user", "SELECT id FROM users WHERE id = $1",
                          "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE");

// 2026-11, in UTC.
std::string month_of(UtcTime time) { return to_rfc3339(time).substr(0, 7); }

std::int64_t shard_of(std::string_view seed) {
  return static_cast<std::int64_t>(std::hash<std::string_view>{}(seed) % kShards);
}

bool near_cap(const Usage& usage, const Limits& limits) {
  return usage.messages_month >= limits.messages_month_max - kNearMessages ||
         usage.storage_bytes >= limits.storage_bytes_max - kNearBytes;
}

}  // namespace

Usage usage_of(store::ReadTx& tx, const UserId& user, UtcTime now) {
  const store::Rows rows = tx.query(kUsage, {user.str(), month_of(now)});
  return {rows.front().integer(0), rows.front().integer(1)};
}

void meter_message(store::Tx& tx, const UserId& user, std::string_view seed, std::int64_t bytes,
                   UtcTime now) {
  tx.send(kAddMessage, {user.str(), month_of(now), shard_of(seed)});
  meter_bytes(tx, user, seed, bytes);
}

void meter_bytes(store::Tx& tx, const UserId& user, std::string_view seed, std::int64_t bytes) {
  if (bytes == 0) return;
  tx.send(kAddBytes, {user.str(), shard_of(seed), bytes});
}

std::string_view name_of(Resource resource) {
  switch (resource) {
    case Resource::agents:
      return "agents";
    case Resource::domains:
      return "domains";
    case Resource::messages_month:
      return "messages_month";
    case Resource::storage_bytes:
      return "storage_bytes";
  }
  CS_ASSERT(false);
}

std::optional<Exceeded> check_message_limits(store::Tx& tx, const UserId& user, const Limits& limits,
                                             UtcTime now) {
  Usage usage = usage_of(tx, user, now);
  if (near_cap(usage, limits)) {
    lock_user(tx, user);
    usage = usage_of(tx, user, now);
  }
  if (usage.messages_month >= limits.messages_month_max) {
    return Exceeded{Resource::messages_month, limits.messages_month_max, usage.messages_month};
  }
  if (usage.storage_bytes >= limits.storage_bytes_max) {
    return Exceeded{Resource::storage_bytes, limits.storage_bytes_max, usage.storage_bytes};
  }
  return std::nullopt;
}

std::optional<Limits> limits_of(store::ReadTx& tx, const UserId& user, const Limits& defaults) {
  const store::Rows rows = tx.query(kLimits, {user.str()});
  if (rows.empty()) return std::nullopt;
  const store::Row row = rows.front();
  return Limits{row.maybe_integer(0).value_or(defaults.agents_max),
                row.maybe_integer(1).value_or(defaults.domains_max),
                row.maybe_integer(2).value_or(defaults.messages_month_max),
                row.maybe_integer(3).value_or(defaults.storage_bytes_max)};
}

bool over_message_limits(store::ReadTx& tx, const UserId& user, const Limits& limits, UtcTime now) {
  const Usage usage = usage_of(tx, user, now);
  return usage.messages_month >= limits.messages_month_max || usage.storage_bytes >= limits.storage_bytes_max;
}

void lock_user(store::Tx& tx, const UserId& user) { (void)tx.query(kLockUser, {user.str()}); }

}  // namespace countersign::account
