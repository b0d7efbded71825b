// The recipients of one outbound message: where each stands, and what follows for the message as a whole.
// Internal to the outbox.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "mailbox/message.hpp"
#include "store/tx.hpp"

namespace countersign::outbox {

/// PostgreSQL: the rows of `select`, whose condition ends with `= l.id`, for each id l.id of the JSON list
/// $1, ordered by their first two columns. One look into the index for each, whatever the planner thinks of
/// lists: OFFSET 0 keeps it from making one read of the whole table of them.
#define CS_FOR_EACH(select)                                                                       \
  "SELECT r.* FROM unnest(ARRAY(SELECT jsonb_array_elements_text($1::jsonb))) l (id) CROSS JOIN " \
  "LATERAL (" select " OFFSET 0) r ORDER BY 1, 2"

/// One row of `message_recipients`.
struct RecipientRow {
  std::string address;
  bool external = true;
  std::string state;  // "queued", "accepted", "refused", "cancelled", "unknown"
  std::string submission;
  std::string detail;
  std::string
      unknown_in;  // the attempts in which its outcome was lost, whatever was decided since; blanks between
  std::string delivery;  // "", "delayed", "delivered", "failed", "bounced", "complained"
  std::string delivery_detail;

  [[nodiscard]] bool is_open() const { return external && (state == "queued" || state == "unknown"); }
  [[nodiscard]] bool was_unknown_in(const SubmissionId& attempt) const {
    return unknown_in.find(attempt.str()) != std::string::npos;
  }
  [[nodiscard]] std::string last_unknown_in() const { return unknown_in.substr(unknown_in.rfind(' ') + 1); }
};

/// The recipients as this transaction sees and changes them. Changes are written at once; derive() says what
/// they amount to.
class Recipients {
 public:
  /// Reads all recipients of the message, by address.
  Recipients(store::Tx& tx, MessageId message);
  /// Takes what read_recipients has read in this transaction, behind the message's lock.
  Recipients(store::Tx& tx, MessageId message, std::vector<RecipientRow> rows);

  [[nodiscard]] const std::vector<RecipientRow>& rows() const { return rows_; }
  [[nodiscard]] std::vector<std::string> addresses_in(std::string_view state) const;
  /// Sets the state of an external recipient, decided by `submission` (may be empty). `unknown` is remembered
  /// as that attempt's.
  void settle(std::string_view address, std::string_view state, const SubmissionId& submission,
              std::string_view detail);
  /// What a provider told later. A recipient only moves up: delayed, delivered, failed, bounced, complained
  /// (contract §9.4). False when it stands as high already, or nobody accepted anything for it.
  bool note_delivery(std::string_view address, std::string_view delivery, std::string_view detail,
                     UtcTime at);
  /// The row of an external recipient; none when the message was not sent to that address.
  [[nodiscard]] const RecipientRow* find(std::string_view address) const;

  /// The message's status by the worst news any recipient has; `delivered` only when every external recipient
  /// has its copy, since fewer would not be true of the message (delivery.md §4). Writes it, and the
  /// provider's id, where there is one.
  void derive(std::string_view provider_message_id = {});

 private:
  RecipientRow* find_row(std::string_view address);

  store::Tx& tx_;
  MessageId message_;
  std::vector<RecipientRow> rows_;
};

/// The recipients of several messages (a JSON list of their ids), by address.
[[nodiscard]] std::map<MessageId, std::vector<RecipientRow>> read_recipients(store::Tx& tx,
                                                                             std::string_view messages);

}  // namespace countersign::outbox
