#include "base/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <sys/random.h>

#include <cerrno>

#include "base/assert.hpp"
#include "base/error.hpp"

namespace countersign {
namespace {

constexpr char kStandard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kUrl[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

constexpr std::array<std::int8_t, 256> reverse_of(const char* alphabet) {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (int i = 0; i < 64; ++i) table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  return table;
}
constexpr auto kStandardReverse = reverse_of(kStandard);
constexpr auto kUrlReverse = reverse_of(kUrl);

std::string encode(std::string_view in, const char* alphabet, bool padded) {
  std::string out;
  out.resize((in.size() + 2) / 3 * 4);
  char* to = out.data();
  const unsigned char* from = bytes_of(in);
  std::size_t left = in.size();
  for (; left >= 3; left -= 3, from += 3) {
    *to++ = alphabet[from[0] >> 2];
    *to++ = alphabet[((from[0] & 0x03) << 4) | (from[1] >> 4)];
    *to++ = alphabet[((from[1] & 0x0f) << 2) | (from[2] >> 6)];
    *to++ = alphabet[from[2] & 0x3f];
  }
  if (left > 0) {
    *to++ = alphabet[from[0] >> 2];
    if (left == 1) {
      *to++ = alphabet[(from[0] & 0x03) << 4];
      if (padded) *to++ = '=';
    } else {
      *to++ = alphabet[((from[0] & 0x03) << 4) | (from[1] >> 4)];
      *to++ = alphabet[(from[1] & 0x0f) << 2];
    }
    if (padded) *to++ = '=';
  }
  out.resize(static_cast<std::size_t>(to - out.data()));
  return out;
}

// Whether a last digit may have bits that mean nothing.
enum class UnusedBits { zero, any };

// Decodes `digits` (no padding, no blanks).
std::optional<std::string> decode_digits(std::string_view digits, const std::array<std::int8_t, 256>& reverse,
                                         UnusedBits unused) {
  if (digits.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(digits.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : digits) {
    const std::int8_t value = reverse[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<char>((bits >> held) & 0xff));
    }
  }
  if (unused == UnusedBits::zero && (bits & ((1u << held) - 1)) != 0) return std::nullopt;
  return out;
}

}  // namespace

Sha256 sha256(std::string_view bytes) {
  Sha256 digest{};
  SHA256(bytes_of(bytes), bytes.size(), digest.data());
  return digest;
}

Sha256 hmac_sha256(std::string_view key, std::string_view bytes) {
  Sha256 digest{};
  unsigned int length = 0;
  const auto* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(bytes),
                          bytes.size(), digest.data(), &length);
  CS_ASSERT(done != nullptr && length == digest.size());
  return digest;
}

std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto value = static_cast<unsigned char>(c);
    out.push_back(kDigits[value >> 4]);
    out.push_back(kDigits[value & 0x0f]);
  }
  return out;
}

std::string to_hex(const Sha256& digest) {
  return to_hex(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

std::string sha256_hex(std::string_view bytes) { return to_hex(sha256(bytes)); }

std::string base64_encode(std::string_view bytes) { return encode(bytes, kStandard, true); }
std::string base64url_encode(std::string_view bytes) { return encode(bytes, kUrl, false); }

std::optional<std::string> base64_decode(std::string_view text) {
  std::string digits;
  digits.reserve(text.size());
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    if (c == '=') {
      if (++padding > 2) return std::nullopt;
      continue;
    }
    if (padding > 0) return std::nullopt;
    digits.push_back(c);
  }
  if ((digits.size() + padding) % 4 != 0) return std::nullopt;
  return decode_digits(digits, kStandardReverse, UnusedBits::any);
}

std::optional<std::string> base64url_decode(std::string_view text) {
  return decode_digits(text, kUrlReverse, UnusedBits::zero);
}

bool equal_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  std::size_t filled = 0;
  while (filled < count) {
    const ssize_t got = getrandom(out.data() + filled, count - filled, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw EnvironmentError("the kernel's random source is not available", true);
    filled += static_cast<std::size_t>(got);
  }
  return out;
}

}  // namespace countersign
