#include "agent/webhook/signature.hpp"

#include <fmt/format.h>

#include "base/crypto.hpp"
#include "base/id.hpp"

namespace countersign::agent::webhook {

std::string signature(std::span<const std::string> secrets, UtcTime now, std::string_view body) {
  const std::int64_t seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  std::string signed_text = fmt::format("{}.", seconds);
  signed_text += body;
  std::string out = fmt::format("t={}", seconds);
  for (const std::string& secret : secrets) {
    out += ",v1=";
    out += to_hex(hmac_sha256(secret, signed_text));
  }
  return out;
}

std::string new_secret() { return "whsec_" + random_hex(64); }

Sealer secret_sealer(std::string_view deployment_secret) {
  return Sealer(derive_key(deployment_secret, "countersign webhook secrets"));
}

}  // namespace countersign::agent::webhook
