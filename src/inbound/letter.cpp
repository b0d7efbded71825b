#include "inbound/letter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "mail/address.hpp"
#include "mail/utf8.hpp"

namespace countersign::inbound {
namespace {

// The field's name, lower-case, and where its value begins; nothing for a line that is no field.
std::string field_name(std::string_view line, std::size_t& value_at) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon > 64) return "";
  value_at = colon + 1;
  return ascii_lower(trim(line.substr(0, colon)));
}

void note(Glance& glance, std::string_view field) {
  std::size_t at = 0;
  const std::string name = field_name(field, at);
  if (name == "received") {
    ++glance.hops;
  } else if (name == "message-id" && glance.message_id.empty()) {
    glance.message_id = trim(field.substr(at));
  } else if (name == "delivered-to" && glance.delivered_to.size() < kHopsMax) {
    glance.delivered_to.push_back(mail::normalise(field.substr(at)));
  }
}

std::string_view text_of(const boost::json::object& object, std::string_view key) {
  const boost::json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

}  // namespace

Glance glance(std::string_view raw) {
  Glance out;
  std::size_t begin = 0;
  while (begin < raw.size() && !raw.substr(begin).starts_with("\r\n") && raw[begin] != '\n') {
    // A field ends at a line end that no blank follows.
    std::size_t end = begin;
    do {
      end = raw.find('\n', end);
      end = end == std::string_view::npos ? raw.size() : end + 1;
    } while (end < raw.size() && (raw[end] == ' ' || raw[end] == '\t'));
    const std::string_view field = raw.substr(begin, end - begin);
    note(out, field);
    begin = end;
  }
  return out;
}

std::string digest_of(const Glance& glance, std::string_view raw) {
  if (glance.message_id.empty()) return "";
  return sha256_hex(glance.message_id + "\n" + sha256_hex(raw));
}

std::string trace_of(const Envelope& envelope, std::string_view host, std::string_view id,
                     std::string_view recipient, UtcTime now) {
  const Client& client = envelope.client;
  const std::string address = client.address.to_string();
  std::string out = fmt::format("Return-Path: <{}>\r\nDelivered-To: {}\r\n", envelope.mail_from, recipient);
  // RFC 5321 §4.1.3: an IPv6 literal carries its tag.
  out += fmt::format("Received: from {} ([{}{}])\r\n\tby {} with {}", client.helo,
                     client.address.is_v6() ? "IPv6:" : "", address, host, client.protocol);
  if (!client.tls.empty()) out += fmt::format(" ({})", client.tls);
  out += fmt::format("\r\n\tid {} for <{}>;\r\n\t{}\r\n", id, recipient, to_rfc5322(now));
  return mail::repair_utf8(out);
}

std::string to_json(const Envelope& envelope) {
  boost::json::object object;
  object["address"] = envelope.client.address.to_string();
  object["helo"] = mail::repair_utf8(envelope.client.helo);
  object["protocol"] = envelope.client.protocol;
  object["tls"] = envelope.client.tls;
  object["mail_from"] = mail::repair_utf8(envelope.mail_from);
  object["smtputf8"] = envelope.smtputf8;
  return boost::json::serialize(object);
}

Envelope envelope_from_json(std::string_view json) {
  Envelope envelope;
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse(json, error);
  if (error || !value.is_object()) return envelope;
  const boost::json::object& object = value.get_object();
  boost::system::error_code bad_address;
  envelope.client.address =
      boost::asio::ip::make_address(std::string(text_of(object, "address")), bad_address);
  envelope.client.helo = text_of(object, "helo");
  envelope.client.protocol = text_of(object, "protocol");
  envelope.client.tls = text_of(object, "tls");
  envelope.mail_from = text_of(object, "mail_from");
  return envelope;
}

}  // namespace countersign::inbound
