#include "account/permits.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/assert.hpp"

namespace countersign::account {
namespace {

using store::Query;

// A window that begins within a slot reaches into one slot more.
constexpr std::size_t kCounted = kPermitSlots + 1;
using Taken = std::array<std::int64_t, kCounted>;  // the newest slot first

// Makes the row or locks the one that is there, in one statement: between two the janitor may delete it.
constexpr Query kLock(
    "account.lock_permits",
    "INSERT INTO rate_permits (limiter, subject, slot, taken, expires_at_us) VALUES ($1, $2, $3, "
    "'', $4) ON CONFLICT (limiter, subject) DO UPDATE SET slot = rate_permits.slot RETURNING slot, taken");
constexpr Query kSave(
    "account.save_permits",
    "UPDATE rate_permits SET slot = $3, taken = $4, expires_at_us = $5 WHERE limiter = $1 AND "
    "subject = $2");
#define CS_OLD                                                                                       \
  "DELETE FROM rate_permits WHERE (limiter, subject) IN (SELECT limiter, subject FROM rate_permits " \
  "WHERE expires_at_us < $1 ORDER BY expires_at_us LIMIT $2"
// Differs because SQLite has one writer and no row locks to skip.
constexpr Query kForget("account.forget_permits", CS_OLD ")", CS_OLD " FOR UPDATE SKIP LOCKED)");
#undef CS_OLD

Taken read(std::string_view text) {
  Taken taken{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::int64_t& count : taken) {
    if (at == end) break;
    const auto [next, error] = std::from_chars(at, end, count);
    CS_ASSERT(error == std::errc());
    at = next == end ? end : next + 1;
  }
  return taken;
}

std::string write(const Taken& taken) {
  std::size_t size = taken.size();
  while (size > 0 && taken[size - 1] == 0) --size;
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    if (i > 0) text += ',';
    text += std::to_string(taken[i]);
  }
  return text;
}

// As it is when `slots` more have begun.
Taken later(const Taken& taken, std::int64_t slots) {
  Taken out{};
  if (slots >= static_cast<std::int64_t>(kCounted)) return out;
  const auto shift = static_cast<std::ptrdiff_t>(slots);
  std::copy(taken.begin(), taken.end() - shift, out.begin() + shift);
  return out;
}

void give_back(Taken& taken, std::int64_t slot, const PermitRequest& request) {
  const std::int64_t age = slot - request.unspent_slot;
  if (request.unspent <= 0 || age < 0 || age >= static_cast<std::int64_t>(kCounted)) return;
  std::int64_t& count = taken[static_cast<std::size_t>(age)];
  count -= std::min(count, request.unspent);
}

std::int64_t sum(const Taken& taken) {
  std::int64_t total = 0;
  for (const std::int64_t count : taken) total += count;
  return total;
}

}  // namespace

PermitBlock take_permits(store::Tx& tx, const PermitRequest& request, UtcTime now) {
  const std::int64_t length = request.window.count() / kPermitSlots;
  CS_ASSERT(request.limit > 0 && request.wanted > 0 && length > 0);
  const auto begin_of = [&](std::int64_t slot) { return from_us(slot * length); };
  const std::int64_t present = to_us(now) / length;
  const auto expiry = [&](std::int64_t slot) { return begin_of(slot + static_cast<std::int64_t>(kCounted)); };
  const store::Rows rows = tx.query(kLock, {request.limiter, request.subject, present, expiry(present)});
  // Another node's clock may be a little ahead; time does not go back.
  const std::int64_t slot = std::max(present, rows.front().integer(0));
  Taken taken = later(read(rows.front().view(1)), slot - rows.front().integer(0));
  give_back(taken, slot, request);

  PermitBlock block;
  block.slot = slot;
  block.until = begin_of(present + 1);
  block.granted = std::clamp<std::int64_t>(request.limit - sum(taken), 0, request.wanted);
  taken[0] += block.granted;
  block.remaining = request.limit - sum(taken);
  block.next_at = block.all_at = now;
  for (std::size_t age = 0; age < kCounted; ++age) {
    if (taken[age] == 0) continue;
    const UtcTime back = expiry(slot - static_cast<std::int64_t>(age));
    block.all_at = std::max(block.all_at, back);
    block.next_at = back;  // the oldest is the last
  }
  const std::string text = write(taken);
  tx.send(kSave, {request.limiter, request.subject, slot, text, expiry(slot)});
  return block;
}

std::int64_t forget_permits(store::Tx& tx, UtcTime now, std::int64_t limit) {
  return tx.execute(kForget, {now, limit});
}

}  // namespace countersign::account
