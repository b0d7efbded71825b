#include "provider/translation.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/assert.hpp"
#include "mail/address.hpp"

namespace countersign::provider {
namespace {

outbox::Verdict outbox_verdict(Verdict verdict) {
  switch (verdict) {
    case Verdict::accepted:
      return outbox::Verdict::accepted;
    case Verdict::refused:
      return outbox::Verdict::refused;
    case Verdict::deferred:
      return outbox::Verdict::deferred;
    case Verdict::unknown:
      return outbox::Verdict::unknown;
    case Verdict::session_fault:
    case Verdict::lost_lease:
      break;
  }
  CS_ASSERT(false);
}

bool headers_need_smtputf8(std::string_view raw) {
  const std::string_view header = raw.substr(0, raw.find("\r\n\r\n"));
  return std::ranges::any_of(header, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

}  // namespace

outbox::Answer answer_of(const Reply& reply, std::string_view provider, TransportClass transport_class) {
  outbox::Answer answer;
  answer.verdict = outbox_verdict(reply.verdict);
  answer.phase = to_string(reply.phase);
  answer.code = reply.code;
  answer.text = reply.text;
  answer.provider = provider;
  answer.provider_message_id = reply.provider_message_id;
  answer.feedback_expected = transport_class == TransportClass::evidence;
  for (const RecipientReply& recipient : reply.recipients) {
    answer.recipients.push_back(
        {recipient.address, outbox_verdict(recipient.verdict), recipient.code, recipient.text});
  }
  return answer;
}

HandOver hand_over_of(outbox::Work work) {
  HandOver out;
  out.submission = work.claim.id.str();
  out.message_id = work.claim.message.str();
  out.key = std::move(work.key);
  out.may_be_repeated = work.claim.epoch > 1 || work.claim.attempt > 1;
  out.envelope_from = std::move(work.envelope_from);
  out.recipients = std::move(work.recipients);
  out.raw = std::make_shared<const std::string>(std::move(work.raw));
  out.needs_smtputf8 = headers_need_smtputf8(*out.raw) || mail::needs_smtputf8(out.envelope_from) ||
                       std::ranges::any_of(out.recipients, mail::needs_smtputf8);
  return out;
}

}  // namespace countersign::provider
