// How a delivery proves where it comes from (contract §17), and how the secrets for that rest.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/seal.hpp"
#include "base/time.hpp"

namespace countersign::agent::webhook {

/// `t=<unix seconds>,v1=<hex>`, with one v1 per secret, in their order. A v1 is HMAC-SHA256 under the whole
/// secret, `whsec_` included, over `<t>.<body>`.
[[nodiscard]] std::string signature(std::span<const std::string> secrets, UtcTime now, std::string_view body);

/// `whsec_` + 64 random hexadecimal digits.
[[nodiscard]] std::string new_secret();

/// Seals the signing secrets of webhooks under the deployment's secret.
[[nodiscard]] Sealer secret_sealer(std::string_view deployment_secret);

}  // namespace countersign::agent::webhook
