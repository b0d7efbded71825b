#include "provider/feedback/return_path.hpp"

#include <cstdint>

#include "base/crypto.hpp"
#include "base/text.hpp"

namespace countersign::provider::feedback {
namespace {

constexpr std::string_view kIdPrefix = "msg_";
constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kTagBytes = 10;
constexpr std::size_t kLocalPartBytesMax = 64;  // RFC 5321 §4.5.3.1.1
constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::size_t kTokenDigits = ((kIdBytes + kTagBytes) * 8 + 4) / 5;

std::string_view text_of(const Sha256& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string base32(std::string_view bytes) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    for (held += 8; held >= 5; held -= 5) out += kAlphabet[(bits >> (held - 5)) & 31];
  }
  if (held > 0) out += kAlphabet[(bits << (5 - held)) & 31];
  return out;
}

// Strict: no padding, unused bits zero.
std::optional<std::string> from_base32(std::string_view digits) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : digits) {
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 5) | static_cast<std::uint32_t>(value);
    held += 5;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>((bits >> held) & 0xff);
    }
  }
  if (held >= 5 || (bits & ((1u << held) - 1)) != 0) return std::nullopt;
  return out;
}

std::optional<std::string> bytes_of_id(const MessageId& message) {
  const std::string_view id = message.str();
  if (!id.starts_with(kIdPrefix) || id.size() != kIdPrefix.size() + 2 * kIdBytes) return std::nullopt;
  std::string bytes;
  for (std::size_t i = kIdPrefix.size(); i < id.size(); i += 2) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto high = kDigits.find(id[i]);
    const auto low = kDigits.find(id[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

}  // namespace

ReturnPaths::ReturnPaths(std::string_view secret)
    : key_(text_of(hmac_sha256(secret, "countersign return path 1"))) {}

std::string ReturnPaths::tag_of(std::string_view id_bytes) const {
  return std::string(text_of(hmac_sha256(key_, id_bytes)).substr(0, kTagBytes));
}

std::string ReturnPaths::make(std::string_view envelope_sender, const MessageId& message) const {
  const auto at = envelope_sender.rfind('@');
  const auto id = bytes_of_id(message);
  if (!id || at == std::string_view::npos) return std::string(envelope_sender);
  const std::string_view local = envelope_sender.substr(0, at);
  const bool fits = local.size() + 1 + kTokenDigits <= kLocalPartBytesMax;
  if (!fits || local.find_first_of("+\"") != std::string_view::npos) return std::string(envelope_sender);
  std::string out(local);
  out += '+';
  out += base32(*id + tag_of(*id));
  out += envelope_sender.substr(at);
  return out;
}

std::optional<MessageId> ReturnPaths::message_of(std::string_view address) const {
  const std::string_view local = address.substr(0, address.rfind('@'));
  const auto plus = local.rfind('+');
  if (plus == std::string_view::npos || local.size() - plus - 1 != kTokenDigits) return std::nullopt;
  const auto token = from_base32(ascii_lower(local.substr(plus + 1)));
  if (!token || token->size() != kIdBytes + kTagBytes) return std::nullopt;
  const std::string_view id = std::string_view(*token).substr(0, kIdBytes);
  if (!equal_constant_time(std::string_view(*token).substr(kIdBytes), tag_of(id))) return std::nullopt;
  return MessageId(std::string(kIdPrefix) + to_hex(id));
}

}  // namespace countersign::provider::feedback
