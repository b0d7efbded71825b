// From the spool to the mailbox: what a message says is read outside every transaction, and put where it
// belongs in one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hold/receive.hpp"
#include "inbound/intake.hpp"
#include "inbound/spool.hpp"
#include "mail/parse.hpp"
#include "mailauth/authentication.hpp"
#include "screen/screen.hpp"
#include "store/tx.hpp"

namespace countersign::inbound {

/// What is known of a message, the same for all its recipients.
struct Reading {
  mail::Message message;
  mailauth::Authentication authentication;
  screen::Report screening;
  bool screened = false;  // some recipient wanted it when it was read
  std::string question;   // for the detector; "" when it is not asked
  /// Reading it has failed again and again: nothing is known but its bytes, and a person looks at it first.
  bool unreadable = false;
};

struct PublishContext {
  std::string_view shared_domain;
  std::string_view from_domain;  // of the relay identity
  bool screening = true;         // the deployment screens content
  std::string_view detector{};   // its name; "" without one
};

enum class Published : std::uint8_t { delivered, flagged, held, blocked, lost };

/// Moves one arrival into its agent's mailbox (all in tx): the message, its conversation, its protection, its
/// journal and events; its row in the spool goes. lost: the claim is somebody else's, or the agent is gone.
[[nodiscard]] Published publish(store::Tx& tx, const Claim& claim, const Arrival& arrival,
                                const Envelope& envelope, const Reading& reading, std::string_view content,
                                const PublishContext& context, UtcTime now);

}  // namespace countersign::inbound
