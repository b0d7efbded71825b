#include "inbound/acceptor.hpp"

#include <algorithm>
#include <utility>

#include "account/agent.hpp"
#include "account/usage.hpp"
#include "base/fault.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "inbound/letter.hpp"
#include "inbound/spool.hpp"
#include "mail/address.hpp"
#include "store/awaitable.hpp"

namespace countersign::inbound {
namespace {

namespace asio = boost::asio;

RecipientAnswer look_up(store::ReadTx& tx, std::string_view address, const AcceptorOptions& options,
                        UtcTime now) {
  const auto agent = account::find_live_agent(tx, address, options.shared_domain);
  if (!agent || !agent->domain_verified) return RecipientAnswer::unknown;
  const auto limits = account::limits_of(tx, agent->user, options.limits);
  if (!limits) return RecipientAnswer::unknown;
  return account::over_message_limits(tx, agent->user, *limits, now) ? RecipientAnswer::over_quota
                                                                     : RecipientAnswer::ok;
}

}  // namespace

Acceptor::Acceptor(store::Database& database, const Clock& clock, AcceptorOptions options)
    : database_(database), clock_(clock), options_(std::move(options)) {}

bool Acceptor::is_return_path(std::string_view address) const {
  return options_.is_return_path && options_.is_return_path(address);
}

bool Acceptor::remembers(const std::string& address, UtcTime now) {
  const std::lock_guard lock(mutex_);
  const auto known = welcome_.find(address);
  return known != welcome_.end() && known->second <= now && now - known->second < kRecipientMemory;
}

void Acceptor::remember(const std::string& address, UtcTime now) {
  const std::lock_guard lock(mutex_);
  if (welcome_.size() >= kRecipientsRemembered) welcome_.clear();
  welcome_.insert_or_assign(address, now);
}

asio::awaitable<RecipientAnswer> Acceptor::recipient(std::string address) {
  const std::string normal = mail::normalise(address);
  if (is_return_path(normal)) co_return RecipientAnswer::ok;
  const UtcTime now = clock_.now();
  if (remembers(normal, now)) co_return RecipientAnswer::ok;
  try {
    auto body = [this, &normal, now](store::ReadTx& tx) { return look_up(tx, normal, options_, now); };
    const RecipientAnswer answer = co_await store::read(database_, std::move(body));
    if (answer == RecipientAnswer::ok) remember(normal, now);
    co_return answer;
  } catch (const EnvironmentError& error) {
    log::warn("inbound.recipient_not_looked_up", {{"error", error.what()}});
  }
  co_return RecipientAnswer::unavailable;
}

asio::awaitable<std::vector<AcceptAnswer>> Acceptor::accept(Envelope envelope,
                                                            std::shared_ptr<const std::string> raw) {
  const Glance seen = glance(*raw);
  std::vector<AcceptAnswer> answers(envelope.recipients.size(), AcceptAnswer::refused);
  if (seen.hops > kHopsMax) co_return answers;

  const UtcTime now = clock_.now();
  TakeCommand command;
  command.content_id = ordered_id("arr_", now);
  command.envelope = to_json(envelope);
  command.raw = *raw;
  command.digest = digest_of(seen, *raw);
  command.limits = options_.limits;
  command.shared_domain = options_.shared_domain;
  command.now = now;
  std::vector<std::size_t> asked;  // positions of those that a loop does not refuse
  for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
    Door door;
    door.address = mail::normalise(envelope.recipients[i]);
    if (std::ranges::find(seen.delivered_to, door.address) != seen.delivered_to.end()) continue;
    door.id = MessageId(ordered_id("msg_", now));
    door.report = is_return_path(door.address);
    door.trace = trace_of(envelope, options_.host, door.id.str(), door.address, now);
    command.doors.push_back(std::move(door));
    asked.push_back(i);
  }
  if (asked.empty()) co_return answers;

  auto storing = store_it(std::move(command));
  const std::vector<AcceptAnswer> taken = co_await std::move(storing);
  for (std::size_t i = 0; i < asked.size(); ++i) answers[asked[i]] = taken[i];
  if (options_.taken && std::ranges::find(taken, AcceptAnswer::taken) != taken.end()) options_.taken();
  co_return answers;
}

// `command.raw` views bytes that the caller keeps.
asio::awaitable<std::vector<AcceptAnswer>> Acceptor::store_it(TakeCommand command) {
  std::vector<AcceptAnswer> taken(command.doors.size(), AcceptAnswer::unavailable);
  ++under_way_;
  try {
    auto body = [&command](store::Tx& tx) { return take(tx, command); };
    taken = co_await store::write(database_, std::move(body));
    CS_FAULT("inbound.taken");
  } catch (const EnvironmentError& error) {
    // Also when the COMMIT went unanswered: its digest lets the sender's repeat tell.
    log::warn("inbound.not_taken", {{"error", error.what()}});
  } catch (...) {
    --under_way_;
    throw;
  }
  --under_way_;
  co_return taken;
}

}  // namespace countersign::inbound
