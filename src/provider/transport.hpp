// What a dispatcher and the ways out of this system say to each other: one message handed over, one reply.
//
// A transport knows nothing of databases, leases or retries. It carries bytes, asks the fence before the step
// that can transfer responsibility, and says precisely what it knows afterwards (delivery.md §3, §4).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::provider {

/// One message on its way out. `submission` names this attempt only. `key` is what a provider recognises a
/// repeat by: the same for every attempt, until a person, or the agent's policy, wants the message sent
/// again.
struct HandOver {
  std::string submission;
  std::string message_id;
  std::string key;
  std::string envelope_from;            // bare addr-spec; empty is the null sender <>
  std::vector<std::string> recipients;  // bare addr-specs, at least one
  std::shared_ptr<const std::string> raw;
  bool needs_smtputf8 = false;  // headers or addresses outside ASCII (RFC 6531)
  bool may_be_repeated =
      true;  // an earlier hand-over of this key may have happened; keyed transports look for it
};

/// Awaited by the transport immediately before the last byte that can transfer responsibility. True: the step
/// to `handover` is durable, go on. False: the lease was lost, and that byte must never leave. It is awaited
/// at most once per hand-over; what it throws passes through hand_over, and the byte does not leave either.
using Fence = std::function<boost::asio::awaitable<bool>()>;

enum class Verdict : std::uint8_t {
  accepted,       // the provider took responsibility (only after a passed fence)
  refused,        // definite and permanent
  deferred,       // definite, not taken, try this message again: counts as an attempt
  session_fault,  // definite, not taken, nothing to do with this message: does not count as an attempt
  lost_lease,     // the fence said no; nothing was handed over
  unknown,        // the fence was passed and no definite answer came
};

/// Where in the dialogue the answer came, or was waited for in vain.
enum class Phase : std::uint8_t {
  connect,
  tls,
  greeting,
  hello,
  auth,
  reset,
  mail,
  rcpt,
  data,
  body,
  final_dot,
  request,  // an HTTP request and its answer, for transports that speak HTTP
  write,    // a file, for transports that write files
};

/// Whom the answer concerns.
enum class Scope : std::uint8_t { session, message, recipient };

/// The form in which attempts are journaled: "connect", "final_dot", …
[[nodiscard]] std::string_view to_string(Phase phase) noexcept;
[[nodiscard]] std::string_view to_string(Verdict verdict) noexcept;
[[nodiscard]] std::string_view to_string(Scope scope) noexcept;

inline constexpr std::size_t kReplyTextBytesMax = 2048;

/// The answer to one recipient that differs from the answer to the whole.
struct RecipientReply {
  std::string address;
  Verdict verdict = Verdict::refused;  // refused or deferred
  int code = 0;
  std::string enhanced;
  std::string text;
};

struct Reply {
  Verdict verdict = Verdict::session_fault;
  Phase phase = Phase::connect;
  Scope scope = Scope::session;
  int code = 0;          // SMTP reply code; 0 when none came
  std::string enhanced;  // RFC 3463 status such as "5.1.1", or empty
  std::string text;      // valid UTF-8 without controls, ≤ kReplyTextBytesMax
  std::string provider_message_id;
  /// Recipients with an answer of their own. All others share `verdict`. Empty for session_fault and
  /// lost_lease: then nothing was decided about anybody.
  std::vector<RecipientReply> recipients;
  /// Whether the fence was asked and said yes. A session_fault or deferred may come after it (a 421 or 451 to
  /// the final dot is as definite as a 250).
  bool fence_passed = false;
};

/// What can be known after an answer was lost (delivery.md §3).
enum class TransportClass : std::uint8_t { owned, keyed, evidence, plain };

class Transport {
 public:
  virtual ~Transport() = default;

  /// Hands one message over, or finds out why not. Faults of the network and of the provider are replies, not
  /// exceptions; an exception is the fence's own, or the dispatcher was cancelled: if it comes after the
  /// fence said yes, the outcome is unknown. Concurrent calls are fine; a call may wait for a free
  /// connection.
  [[nodiscard]] virtual boost::asio::awaitable<Reply> hand_over(HandOver message, Fence fence) = 0;

  /// From now on every hand_over is answered with a session_fault. Ends idle connections politely. Hand-overs
  /// under way run to their end; whoever started them waits for them.
  [[nodiscard]] virtual boost::asio::awaitable<void> drain() = 0;

  /// Short and stable; kept with every attempt: "smtp", "maildir".
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual TransportClass transport_class() const noexcept = 0;
  /// For the class keyed: how long after its first hand-over a message may be handed over again and is still
  /// recognised by its key. Others recognise nothing.
  [[nodiscard]] virtual std::chrono::seconds repeat_window() const noexcept { return {}; }
};

}  // namespace countersign::provider
