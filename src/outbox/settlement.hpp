// What an attempt came to, written everywhere it shows, in one place: recipients, the message's status,
// lifecycle and event. Who found it out (a reply, the rescuer, evidence, a person, a policy) has changed the
// attempt's own row before, by a guarded update. Internal to the outbox.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "journal/journal.hpp"
#include "mailbox/message.hpp"
#include "outbox/outbox.hpp"
#include "outbox/recipients.hpp"

namespace countersign::outbox {

/// The attempt that is settled.
struct Attempt {
  SubmissionId id;
  UserId user;
  std::int64_t number = 1;
  std::int64_t epoch = 0;  // of the hand-over it is settled for; 0 where none is
};

/// One recipient and what is told about it.
struct Fate {
  std::string address;
  std::string detail;
};

/// Who says so, for the lifecycle; empty for a reply, which speaks for itself.
struct Witness {
  std::string source;  // "evidence: ses", "person: ann@example.com", "policy: resend"; evidence key `source`
  std::string occasion;  // tells observations of the same attempt apart
};

class Settlement {
 public:
  Settlement(store::Tx& tx, mailbox::Message message, Attempt attempt, UtcTime now);
  Settlement(store::Tx& tx, mailbox::Message message, Recipients recipients, Attempt attempt, UtcTime now);

  [[nodiscard]] Recipients& recipients() { return recipients_; }
  [[nodiscard]] const mailbox::Message& message() const { return message_; }

  /// The provider took responsibility for these. Announces email.sent.
  void accepted(const std::vector<Fate>& fates, std::string_view provider_message_id, std::string_view reply,
                const Witness& witness);
  /// The provider took a copy for recipients that a later attempt has served too: somebody had decided to
  /// send again. Nobody's state changes.
  void accepted_again(std::string_view provider_message_id, const Witness& witness);
  /// These will not be served: a definite refusal, or the end of trying. Announces email.failed.
  /// state   "refused" or "cancelled".
  void failed(const std::vector<Fate>& fates, std::string_view state, journal::Reason reason,
              const Witness& witness);
  /// The provider had taken the message for these and dropped it. Announces email.failed.
  void dropped(const std::vector<Fate>& fates, std::string_view detail, const Witness& witness);
  /// These are to be tried again, or they fail, when the retry ladder is at its end.
  void deferred(const std::vector<Fate>& fates);
  /// Queues the next attempt for whoever was deferred, due by the ladder; nothing when that is at its end.
  void try_again(UtcTime first_due_at);
  /// Attempts up to this number were made since: the next one, and the ladder, go on behind it.
  void go_on_behind(std::int64_t number) { last_number_ = number; }
  /// What follows is said of another attempt at the message.
  void turn_to(const SubmissionId& attempt, std::int64_t number, std::int64_t epoch) {
    attempt_ = {attempt, attempt_.user, number, epoch};
  }
  /// What became of these nobody can tell. Announces email.unknown, once for each hand-over and occasion.
  void unknown(const std::vector<Fate>& fates, std::string_view occasion = {});
  /// The attempt was turned away when another one had served everybody: nobody's state changes.
  void turned_away_needless(journal::Reason reason, std::string_view reply);
  /// The attempt goes back to the queue as it is. Noted once per attempt and cause (`code`), however often it
  /// happens, so that a long outage does not fill the journal.
  void put_back(std::string_view code, std::string_view detail);
  /// Queues the next attempt for whoever is queued. The outage horizon counts from `first_due_at`.
  void queue_next(UtcTime due_at, UtcTime first_due_at, const Witness& witness);
  /// Writes the message's status as it follows from the recipients, and the provider's id. The last step.
  void derive() { recipients_.derive(named_); }

 private:
  [[nodiscard]] std::string occasion(const Witness& witness) const;
  [[nodiscard]] std::string event_occasion(const Witness& witness) const;
  [[nodiscard]] journal::Transition observed(journal::Reason reason, const Witness& witness);
  void announce_failure(const journal::Transition& end, std::string_view detail, std::string_view occasion);
  [[nodiscard]] std::string summarise(const std::vector<Fate>& fates) const;

  store::Tx& tx_;
  mailbox::Message message_;
  Attempt attempt_;
  UtcTime now_;
  Recipients recipients_;
  std::size_t open_at_first_;
  std::int64_t last_number_;  // of the message's attempts
  std::string named_;         // the provider's id that an acceptance brought
  int ticks_ = 0;
};

}  // namespace countersign::outbox
