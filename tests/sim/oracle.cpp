#include "sim/oracle.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>

#include "base/text.hpp"
#include "invariants/invariants.hpp"
#include "store/sqlite/transactions.hpp"

namespace countersign::sim {
namespace {

using store::Query;

constexpr Query kMessages{
    "sim.messages",
    "SELECT id, conversation_id, COALESCE(review_status, ''), COALESCE(resolved_by, ''), "
    "COALESCE(delivery_status, ''), subject, agent_email FROM messages WHERE direction = 'outbound' ORDER BY "
    "id"};
constexpr Query kCopies{
    "sim.copies",
    "SELECT substr(rfc_message_id, 1, 36), agent_email, subject FROM messages WHERE direction = 'inbound'"};
constexpr Query kRecipients{"sim.recipients",
                            "SELECT message_id, address, route, state, delivery FROM message_recipients "
                            "ORDER BY message_id, address"};
constexpr Query kSubmissions{
    "sim.submissions",
    "SELECT id, message_id, state, settled_by, unknown_at_us IS NOT NULL FROM submissions"};

struct Attempt {
  std::string id;
  std::string message;
  std::string state;
  std::string settled_by;
  bool was_unknown;
};
struct Recipient {
  std::string address;
  bool local;
  std::string state;
  std::string delivery;
};
struct Message {
  std::string id;
  std::string conversation;
  std::string review;
  std::string resolved_by;
  std::string delivery;
  std::string subject;
  std::string agent;
  std::vector<Recipient> recipients;
  std::map<std::string, std::vector<std::string>, std::less<>> copies;  // subjects, by agent
};

bool approved(const Message& message) {
  return message.review.empty() || message.review == "review_approved" ||
         message.review == "review_expired_approved";
}

class Judge {
 public:
  Judge(Store& store, const Truth& truth, Counts& counts)
      : truth_(truth), provider_(truth.provider), counts_(counts) {
    load(store.connection());
  }

  std::vector<Violation> verdict() {
    for (const Intent& intent : truth_.intents) look_at(intent);
    for (const auto& hand_over : provider_.hand_overs()) look_at(*hand_over);
    for (const auto& [key, received] : provider_.received()) {
      if (received.copies > 1 && !may_be_sent_again(key.first)) {
        blame(Breach::duplicate, "{} got {} copies of {}", key.second, received.copies, key.first);
      }
      if (received.copies > 0 && !messages_.contains(key.first)) {
        blame(Breach::split, "{} got {}, which is not stored", key.second, key.first);
      }
    }
    look_at_attempts();
    for (const Told& told : truth_.told) look_at(told);
    return std::move(violations_);
  }

 private:
  template <class... Args>
  void blame(Breach breach, fmt::format_string<Args...> format, Args&&... args) {
    violations_.push_back({breach, fmt::format(format, std::forward<Args>(args)...)});
  }

  void load(store::sqlite::Connection& connection) {
    for (const store::Row row : connection.query(kMessages, {})) {
      messages_[row.text(0)] = {row.text(0), row.text(1), row.text(2), row.text(3), row.text(4),
                                row.text(5), row.text(6), {},          {}};
    }
    for (const store::Row row : connection.query(kRecipients, {})) {
      messages_[row.text(0)].recipients.push_back(
          {row.text(1), row.view(2) == "local", row.text(3), row.text(4)});
    }
    for (const store::Row row : connection.query(kCopies, {})) {
      const auto found = messages_.find(row.view(0));
      if (found == messages_.end()) {
        blame(Breach::split, "{} has a copy of {}, which is not stored", row.view(1), row.view(0));
      } else {
        found->second.copies[row.text(1)].push_back(row.text(2));
      }
    }
    for (const store::Row row : connection.query(kSubmissions, {})) {
      attempts_.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.flag(4)});
      if (row.view(3) == "evidence") ++counts_.settled_by_evidence;
    }
  }

  // A client's wish: stored once if it was acknowledged, at most once if it was not.
  void look_at(const Intent& intent) {
    std::vector<const Message*> stored;
    for (const auto& [id, message] : messages_) {
      if (message.conversation == intent.conversation) stored.push_back(&message);
    }
    if (intent.answers_differ) blame(Breach::duplicate, "{}: two answers under one key", intent.conversation);
    if (stored.size() > 1) {
      blame(Breach::duplicate, "{}: {} messages under one key", intent.conversation, stored.size());
    }
    if (!intent.acknowledged) blame(Breach::loss, "{}: the client was never answered", intent.conversation);
    if (intent.acknowledged && std::ranges::none_of(stored, [&](const Message* message) {
          return message->id == intent.acknowledged->str();
        })) {
      blame(Breach::loss, "{}: {} was acknowledged and is not stored", intent.conversation,
            intent.acknowledged->str());
    }
    for (const Message* message : stored) look_at(intent, *message);
  }

