// The event log as one who follows it reads it: in an order in which nothing ever appears behind the reader
// (docs/decisions/0013).
//
// Positions are given out when an event is written, and on PostgreSQL a transaction with an earlier one may
// commit later. So the order is that of the transactions (their numbers, then positions), and it is read up
// to the oldest transaction that may still write: what is before that frontier is there or never will be.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "store/tx.hpp"

namespace countersign::journal {

/// Where a reader stands: at the first event that it has not read.
struct Place {
  std::int64_t xact = std::numeric_limits<std::int64_t>::min();
  std::int64_t position = 0;
  friend auto operator<=>(const Place&, const Place&) = default;
  [[nodiscard]] Place next() const { return {xact, position + 1}; }
};

struct Frontier {
  Place until;             // nothing before it can appear any more
  bool held_back = false;  // writers are at work: it will move by itself
};
/// How far the log may be read by transactions that begin after this one has ended. Never goes back.
[[nodiscard]] Frontier frontier(store::ReadTx& tx);

/// Something happened to this agent.
struct News {
  Place place;
  std::string agent_email;
};
/// Up to `limit` events about agents from `from` on and before `until`, in order.
[[nodiscard]] std::vector<News> news(store::ReadTx& tx, const Place& from, const Place& until,
                                     std::int64_t limit);

/// An event as it is pushed.
struct Told {
  Place place;
  std::string id;
  std::string type;
  std::string envelope;  // stored bytes
  UtcTime created_at;
};
/// Columns: xact, position, id, type, envelope, created_at_us.
[[nodiscard]] std::vector<Told> told_from(const store::Rows& rows);

enum class Choice : std::uint8_t {
  all,
  mail_in,  // email.received and email.review_approved only
};
/// Up to `limit` events of an agent from `from` on and before `until`, in order. `user`: its owner; an
/// address may have belonged to somebody else before.
[[nodiscard]] std::vector<Told> events_of_agent(store::ReadTx& tx, const UserId& user,
                                                std::string_view agent_email, Choice choice,
                                                const Place& from, const Place& until, std::int64_t limit);
/// What an account's open page is told of an event.
struct Headline {
  Place place;
  std::string type;
  std::optional<std::string> message_id;
  std::optional<std::string> agent_email;
};
/// Up to `limit` events of an account from `from` on and before `until`, in order. Costs what happened there
/// in all accounts.
[[nodiscard]] std::vector<Headline> headlines(store::ReadTx& tx, const UserId& user, const Place& from,
                                              const Place& until, std::int64_t limit);
/// Where this event of the agent stands; nothing when it is not in the log, or another agent's.
[[nodiscard]] std::optional<Place> place_of(store::ReadTx& tx, const UserId& user,
                                            std::string_view agent_email, std::string_view event_id);

/// A dump that is restored into another PostgreSQL brings numbers of transactions which that one has yet to
/// give out. Moves what is in the log before all that is to come, in its order. True: there was something to
/// move. Called when a node starts.
bool adopt(store::Tx& tx);

}  // namespace countersign::journal
