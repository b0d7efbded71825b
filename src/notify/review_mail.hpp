// Mails to reviewers: one about each hold, or about several that came close together.
//
//   queued ─claim─▶ claimed ─accepted─▶ sent           (at least once: an answer that was lost is no answer)
//      ▲               ├──refused, or too late──▶ failed
//      └───deferred────┤
//                      └──nothing left to decide──▶ cancelled
//
// Other than an approved message, a notification is repeated whenever it is not certain that it left: a
// reviewer rather reads it twice than never. Repeats carry the same Message-ID and the same links. Nothing
// here talks to a provider; provider/notifier does, between these transactions.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "mailbox/message.hpp"
#include "store/tx.hpp"

namespace countersign::notify {

using ReviewMailId = Id<struct ReviewMailTag>;  // rmail_ + 32 hex

/// Holds that one mail tells of.
inline constexpr std::size_t kHoldsPerMail = 25;
/// Pauses after the 1st, 2nd, … attempt without a definite answer; the last one repeats, up to kHorizon.
inline constexpr std::array<std::chrono::seconds, 5> kPauses{
    std::chrono::seconds(30), std::chrono::seconds(120), std::chrono::seconds(600), std::chrono::hours(1),
    std::chrono::hours(4)};
/// The pause after attempt `attempt` ≥ 1 when the first one is `first`; the others keep their proportions.
[[nodiscard]] std::chrono::milliseconds pause_after(std::int64_t attempt, std::chrono::milliseconds first);

/// A hold as a mail tells of it.
struct HoldNote {
  mailbox::Message message;
  bool approves_on_expiry = false;
};

/// A mail that a worker holds.
struct ReviewMail {
  ReviewMailId id;
  std::int64_t epoch = 0;
  UserId user;
  std::string account_email;
  std::vector<std::string> recipients;  // bare addresses
  std::string link_key;                 // see link.hpp
  UtcTime created_at;
  std::vector<HoldNote> holds;  // those that are still held, longest waiting first; never empty
};

struct ClaimCommand {
  std::string worker;
  UtcTime now;
  UtcTime lease_until;
  std::int64_t limit = 8;
  /// Holds of an account that come within this time of its last mail are gathered into the next one.
  std::chrono::seconds gather{60};
  /// See Policy::reaction: a hold that the clock would approve sooner is given that much time first.
  std::chrono::seconds reaction{3600};
  std::string seed;  // random, of this call: new mails derive their link keys from it
};
/// Whether claim() would find anything to look at; what waits for an agent in the trash is passed over.
[[nodiscard]] bool anything_due(store::ReadTx& tx, UtcTime now);
/// Takes up to `limit` mails that are due: those tried before, then new ones made of the notifications that
/// are due. A mail all of whose holds are decided is cancelled instead. Effects: may extend holds
/// (deadline.hpp).
[[nodiscard]] std::vector<ReviewMail> claim(store::Tx& tx, const ClaimCommand& command);

/// Prolongs the lease; false when it is no longer ours.
[[nodiscard]] bool renew(store::Tx& tx, const ReviewMail& mail, std::string_view worker, UtcTime lease_until);
/// Notes that a hand-over begins. False: the lease was lost, nothing may be sent.
[[nodiscard]] bool begin_attempt(store::Tx& tx, const ReviewMail& mail, std::string_view worker,
                                 std::string_view provider, UtcTime now, UtcTime lease_until);

enum class Outcome : std::uint8_t {
  accepted,   // it left
  refused,    // definite and permanent
  deferred,   // definite, try again
  unknown,    // handed over, and the answer never came: try again
  not_taken,  // a fault of the session: counts as no attempt
};
[[nodiscard]] std::string_view name_of(Outcome outcome);

/// What became of one hand-over.
struct HandedOver {
  Outcome outcome = Outcome::not_taken;
  std::string provider;
  int code = 0;
  std::string detail;
  UtcTime retry_at;  // of not_taken; the others follow kPauses
  std::chrono::milliseconds retry_first{30'000};
};
/// Records what became of a hand-over. An acceptance counts however late it comes; anything else for the
/// claim it belongs to. Returns the mail's state afterwards: "sent", "failed", "queued", or "" when it was
/// not ours to say.
std::string record(store::Tx& tx, const ReviewMail& mail, const HandedOver& result, UtcTime now);

struct RescueCommand {
  /// Leases that ended before this are over. Later than now for the only process of a store, whose dead
  /// predecessor cannot come back.
  UtcTime leases_before;
  UtcTime now;
  std::int64_t limit = 500;
  std::chrono::milliseconds retry_first{30'000};  // see pause_after
};
/// Leases that ran out: what was under way may have left, and is tried again. How many.
std::int64_t rescue(store::Tx& tx, const RescueCommand& command);

/// How long a mail that is settled is kept, with its attempts and the notifications it told of.
inline constexpr std::chrono::days kMailsKept{90};
/// Forgets up to `limit` mails that were settled before that and tell of nothing that is still held; how
/// many. A link of theirs is then not known any more.
std::int64_t forget(store::Tx& tx, UtcTime now, std::int64_t limit);

/// What a link needs to be checked against.
struct LinkTarget {
  UserId user;
  std::string link_key;
};
/// Nothing when no mail about this message was ever made.
[[nodiscard]] std::optional<LinkTarget> link_target(store::ReadTx& tx, const MessageId& message);

}  // namespace countersign::notify