  void look_at(const Intent& intent, const Message& message) {
    ++counts_.messages;
    std::string subject = intent.draft.subject;
    std::vector<std::string> to = intent.draft.to;
    for (const Review& review : intent.reviews) {
      look_at(review, message);
      if (message.review != "review_approved" || message.resolved_by != review.actor) continue;
      if (review.subject) subject = *review.subject;
      if (review.to) to = *review.to;
    }
    if (!approved(message)) {
      look_at_unsent(message);
      return;
    }
    if (message.subject != subject) {
      blame(Breach::split, "{}: the subject is '{}', approved was '{}'", message.id, message.subject,
            subject);
    }
    look_at_recipients(message, to);
    for (const Recipient& recipient : message.recipients) {
      if (recipient.local) {
        look_at_copy(message, recipient, subject);
      } else {
        look_at_external(message, recipient, subject);
      }
    }
    look_at_status(message);
  }

  void look_at(const Review& review, const Message& message) {
    const bool stands = message.resolved_by == review.actor;
    if (review.outcome == Review::Outcome::won && !stands) {
      blame(Breach::split, "{}: {} was told to have decided, but it is {} by '{}'", message.id, review.actor,
            message.review, message.resolved_by);
    }
    if (review.outcome == Review::Outcome::won && review.approves != (message.review == "review_approved")) {
      blame(Breach::split, "{}: {} was told that it {}, but it is {}", message.id, review.actor,
            review.approves ? "is approved" : "is rejected", message.review);
    }
    if (review.outcome == Review::Outcome::taken_back) look_at_taken_back(review, message, stands);
    if (review.outcome == Review::Outcome::lost && stands && review.approves) {
      blame(Breach::split, "{}: {} was told to come too late, but it is {} by that person", message.id,
            review.actor, message.review);
    }
  }

  // Nobody got what an approval had queued that was taken back; copies too many are found elsewhere.
  void look_at_taken_back(const Review& review, const Message& message, bool stands) {
    ++counts_.taken_back;
    if (stands) {
      blame(Breach::split, "{}: {} was told to have taken it back, but it is {} by that person", message.id,
            review.actor, message.review);
    }
    if (!review.subject) return;
    for (const auto& [key, received] : provider_.received()) {
      if (key.first == message.id && received.copies > 0 && received.subject == *review.subject) {
        blame(Breach::split, "{}: {} got '{}', which was taken back", message.id, key.second,
              received.subject);
      }
    }
  }

  void look_at_unsent(const Message& message) {
    ++counts_.rejected;
    if (message.review == "pending_review") blame(Breach::loss, "{}: nobody ever decided", message.id);
    if (!message.copies.empty())
      blame(Breach::split, "{}: is {}, and has local copies", message.id, message.review);
    if (!message.recipients.empty())
      blame(Breach::split, "{}: is {}, and has recipients", message.id, message.review);
    for (const auto& [key, received] : provider_.received()) {
      if (key.first == message.id && received.copies > 0) {
        blame(Breach::split, "{}: is {}, and {} got it", message.id, message.review, key.second);
      }
    }
  }

  void look_at_recipients(const Message& message, std::vector<std::string> expected) {
    std::vector<std::string> actual;
    for (const Recipient& recipient : message.recipients) actual.push_back(recipient.address);
    std::ranges::sort(expected);
    if (actual != expected) {
      blame(Breach::split, "{}: goes to {}, approved was {}", message.id, fmt::join(actual, " "),
            fmt::join(expected, " "));
    }
    for (const auto& [key, received] : provider_.received()) {
      if (key.first == message.id && received.copies > 0 &&
          std::ranges::find(actual, key.second) == actual.end()) {
        blame(Breach::split, "{}: {} got it, who is no recipient", message.id, key.second);
      }
    }
  }

  void look_at_copy(const Message& message, const Recipient& recipient, const std::string& subject) {
    const auto found = message.copies.find(recipient.address);
    const std::size_t copies = found == message.copies.end() ? 0 : found->second.size();
    if (copies == 0) blame(Breach::loss, "{}: {} lives here and has no copy", message.id, recipient.address);
    if (copies > 1) blame(Breach::duplicate, "{}: {} has {} copies", message.id, recipient.address, copies);
    if (copies > 0 && found->second.front() != subject) {
      blame(Breach::split, "{}: {} got '{}', approved was '{}'", message.id, recipient.address,
            found->second.front(), subject);
    }
  }

