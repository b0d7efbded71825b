#include "inbound/smtp/proxy_header.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/assert.hpp"
#include "net/networks.hpp"

namespace countersign::inbound::smtp {
namespace {

namespace ip = boost::asio::ip;
using State = ProxyHeader::State;

// Version 1 (PP §2.1).
constexpr std::string_view kText = "PROXY ";
constexpr std::string_view kUnknown = "PROXY UNKNOWN";
constexpr std::size_t kTextBytesMin = 15;  // "PROXY UNKNOWN" CRLF
constexpr std::size_t kTextBytesMax = 107;

// Version 2 (PP §2.2).
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kFixedBytes = 16;          // signature, version and command, family, length
constexpr std::size_t kVariableBytesMax = 4096;  // addresses and TLVs; the length field would let it be 65535
constexpr std::uint8_t kLocal = 0x20;            // version 2, and the command
constexpr std::uint8_t kProxy = 0x21;
constexpr std::uint8_t kUnspecified = 0x00;  // family and transport
constexpr std::uint8_t kTcp4 = 0x11;
constexpr std::uint8_t kTcp6 = 0x21;
constexpr std::uint8_t kUnixStream = 0x31;
constexpr std::size_t kTcp4Bytes = 12;  // two addresses and two ports
constexpr std::size_t kTcp6Bytes = 36;
constexpr std::size_t kUnixBytes = 216;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

std::size_t variable_bytes(std::string_view bytes) {
  return static_cast<std::size_t>(byte_at(bytes, 14)) * 256 + byte_at(bytes, 15);
}

bool is_port(std::string_view text) {
  unsigned value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool number = fault == std::errc() && end == text.data() + text.size() && value <= 65535;
  return number && (text.size() == 1 || text.front() != '0');
}

std::optional<ip::address> address_in(std::string_view text, bool v4) {
  // Neither a zone (RFC 4007 §11) nor a NUL, where make_address would stop reading.
  if (text.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return std::nullopt;
  boost::system::error_code error;
  const ip::address address = ip::make_address(std::string(text), error);
  if (error || address.is_v4() != v4) return std::nullopt;
  return address;
}

// "PROXY", "TCP4" or "TCP6", source, destination and their ports, one blank between two.
std::optional<ip::address> client_in_line(std::string_view line) {
  std::array<std::string_view, 6> words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool last = i + 1 == words.size();
    const std::size_t end = last ? line.size() : line.find(' ');
    if (end == std::string_view::npos) return std::nullopt;
    words[i] = line.substr(0, end);
    line.remove_prefix(last ? end : end + 1);
  }
  const bool v4 = words[1] == "TCP4";
  if (!v4 && words[1] != "TCP6") return std::nullopt;
  const auto source = address_in(words[2], v4);
  const auto destination = address_in(words[3], v4);
  if (!destination || !is_port(words[4]) || !is_port(words[5])) return std::nullopt;
  return source;
}

template <class Address>
ip::address address_at(std::string_view bytes) {
  typename Address::bytes_type raw{};
  for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = byte_at(bytes, i);
  return net::unmapped(Address(raw));
}

}  // namespace

bool ProxyHeader::is_binary() const noexcept { return bytes_.starts_with(kSignature.front()); }

std::size_t ProxyHeader::wanted() const noexcept {
  if (bytes_.size() < kTextBytesMin) return kTextBytesMin - bytes_.size();
  if (!is_binary()) return 1;
  if (bytes_.size() < kFixedBytes) return kFixedBytes - bytes_.size();
  return kFixedBytes + variable_bytes(bytes_) - bytes_.size();
}

State ProxyHeader::read(std::string_view bytes) {
  CS_ASSERT(bytes.size() <= wanted());
  bytes_.append(bytes);
  return judge();
}

State ProxyHeader::judge() {
  const std::string_view begin = is_binary() ? kSignature : kText;
  const std::size_t known = std::min(bytes_.size(), begin.size());
  if (bytes_.compare(0, known, begin.substr(0, known)) != 0) return State::malformed;
  if (bytes_.size() < begin.size()) return State::unfinished;
  return is_binary() ? judge_binary() : judge_text();
}

State ProxyHeader::judge_text() {
  const std::size_t cr = bytes_.find('\r');
  const std::size_t end = std::min(cr, bytes_.size());
  if (bytes_.find('\n') < end || bytes_.size() > kTextBytesMax) return State::malformed;
  if (end + 1 >= bytes_.size()) return bytes_.size() < kTextBytesMax ? State::unfinished : State::malformed;
  if (bytes_.size() != end + 2 || bytes_.back() != '\n') return State::malformed;
  const std::string_view line = std::string_view(bytes_).substr(0, end);
  const bool unknown = line == kUnknown || line.starts_with(std::string(kUnknown) + ' ');
  if (unknown) return State::finished;  // what follows the word is to be ignored
  client_ = client_in_line(line);
  if (client_) client_ = net::unmapped(*client_);
  return client_ ? State::finished : State::malformed;
}

State ProxyHeader::judge_binary() {
  if (bytes_.size() < kFixedBytes) return State::unfinished;
  const std::uint8_t command = byte_at(bytes_, 12);
  const std::uint8_t family = byte_at(bytes_, 13);
  const std::size_t variable = variable_bytes(bytes_);
  if ((command != kLocal && command != kProxy) || variable > kVariableBytesMax) return State::malformed;
  std::size_t needed = 0;
  if (command == kProxy) {
    switch (family) {
      case kUnspecified:
        break;
      case kTcp4:
        needed = kTcp4Bytes;
        break;
      case kTcp6:
        needed = kTcp6Bytes;
        break;
      case kUnixStream:
        needed = kUnixBytes;
        break;
      default:
        return State::malformed;
    }
  }
  if (variable < needed) return State::malformed;
  if (bytes_.size() < kFixedBytes + variable) return State::unfinished;
  const std::string_view addresses = std::string_view(bytes_).substr(kFixedBytes);
  if (command == kProxy && family == kTcp4) client_ = address_at<ip::address_v4>(addresses);
  if (command == kProxy && family == kTcp6) client_ = address_at<ip::address_v6>(addresses);
  return State::finished;
}

}  // namespace countersign::inbound::smtp
