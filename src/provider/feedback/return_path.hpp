// The return path of a message: an envelope sender that names the message, so that a bounce says which one it
// is about (the idea of VERP), and that only this deployment can have made.
//
// own_address   bounces+<token>@bounce.<registered domain>
// relay         agent+<token>@<from domain>
//
// The token is the message id and a tag of 80 bits, HMAC-SHA256 under the deployment's signing secret, both
// in lower-case base32 (RFC 4648 §6 without padding): servers that change the case of local parts, which RFC
// 5321 §2.4 asks them not to do, do no harm.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/id.hpp"

namespace countersign::provider::feedback {

class ReturnPaths {
 public:
  /// secret: the signing secret of the deployment; a key of its own is derived from it.
  explicit ReturnPaths(std::string_view secret);

  /// The envelope sender with the message's token in it: `bounces@bounce.example.org` →
  /// `bounces+….@bounce.example.org`. The sender itself when it is empty, has a `+` already, when the local
  /// part would be longer than 64 octets (RFC 5321 §4.5.3.1.1), or when the id is not one of ours. The same
  /// for every attempt.
  [[nodiscard]] std::string make(std::string_view envelope_sender, const MessageId& message) const;

  /// The message whose token stands in the address (in any case), when this deployment made it.
  [[nodiscard]] std::optional<MessageId> message_of(std::string_view address) const;

 private:
  [[nodiscard]] std::string tag_of(std::string_view id_bytes) const;

  std::string key_;
};

}  // namespace countersign::provider::feedback