  void look_at_external(const Message& message, const Recipient& recipient, const std::string& subject) {
    const auto found = provider_.received().find({message.id, recipient.address});
    static const Received kNothing;
    const Received& received = found == provider_.received().end() ? kNothing : found->second;
    if (received.copies > 0 && received.subject != subject) {
      blame(Breach::split, "{}: {} got '{}', approved was '{}'", message.id, recipient.address,
            received.subject, subject);
    }
    if (recipient.state == "accepted" && received.copies == 0) {
      blame(Breach::loss, "{}: is sent to {}, who never got it", message.id, recipient.address);
    } else if (recipient.state == "refused" || recipient.state == "cancelled") {
      // What an earlier hand-over did is open where the policy is to send again.
      if (received.copies > 0 && !may_be_sent_again(message.id)) {
        blame(Breach::split, "{}: is {} for {}, who got it", message.id, recipient.state, recipient.address);
      }
      if (recipient.state == "refused" && received.refusals == 0 &&
          provider_.deferrals(message.id) + lost_hand_overs(message.id) < kAttemptsMax) {
        blame(Breach::split, "{}: is refused for {}, and the provider never said so", message.id,
              recipient.address);
      }
    } else if (recipient.state == "unknown") {
      if (!may_be_unknown(message.id)) {
        blame(Breach::split, "{}: is unknown for {}, though no answer was lost", message.id,
              recipient.address);
      }
    } else if (recipient.state == "queued" && !waits_for_unknown(message)) {
      blame(Breach::loss, "{}: is still queued for {}", message.id, recipient.address);
    }
  }

  // A deferred recipient beside one whose fate is unknown waits until somebody settles that.
  [[nodiscard]] bool waits_for_unknown(const Message& message) const {
    return may_be_unknown(message.id) && provider_.deferrals(message.id) > 0 &&
           std::ranges::any_of(message.recipients,
                               [](const Recipient& other) { return other.state == "unknown"; });
  }

  // Where an outcome was unknown and the agent's policy is to send again, a second copy is what it asked for.
  [[nodiscard]] bool may_be_sent_again(const std::string& id) const {
    const auto message = messages_.find(id);
    return message != messages_.end() && message->second.agent == kInsistingAgent &&
           std::ranges::any_of(attempts_, [&](const Attempt& attempt) {
             return attempt.message == id && attempt.was_unknown;
           });
  }

  // Of a message that is sent again they count as attempts too.
  [[nodiscard]] int lost_hand_overs(const std::string& id) const {
    return static_cast<int>(std::ranges::count_if(attempts_, [&](const Attempt& attempt) {
      return attempt.message == id && attempt.was_unknown && attempt.state != "accepted";
    }));
  }

  [[nodiscard]] bool may_be_unknown(const std::string& message) const {
    return std::ranges::any_of(provider_.hand_overs(), [&](const auto& entry) {
      return entry->message == message && (entry->reply_lost || entry->holder_died);
    });
  }

  // The whole says what the parts say.
  void look_at_status(const Message& message) {
    const auto any = [&](std::string_view state) {
      return std::ranges::any_of(message.recipients,
                                 [&](const Recipient& recipient) { return recipient.state == state; });
    };
    const bool failed = any("refused") || any("cancelled");
    const bool bounced = std::ranges::any_of(
        message.recipients, [](const Recipient& recipient) { return recipient.delivery == "bounced"; });
    if (message.delivery == "bounced") {
      ++counts_.failed;
      if (!bounced) blame(Breach::split, "{}: is bounced, but no recipient is", message.id);
    } else if (message.delivery == "sent" || message.delivery == "delivered" ||
               message.delivery == "deferred") {
      ++counts_.sent;
      if (failed || bounced || any("unknown") || any("queued")) {
        blame(Breach::split, "{}: is {}, but not all recipients are", message.id, message.delivery);
      }
    } else if (message.delivery == "failed") {
      ++counts_.failed;
      if (!failed) blame(Breach::split, "{}: is {}, but no recipient is", message.id, message.delivery);
    } else if (message.delivery == "unknown") {
      ++counts_.unknown;
      if (!any("unknown")) blame(Breach::split, "{}: is unknown, but no recipient is", message.id);
    } else {
      blame(Breach::loss, "{}: ends as '{}'", message.id, message.delivery);
    }
  }

