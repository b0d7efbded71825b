// The spool: mail that was taken and is not in a mailbox yet. What a sender was told 250 for is here or
// there, never nowhere and never twice.
//
// Synchronous and pure like the durable middle: time and ids come in as arguments, bodies may run again. Its
// tables are arrival_contents, arrivals and received_digests (schema 3).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "account/principal.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "inbound/intake.hpp"
#include "store/tx.hpp"

namespace countersign::inbound {

/// How long a repeated delivery is recognised. Senders give up after 4 to 5 days (RFC 5321 §4.5.4.1).
inline constexpr std::chrono::days kRepeatWindow{8};

/// A recipient of a message at the door.
struct Door {
  std::string address;  // lower-case
  MessageId id;         // what it becomes
  std::string trace;    // what is put in front of the content for this recipient
  bool report = false;  // a return path of ours: no mailbox, its content is read
};

struct TakeCommand {
  std::string content_id;  // "arr_…", unique
  std::string envelope;    // JSON object, see inbound/envelope.hpp
  std::string_view raw;
  /// Names the message for a sender that repeats it: of Message-ID and content. Empty: it has no Message-ID,
  /// and every delivery of it is a new one.
  std::string digest;
  std::vector<Door> doors;
  account::Limits limits;  // of accounts without their own
  std::string_view shared_domain;
  UtcTime now;
};

/// Takes a message for its recipients (all in tx): one arrival each with its bytes metered, the content once,
/// the digests beside them, so that what is remembered is what was taken. One answer per door; `taken` is
/// also the answer for a repeat, of which nothing is kept.
[[nodiscard]] std::vector<AcceptAnswer> take(store::Tx& tx, const TakeCommand& command);

/// A content that a worker holds.
struct Claim {
  std::string content_id;
  std::int64_t epoch = 0;
  std::int64_t attempts = 0;  // this one included
  std::int64_t delays = 0;
  UtcTime received_at;
};

/// Whether an earlier claim of it did not come to an end: it may be what ended it.
[[nodiscard]] inline bool is_suspect(const Claim& claim) noexcept { return claim.attempts > 1; }

/// Claims up to `limit` contents that are due, longest due first, until `lease_until`; of suspects among them
/// `suspects_max`, so that one that kills whoever reads it does not count against all that are claimed with
/// it.
[[nodiscard]] std::vector<Claim> claim(store::Tx& tx, std::string_view worker, UtcTime now,
                                       UtcTime lease_until, std::int64_t limit, std::int64_t suspects_max);

struct Arrival {
  MessageId id;
  std::string recipient;
  std::optional<std::string> agent_email;  // nothing: a report
  std::string trace;
  bool gated = false;     // its agent lets in authenticated senders only
  bool screened = false;  // its agent wants content screened
};
struct Load {
  std::string envelope;
  std::string raw;
  std::vector<Arrival> arrivals;  // those that are left
};
/// What a claim is about; nothing when it is somebody else's by now.
[[nodiscard]] std::optional<Load> load(store::ReadTx& tx, const Claim& claim);

/// What the first of `claims` are about, until they come to `bytes_max`; one entry each, nothing for a claim
/// that is somebody else's by now.
[[nodiscard]] std::vector<std::optional<Load>> load_some(store::ReadTx& tx, const std::vector<Claim>& claims,
                                                         std::size_t bytes_max);

/// Takes one recipient's arrival out of the spool, in the transaction that puts it where it belongs. False
/// when the claim is lost or the arrival is gone: then nothing may be put anywhere.
[[nodiscard]] bool leave(store::Tx& tx, const Claim& claim, const Arrival& arrival);
/// Forgets a content none of whose arrivals is left. Without effect while one is.
void close(store::Tx& tx, const Claim& claim);

/// Gives a claim back to be taken up at `due`: put off because the DNS could not answer (counts as a delay),
/// or because the surroundings failed (counts as nothing).
void put_off(store::Tx& tx, const Claim& claim, UtcTime due, std::string_view trouble);
void give_back(store::Tx& tx, const Claim& claim, UtcTime due, std::string_view trouble);
/// As give_back, and the attempt counts: what went wrong lies in the message.
void fail(store::Tx& tx, const Claim& claim, UtcTime due, std::string_view trouble);

/// What a worker that died had claimed is due at once. For a store that no other process works on.
void take_up_all(store::Tx& tx, UtcTime now);

/// Forgets digests older than `cutoff`, at most `limit`; how many.
std::int64_t forget_digests(store::Tx& tx, UtcTime cutoff, std::int64_t limit);

struct Depth {
  std::int64_t waiting = 0;
  std::optional<UtcTime> oldest;
};
[[nodiscard]] Depth depth(store::ReadTx& tx);

}  // namespace countersign::inbound
