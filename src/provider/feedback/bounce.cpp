#include "provider/feedback/bounce.hpp"

#include <utility>

#include "base/crypto.hpp"
#include "base/id.hpp"
#include "mail/address.hpp"
#include "mail/dsn.hpp"

namespace countersign::provider::feedback {
namespace {

using mail::Report;
using mail::ReportAction;
using mail::ReportKind;
using mail::ReportRecipient;
using outbox::BounceType;
using outbox::Feedback;
using outbox::FeedbackKind;

constexpr std::string_view kSource = "dsn";

std::optional<MessageId> message_in(const std::vector<std::string>& addresses, const ReturnPaths& paths) {
  for (const std::string& address : addresses) {
    if (auto message = paths.message_of(address)) return message;
  }
  return std::nullopt;
}

// Relayed and expanded say that nobody will report any more, which is nothing new.
std::optional<FeedbackKind> kind_of(ReportAction action) {
  switch (action) {
    case ReportAction::failed:
      return FeedbackKind::bounced;
    case ReportAction::delayed:
      return FeedbackKind::delayed;
    case ReportAction::delivered:
      return FeedbackKind::delivered;
    case ReportAction::relayed:
    case ReportAction::expanded:
      return std::nullopt;
  }
  return std::nullopt;
}

// By the class of the status (RFC 3463 §3.1), else of the reply that is quoted (RFC 5321 §4.2.1).
BounceType bounce_type(const ReportRecipient& recipient) {
  const std::string& code = recipient.status.empty() ? recipient.detail : recipient.status;
  if (code.starts_with('5')) return BounceType::permanent;
  return code.starts_with('4') ? BounceType::transient : BounceType::undetermined;
}

class Reader {
 public:
  Reader(std::string_view raw, MessageId message, UtcTime received)
      : digest_(sha256_hex(raw)), received_(received), bounce_{std::move(message), {}} {}

  void add(const ReportRecipient& recipient) {
    const auto kind = kind_of(recipient.action);
    if (!kind) return;
    Feedback feedback = about(recipient.address, recipient.detail, *kind);
    if (*kind == FeedbackKind::bounced) {
      feedback.bounce_type = bounce_type(recipient);
      feedback.bounce_sub_type = recipient.status;
    }
    bounce_.feedback.push_back(std::move(feedback));
  }

  void add_complaint(const std::string& address, const std::string& type) {
    bounce_.feedback.push_back(about(address, type, FeedbackKind::complained));
  }

  Bounce take() { return std::move(bounce_); }

 private:
  // The id follows from the message, the recipient, the action and the bytes: the same report, delivered or
  // read twice, is the same event.
  Feedback about(const std::string& address, const std::string& detail, FeedbackKind kind) const {
    Feedback feedback;
    feedback.source = kSource;
    feedback.kind = kind;
    feedback.message = bounce_.message;
    feedback.recipients = {{mail::bare_address(address), detail}};
    feedback.event_id = derived_id(
        "dsn_", {bounce_.message.str(), feedback.recipients.front().address, outbox::name_of(kind), digest_});
    feedback.occurred_at = received_;
    return feedback;
  }

  std::string digest_;
  UtcTime received_;
  Bounce bounce_;
};

// Feedback types of RFC 5965 §7.3 and RFC 6430: these are complaints, "not-spam" and "virus" are none of the
// recipient's about the sender.
bool is_complaint(std::string_view type) { return type == "abuse" || type == "fraud"; }

void add_complaints(const Report& report, Reader& reader) {
  if (!is_complaint(report.feedback_type)) return;
  // Many services leave the recipient out; a message to one address still says whose complaint it is.
  const auto& complained =
      report.complained.empty() && report.original.to.size() == 1 ? report.original.to : report.complained;
  for (const std::string& address : complained) reader.add_complaint(address, report.feedback_type);
}

}  // namespace

std::string_view name_of(NoBounce reason) {
  switch (reason) {
    case NoBounce::no_report:
      return "no_report";
    case NoBounce::no_token:
      return "no_token";
    case NoBounce::other_message:
      return "other_message";
  }
  return "";
}

Result<Bounce, NoBounce> read_bounce(std::string_view raw,
                                     const std::vector<std::string>& envelope_recipients,
                                     const ReturnPaths& paths, UtcTime received) {
  const Report report = mail::read_report(raw);
  if (report.kind == ReportKind::none) return unexpected(NoBounce::no_report);
  auto message = message_in(envelope_recipients.empty() ? report.delivered_to : envelope_recipients, paths);
  if (!message && report.kind == ReportKind::complaint) {
    message = paths.message_of(report.original_envelope_from);
  }
  if (!message) return unexpected(NoBounce::no_token);
  const std::string& quoted = report.original.e2a_message_id;
  if (!quoted.empty() && quoted != message->str()) return unexpected(NoBounce::other_message);

  Reader reader(raw, *std::move(message), received);
  for (const ReportRecipient& recipient : report.recipients) reader.add(recipient);
  if (report.kind == ReportKind::complaint) add_complaints(report, reader);
  return reader.take();
}

std::vector<outbox::FeedbackOutcome> take_bounce(store::Tx& tx, const Bounce& bounce, UtcTime now) {
  std::vector<outbox::FeedbackOutcome> outcomes;
  outcomes.reserve(bounce.feedback.size());
  for (const Feedback& feedback : bounce.feedback) {
    outcomes.push_back(outbox::apply_feedback(tx, feedback, now));
  }
  return outcomes;
}

}  // namespace countersign::provider::feedback
