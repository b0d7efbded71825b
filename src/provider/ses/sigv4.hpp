// AWS Signature Version 4 for requests with a body that is at hand.
// Source: AWS General Reference, "Create a signed AWS API request". libcurl's own signer (7.88) takes the
// hash of the body from CURLOPT_POSTFIELDS only and leaves a session token out of the signature.
#pragma once

#include <string>
#include <string_view>

#include "base/time.hpp"
#include "net/http_client.hpp"

namespace countersign::provider::ses {

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // empty for long-lived keys
  friend bool operator==(const Credentials&, const Credentials&) = default;
};

/// Adds X-Amz-Date, X-Amz-Security-Token and Authorization to the request. Every header it has by then is
/// signed, and Host; nothing may be changed afterwards but timeouts and limits. The query, if any, holds
/// percent-encoded pairs.
void sign(net::HttpRequest& request, const Credentials& credentials, std::string_view region,
          std::string_view service, UtcTime now);

}  // namespace countersign::provider::ses
