// The send step of production: compose once, deliver to those who live here, queue the rest.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "outbox/send_step.hpp"
#include "screen/screen.hpp"

namespace countersign::provider::loopback {

/// Which domains this deployment sends from.
struct Identity {
  std::string shared_domain;
  std::string from_domain;  // the relay identity's domain
  bool screening = false;   // local copies are screened where their recipients ask for it
};

/// Everything happens in the transaction it is given: the composed bytes, the copies in local mailboxes, the
/// queued attempt for external recipients, the journal. Deterministic, so that the body around it can be run
/// again.
class SendStep final : public outbox::SendStep {
 public:
  explicit SendStep(Identity identity) : identity_(std::move(identity)) {}

  [[nodiscard]] outbox::SendResult send(store::Tx& tx, const account::Agent& agent,
                                        const mailbox::Message& message, const mailbox::Draft& draft,
                                        UtcTime now) override;

 private:
  [[nodiscard]] std::optional<screen::Report> screened_for(const std::vector<account::Agent>& residents,
                                                           const account::Agent& author,
                                                           std::string_view raw) const;

  Identity identity_;
};

}  // namespace countersign::provider::loopback
