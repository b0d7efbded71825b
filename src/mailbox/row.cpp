#include "mailbox/row.hpp"

#include <array>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace countersign::mailbox {
namespace {

// The enumerator whose name is `name`. The tables' CHECK constraints admit no other text.
template <class Enum, std::size_t N>
Enum enum_of(std::string_view name, const std::array<Enum, N>& all) {
  for (const Enum value : all) {
    if (name_of(value) == name) return value;
  }
  CS_ASSERT(false);
}

constexpr std::array kKinds{Kind::received, Kind::send, Kind::reply, Kind::forward, Kind::test};
constexpr std::array kAutomatic{Automatic::no, Automatic::bounce, Automatic::auto_reply, Automatic::list};
constexpr std::array kMethods{Method::smtp, Method::loopback};
constexpr std::array kReviewStatuses{ReviewStatus::pending_review, ReviewStatus::review_approved,
                                     ReviewStatus::review_rejected, ReviewStatus::review_expired_approved,
                                     ReviewStatus::review_expired_rejected};
constexpr std::array kDeliveryStatuses{
    DeliveryStatus::accepted, DeliveryStatus::sending,    DeliveryStatus::sent,
    DeliveryStatus::deferred, DeliveryStatus::delivered,  DeliveryStatus::failed,
    DeliveryStatus::bounced,  DeliveryStatus::complained, DeliveryStatus::unknown};

}  // namespace

Message message_from(const store::Row& row) {
  Message m;
  m.id = MessageId(row.text(0));
  m.user = UserId(row.text(1));
  m.agent_email = row.text(2);
  m.direction = row.view(3) == "inbound" ? Direction::inbound : Direction::outbound;
  m.kind = enum_of(row.view(4), kKinds);
  m.method = enum_of(row.view(5), kMethods);
  m.subject = row.text(6);
  m.conversation_id = row.text(7);
  m.header_from = row.maybe_text(8);
  m.envelope_from = row.maybe_text(9);
  m.verified_domain = row.maybe_text(10);
  m.authentication = row.maybe_text(11);
  m.sender = row.text(12);
  m.to = from_json_list(row.view(13));
  m.cc = from_json_list(row.view(14));
  m.bcc = from_json_list(row.view(15));
  m.reply_to_list = from_json_list(row.view(16));
  m.reply_to = row.text(17);
  m.delivered_to = row.text(18);
  m.labels = from_json_list(row.view(19));
  m.read_status = row.text(20);
  if (!row.is_null(21)) m.review_status = enum_of(row.view(21), kReviewStatuses);
  m.revision = row.integer(22);
  m.hold_reason = row.maybe_text(23);
  m.approval_expires_at = row.maybe_time(24);
  m.resolved_at = row.maybe_time(25);
  m.rejection_reason = row.text(26);
  m.edited = row.flag(27);
  m.flagged = row.flag(28);
  m.flag_reason = row.text(29);
  m.unsubscribe = row.flag(30);
  if (!row.is_null(31)) m.delivery_status = enum_of(row.view(31), kDeliveryStatuses);
  m.delivery_detail = row.text(32);
  m.sent_as = row.text(33);
  m.provider_message_id = row.text(34);
  m.rfc_message_id = row.text(35);
  m.size_bytes = row.integer(36);
  m.created_at = row.time(37);
  m.deleted_at = row.maybe_time(38);
  m.automatic = enum_of(row.view(39), kAutomatic);
  m.protection = row.maybe_text(40);
  m.in_reply_to = row.text(41);
  m.references = split_blanks(row.view(42));
  m.decisions_undone = row.integer(43);
  return m;
}

}  // namespace countersign::mailbox
