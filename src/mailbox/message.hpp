// Messages as the mailbox keeps them: rows, drafts and their states.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "journal/journal.hpp"

namespace countersign::mailbox {

using journal::Direction;

enum class Kind : std::uint8_t { received, send, reply, forward, test };
enum class Method : std::uint8_t { smtp, loopback };
/// What a person or the clock decided about a held message. A message that was never held has none.
enum class ReviewStatus : std::uint8_t {
  pending_review,
  review_approved,
  review_rejected,
  review_expired_approved,
  review_expired_rejected,
};
/// Where an outbound message is on its way (contract §9.4), in rising rank up to `complained`; `unknown` is
/// our own: handed over, and nobody can tell whether it was taken (delivery.md §3).
enum class DeliveryStatus : std::uint8_t {
  accepted,
  sending,
  sent,
  deferred,
  delivered,
  failed,
  bounced,
  complained,
  unknown,
};

/// Whether a machine wrote it: a report or a null sender, an automatic answer (RFC 3834), a list or bulk
/// mailing. Whoever answers asks first.
enum class Automatic : std::uint8_t { no, bounce, auto_reply, list };

[[nodiscard]] std::string_view name_of(Automatic automatic);  // "", "bounce", "auto", "list"
[[nodiscard]] std::string_view name_of(Kind kind);
[[nodiscard]] std::string_view name_of(Method method);
[[nodiscard]] std::string_view name_of(ReviewStatus status);
[[nodiscard]] std::string_view name_of(DeliveryStatus status);

/// One row without its content. `recipient lists` hold mailbox texts as accepted.
struct Message {
  MessageId id;
  UserId user;
  std::string agent_email;
  Direction direction = Direction::outbound;
  Kind kind = Kind::send;
  Method method = Method::smtp;
  std::string subject;
  std::string conversation_id;
  std::optional<std::string> header_from;
  std::optional<std::string> envelope_from;
  std::optional<std::string> verified_domain;
  std::optional<std::string> authentication;  // JSON object (contract `Authentication`)
  std::string sender;                         // lower-case address that the `from` filter looks at
  std::vector<std::string> to;
  std::vector<std::string> cc;
  std::vector<std::string> bcc;
  std::vector<std::string> reply_to_list;  // inbound: parsed Reply-To
  std::string reply_to;                    // outbound: the Reply-To asked for
  std::string delivered_to;
  std::vector<std::string> labels;  // sorted
  std::string read_status;          // "unread", "read", "" (outbound)
  std::optional<ReviewStatus> review_status;
  std::int64_t revision = 1;
  std::optional<std::string> hold_reason;  // JSON object (contract `HoldReasonView`)
  std::optional<UtcTime> approval_expires_at;
  std::optional<UtcTime> resolved_at;
  std::string rejection_reason;
  bool edited = false;
  bool flagged = false;
  std::string flag_reason;
  bool unsubscribe = false;
  std::optional<DeliveryStatus> delivery_status;
  std::string delivery_detail;
  std::string sent_as;  // "own_address", "relay", "" while undecided
  std::string provider_message_id;
  std::string rfc_message_id;             // without angle brackets
  std::string in_reply_to;                // the same; outbound: what the header says
  std::vector<std::string> references;    // the same
  Automatic automatic = Automatic::no;    // outbound: auto_reply when it answers what a machine wrote
  std::optional<std::string> protection;  // JSON array (contract `ProtectionFindingView`)
  std::int64_t size_bytes = 0;            // of the raw message, 0 without one
  UtcTime created_at;
  std::optional<UtcTime> deleted_at;
  std::int64_t decisions_undone = 0;  // approvals that were taken back

  /// Tells what is observed in one round of review from the same in another: empty before the first undo.
  [[nodiscard]] std::string round() const {
    return decisions_undone == 0 ? std::string() : "round " + std::to_string(decisions_undone + 1);
  }
  [[nodiscard]] journal::Subject journal_subject() const {
    return {user, agent_email, id, conversation_id, direction};
  }
};

struct DraftAttachment {
  std::string filename;
  std::string content_type;
  std::string content;  // decoded bytes
  friend bool operator==(const DraftAttachment&, const DraftAttachment&) = default;
};

/// What an author writes and a reviewer approves. Recipients are mailbox texts, lower-cased as accepted,
/// without duplicates across the three lists.
struct Draft {
  std::string subject;
  std::string text;
  std::string html;
  std::vector<std::string> to;
  std::vector<std::string> cc;
  std::vector<std::string> bcc;
  std::string reply_to;
  std::vector<DraftAttachment> attachments;
  bool unsubscribe = false;
  std::string in_reply_to;              // Message-ID without angle brackets, "" = no reply
  std::vector<std::string> references;  // the same, oldest first
  friend bool operator==(const Draft&, const Draft&) = default;

  /// All of to, cc and bcc, in this order.
  [[nodiscard]] std::vector<std::string> recipients() const;
  /// Bytes that count against storage: texts and decoded attachments.
  [[nodiscard]] std::int64_t bytes() const;
};

/// A draft's attachment without its bytes.
struct DraftAttachmentInfo {
  std::string filename;
  std::string content_type;
  std::int64_t size_bytes = 0;  // decoded
};

/// The stored content of one message.
struct Content {
  bool has_draft = false;  // held now or once: `body` is shown (contract §9.2)
  std::string text;
  std::string html;
  std::optional<std::string> raw;  // exact bytes
};

}  // namespace countersign::mailbox
