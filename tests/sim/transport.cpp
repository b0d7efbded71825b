#include "sim/transport.hpp"

#include <algorithm>

namespace countersign::sim {
namespace {

namespace asio = boost::asio;
using provider::HandOver;
using provider::Phase;
using provider::RecipientReply;
using provider::Reply;
using provider::Scope;
using provider::Verdict;

constexpr std::chrono::hours kRepeatWindow{24};

Reply reply_of(Verdict verdict, Phase phase, Scope scope, int code, std::string_view text) {
  Reply reply;
  reply.verdict = verdict;
  reply.phase = phase;
  reply.scope = scope;
  reply.code = code;
  reply.text = text;
  return reply;
}

Reply early_reply(const Plan& plan) {
  switch (plan.early) {
    case Plan::Early::session:
      return reply_of(Verdict::session_fault, plan.early_phase, Scope::session, 421, "not now");
    case Plan::Early::refuse:
      return reply_of(Verdict::refused, plan.early_phase, Scope::message, 550, "not this one");
    case Plan::Early::defer:
    case Plan::Early::none:
      break;
  }
  return reply_of(Verdict::deferred, plan.early_phase, Scope::message, 451, "not this one now");
}

Reply final_reply(const Plan& plan, const HandOver& message) {
  switch (plan.end) {
    case Plan::End::accept: {
      Reply reply = reply_of(Verdict::accepted, Phase::final_dot, Scope::message, 250, "queued");
      reply.provider_message_id = "provider-" + message.submission;
      reply.recipients = plan.recipients;
      return reply;
    }
    case Plan::End::refuse:
      return reply_of(Verdict::refused, Phase::final_dot, Scope::message, 554, "not this content");
    case Plan::End::defer: {
      Reply reply = reply_of(Verdict::deferred, Phase::final_dot, Scope::message, 451, "later");
      reply.recipients = plan.recipients;
      return reply;
    }
    case Plan::End::closing:
      return reply_of(Verdict::session_fault, Phase::final_dot, Scope::session, 421, "closing");
    case Plan::End::lost:
    case Plan::End::hang: {
      Reply reply = reply_of(Verdict::unknown, Phase::final_dot, Scope::message, 0, "no answer");
      reply.recipients = plan.recipients;
      return reply;
    }
  }
  return {};
}

// Those that the provider was told of and did not turn away at RCPT.
std::vector<std::string> remaining(const HandOver& message, const Plan& plan) {
  std::vector<std::string> out;
  for (const std::string& address : message.recipients) {
    if (std::ranges::find(plan.recipients, address, &RecipientReply::address) == plan.recipients.end()) {
      out.push_back(address);
    }
  }
  return out;
}

// Nobody is left after RCPT: deferred if anybody may be tried again.
Reply nobody_left(const Plan& plan) {
  const bool again = std::ranges::any_of(
      plan.recipients, [](const RecipientReply& reply) { return reply.verdict == Verdict::deferred; });
  Reply reply = reply_of(again ? Verdict::deferred : Verdict::refused, Phase::rcpt, Scope::recipient,
                         again ? 450 : 550, "no recipient was taken");
  reply.recipients = plan.recipients;
  return reply;
}

void note_refusals(Provider& provider, const HandOver& message, const Reply& reply) {
  std::vector<std::string> refused;
  for (const std::string& address : message.recipients) {
    const auto own = std::ranges::find(reply.recipients, address, &RecipientReply::address);
    const Verdict verdict = own == reply.recipients.end() ? reply.verdict : own->verdict;
    if (verdict == Verdict::refused) refused.push_back(address);
  }
  provider.note_refusal(message.message_id, refused);
  const bool deferred = reply.verdict == Verdict::deferred ||
                        std::ranges::any_of(reply.recipients, [](const RecipientReply& recipient) {
                          return recipient.verdict == Verdict::deferred;
                        });
  if (deferred) provider.note_deferral(message.message_id);
}

}  // namespace

std::chrono::seconds SimTransport::repeat_window() const noexcept {
  return transport_class() == provider::TransportClass::keyed ? std::chrono::seconds(kRepeatWindow)
                                                              : std::chrono::seconds(0);
}

asio::awaitable<void> SimTransport::drain() { co_return; }

asio::awaitable<void> SimTransport::pass(Duration time) {
  const std::unique_ptr<net::Timer> timer = timers_.make({});
  timer->expires_after(time);
  co_await timer->wait();
}

asio::awaitable<Reply> SimTransport::hand_over(HandOver message, provider::Fence fence) {
  HandedOver& entry = provider_.begin(message, owner_);
  Reply reply;
  try {
    reply = co_await converse(message, std::move(fence), entry);
  } catch (...) {  // the fence's own
    entry.over = true;
    entry.ended_at = surroundings_.time.now();
    throw;
  }
  reply.fence_passed = entry.passed_fence;
  entry.over = true;
  entry.ended_at = surroundings_.time.now();
  entry.verdict = reply.verdict;
  entry.reply_lost = reply.verdict == Verdict::unknown;
  note_refusals(provider_, message, reply);
  surroundings_.trace.note(surroundings_.time.now(), "provider: node {} hears {} of {} at {}", owner_,
                           provider::to_string(reply.verdict), message.message_id,
                           provider::to_string(reply.phase));
  co_return mutated(std::move(reply));
}

asio::awaitable<Reply> SimTransport::converse(const HandOver& message, provider::Fence fence,
                                              HandedOver& entry) {
  const Plan plan = provider_.plan(message);
  co_await pass(plan.dialogue);
  if (plan.early != Plan::Early::none) co_return early_reply(plan);
  std::vector<std::string> recipients = remaining(message, plan);
  if (recipients.empty()) co_return nobody_left(plan);

  entry.asked_fence = true;
  entry.passed_fence = co_await fence();
  if (!entry.passed_fence && !surroundings_.broken(Defect::fence_ignored)) {
    co_return reply_of(Verdict::lost_lease, Phase::final_dot, Scope::message, 0, "");
  }
  provider_.last_byte(message, plan, std::move(recipients));
  co_await pass(plan.travel + plan.answering);
  co_return final_reply(plan, message);
}

Reply SimTransport::mutated(Reply reply) const {
  if (surroundings_.broken(Defect::resend_on_lost_reply) && reply.verdict == Verdict::unknown) {
    reply.verdict = Verdict::deferred;
  }
  if (surroundings_.broken(Defect::fault_costs_attempt) && reply.verdict == Verdict::session_fault) {
    reply.verdict = Verdict::deferred;
  }
  return reply;
}

}  // namespace countersign::sim
