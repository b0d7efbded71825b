// What the receiver itself reads and writes of a message, before anybody parses it: a few header fields in
// one pass, and the trace put in front (RFC 5321 §4.4). Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "inbound/intake.hpp"

namespace countersign::inbound {

/// More hops than any way through the world has (RFC 5321 §6.3 asks for at least 100).
inline constexpr std::size_t kHopsMax = 100;

struct Glance {
  std::string message_id;                 // with whatever it stands in; "" without one
  std::size_t hops = 0;                   // Received fields
  std::vector<std::string> delivered_to;  // lower-case, at most kHopsMax
};
/// Reads the header up to its end. Any bytes.
[[nodiscard]] Glance glance(std::string_view raw);

/// Names a message for a sender that repeats it: over Message-ID and content. "" without a Message-ID.
[[nodiscard]] std::string digest_of(const Glance& glance, std::string_view raw);

/// Return-Path, Delivered-To and Received for one recipient, CRLF after each line.
/// host   this server's name; id: what the message becomes
[[nodiscard]] std::string trace_of(const Envelope& envelope, std::string_view host, std::string_view id,
                                   std::string_view recipient, UtcTime now);

/// The envelope as the spool keeps it (without its recipients), and back. Nothing for what is none.
[[nodiscard]] std::string to_json(const Envelope& envelope);
[[nodiscard]] Envelope envelope_from_json(std::string_view json);

}  // namespace countersign::inbound