  // What the provider told, and a node acknowledged, is shown: whatever it proves, and what became of whom.
  void look_at(const Told& told) {
    const auto attempt = std::ranges::find(attempts_, told.submission, &Attempt::id);
    const auto message = messages_.find(told.message);
    if (attempt == attempts_.end() || message == messages_.end()) return;
    if (told.by_our_ids && attempt->state != "accepted") {
      blame(Breach::loss, "{}: is {}, though the provider told that it has it", attempt->id, attempt->state);
    }
    if (attempt->state != "accepted" || told.recipient.empty()) return;
    const auto& recipients = message->second.recipients;
    const auto recipient = std::ranges::find(recipients, told.recipient, &Recipient::address);
    if (recipient != recipients.end() && recipient->delivery.empty()) {
      blame(Breach::loss, "{}: shows nothing of {}, of whom the provider told", told.message, told.recipient);
    }
  }

  void look_at_attempts() {
    std::map<std::string, int> deferred;
    for (const Attempt& attempt : attempts_) {
      if (attempt.state == "deferred") ++deferred[attempt.message];
      if (attempt.was_unknown && truth_.leases_hold && !may_be_unknown(attempt.message)) {
        blame(Breach::split, "{}: was called unknown while its worker was at it", attempt.id);
      }
    }
    for (const auto& [message, attempts] : deferred) {
      if (attempts > provider_.deferrals(message)) {
        blame(Breach::split, "{}: lost {} attempts to deferrals, the provider deferred it {} times", message,
              attempts, provider_.deferrals(message));
      }
    }
  }

  // A definite answer that reached a node that lives is recorded.
  void look_at(const HandedOver& hand_over) {
    using provider::Verdict;
    if (!hand_over.passed_fence) return;
    ++counts_.hand_overs;
    if (!hand_over.over || hand_over.holder_died) return;
    if (hand_over.verdict == Verdict::unknown || hand_over.verdict == Verdict::session_fault ||
        hand_over.verdict == Verdict::lost_lease) {
      return;
    }
    const auto attempt = std::ranges::find(attempts_, hand_over.submission, &Attempt::id);
    if (attempt == attempts_.end()) {
      blame(Breach::split, "{}: was handed over and is not stored", hand_over.submission);
      return;
    }
    constexpr std::array<std::string_view, 4> kOpen{"queued", "claimed", "handover", "unknown"};
    if (std::ranges::find(kOpen, attempt->state) != kOpen.end()) {
      blame(Breach::loss, "{}: is {}, though the answer '{}' reached a node that lives", hand_over.submission,
            attempt->state, provider::to_string(hand_over.verdict));
    }
  }

  static constexpr int kAttemptsMax = 6;  // contract/behaviour.md §10

  const Truth& truth_;
  const Provider& provider_;
  Counts& counts_;
  std::map<std::string, Message, std::less<>> messages_;
  std::vector<Attempt> attempts_;
  std::vector<Violation> violations_;
};

}  // namespace

std::string_view name_of(Breach breach) {
  switch (breach) {
    case Breach::duplicate:
      return "duplicate";
    case Breach::loss:
      return "loss";
    case Breach::split:
      return "split state";
    case Breach::invariant:
      return "invariant";
  }
  return "";
}

Counts& Counts::operator+=(const Counts& other) {
  schedules += other.schedules;
  messages += other.messages;
  hand_overs += other.hand_overs;
  sent += other.sent;
  failed += other.failed;
  rejected += other.rejected;
  taken_back += other.taken_back;
  unknown += other.unknown;
  settled_by_evidence += other.settled_by_evidence;
  crashes += other.crashes;
  steps += other.steps;
  duplicates += other.duplicates;
  losses += other.losses;
  split_states += other.split_states;
  invariants += other.invariants;
  return *this;
}

std::vector<Violation> judge(Store& store, const Truth& truth, Counts& counts) {
  return Judge(store, truth, counts).verdict();
}

std::vector<Violation> check_invariants(Store& store, UtcTime now) {
  store::sqlite::SqliteReadTx tx(store.connection());
  std::vector<Violation> out;
  // Clocks were set by up to an hour until faults stopped: what was due by such a clock may look overdue by
  // ours.
  invariants::CheckOptions options{now};
  options.lease_grace = std::chrono::hours(2);
  for (const auto& violation : invariants::check(tx, options).violations()) {
    out.push_back(
        {Breach::invariant, fmt::format("{}: {}: {}", violation.rule, violation.subject, violation.detail)});
  }
  return out;
}

}  // namespace countersign::sim
