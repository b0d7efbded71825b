// The closed catalogue of lifecycle reasons (contract/vocabulary.md §4).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace countersign::journal {

enum class Reason : std::uint8_t {
  acceptance_inbound_smtp,
  acceptance_outbound_api,
  acceptance_local_loopback,
  authentication_dmarc_pass,
  authentication_dmarc_fail,
  authentication_dmarc_none,
  authentication_dmarc_temporary_error,
  authentication_dmarc_permanent_error,
  review_hold_created,
  review_approved,
  review_rejected,
  review_expired_approved,
  review_expired_rejected,
  suppression_recipient_blocked,
  suppression_hard_bounce_applied,
  suppression_complaint_applied,
  queue_inbound_processing,
  queue_outbound_submission,
  submission_upstream_accepted,
  submission_local_loopback_accepted,
  submission_temporary_failure,
  submission_provider_rejected,
  submission_local_retries_exhausted,
  submission_cancelled,
  delivery_recipient_server_accepted,
  delivery_temporary_delay,
  delivery_permanent_bounce,
  delivery_transient_bounce,
  delivery_undetermined_bounce,
  complaint_recipient_reported,
};

struct ReasonFacts {
  std::string_view code;     // "acceptance.outbound_api"
  std::string_view stage;    // "accepted"
  std::string_view outcome;  // "accepted"
  bool retryable;
};

[[nodiscard]] const ReasonFacts& facts(Reason reason);
[[nodiscard]] std::optional<Reason> reason_of(std::string_view code);

}  // namespace countersign::journal
