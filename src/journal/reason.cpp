#include "journal/reason.hpp"

#include <array>

#include "base/assert.hpp"

namespace countersign::journal {
namespace {

constexpr std::array<ReasonFacts, 30> kFacts{{
    {"acceptance.inbound_smtp", "accepted", "accepted", false},
    {"acceptance.outbound_api", "accepted", "accepted", false},
    {"acceptance.local_loopback", "accepted", "accepted", false},
    {"authentication.dmarc_pass", "authentication", "passed", false},
    {"authentication.dmarc_fail", "authentication", "failed", false},
    {"authentication.dmarc_none", "authentication", "indeterminate", false},
    {"authentication.dmarc_temporary_error", "authentication", "indeterminate", true},
    {"authentication.dmarc_permanent_error", "authentication", "indeterminate", false},
    {"review.hold_created", "review", "pending", false},
    {"review.approved", "review", "approved", false},
    {"review.rejected", "review", "rejected", false},
    {"review.expired_approved", "review", "approved", false},
    {"review.expired_rejected", "review", "rejected", false},
    {"suppression.recipient_blocked", "suppression", "blocked", false},
    {"suppression.hard_bounce_applied", "suppression", "applied", false},
    {"suppression.complaint_applied", "suppression", "applied", false},
    {"queue.inbound_processing", "queued", "enqueued", false},
    {"queue.outbound_submission", "queued", "enqueued", false},
    {"submission.upstream_accepted", "submission", "accepted", false},
    {"submission.local_loopback_accepted", "submission", "accepted", false},
    {"submission.temporary_failure", "submission", "deferred", true},
    {"submission.provider_rejected", "submission", "failed", false},
    {"submission.local_retries_exhausted", "submission", "failed", true},
    {"submission.cancelled", "submission", "failed", false},
    {"delivery.recipient_server_accepted", "delivery", "delivered", false},
    {"delivery.temporary_delay", "delivery", "deferred", true},
    {"delivery.permanent_bounce", "delivery", "bounced", false},
    {"delivery.transient_bounce", "delivery", "bounced", true},
    {"delivery.undetermined_bounce", "delivery", "bounced", false},
    {"complaint.recipient_reported", "complaint", "reported", false},
}};

}  // namespace

const ReasonFacts& facts(Reason reason) { return kFacts.at(static_cast<std::size_t>(reason)); }

std::optional<Reason> reason_of(std::string_view code) {
  for (std::size_t i = 0; i < kFacts.size(); ++i) {
    if (kFacts[i].code == code) return static_cast<Reason>(i);
  }
  return std::nullopt;
}

}  // namespace countersign::journal
