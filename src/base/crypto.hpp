// Hashes, MACs and text encodings (OpenSSL underneath; no OpenSSL type shows here).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace countersign {

using Sha256 = std::array<std::uint8_t, 32>;

[[nodiscard]] Sha256 sha256(std::string_view bytes);
[[nodiscard]] Sha256 hmac_sha256(std::string_view key, std::string_view bytes);

/// Lower-case hexadecimal.
[[nodiscard]] std::string to_hex(std::string_view bytes);
[[nodiscard]] std::string to_hex(const Sha256& digest);
/// Lower-case hexadecimal SHA-256, the form API keys are stored in (contract §4.1).
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

/// Standard alphabet, padded, no line breaks (RFC 4648 §4).
[[nodiscard]] std::string base64_encode(std::string_view bytes);
/// Standard base64 with padding, as most decoders take it: CR, LF, space and tab are ignored (contract §13),
/// and so are unused bits of the last digit. Nothing when malformed.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);
/// URL alphabet without padding (RFC 4648 §5).
[[nodiscard]] std::string base64url_encode(std::string_view bytes);
/// Strict: no padding, no blanks, no other alphabet, unused bits zero. Nothing when malformed.
[[nodiscard]] std::optional<std::string> base64url_decode(std::string_view text);

/// Compares in time that depends on the lengths only.
[[nodiscard]] bool equal_constant_time(std::string_view a, std::string_view b) noexcept;

/// Fills with bytes from the kernel. Throws EnvironmentError when the kernel refuses.
[[nodiscard]] std::string random_bytes(std::size_t count);

}  // namespace countersign
