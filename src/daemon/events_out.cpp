#include "daemon/events_out.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "agent/webhook/signature.hpp"
#include "base/log.hpp"
#include "daemon/dns_options.hpp"
#include "store/awaitable.hpp"
#include "webhook/upkeep.hpp"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;
namespace courier = agent::webhook;

constexpr std::chrono::minutes kUpkeepPause{5};  // contract §17
constexpr std::int64_t kDisabledTogether = 100;

courier::CourierOptions courier_options(const Config& config, bool sole_process) {
  courier::CourierOptions options;
  options.worker = random_id("node_");
  options.lease = config.webhooks.lease;
  options.poll_interval = config.webhooks.poll_interval;
  options.in_flight_max = config.webhooks.in_flight_max;
  options.lane_width_max = config.webhooks.in_flight_per_webhook_max;
  options.timeout = config.webhooks.timeout;
  options.retry_first = config.webhooks.retry_first;
  options.ca_file = config.webhooks.ca_file;
  options.sole_process = sole_process;
  return options;
}

courier::CourierHooks courier_hooks(Instruments& instruments) {
  courier::CourierHooks hooks;
  hooks.fanned_out = [&instruments](std::int64_t events, std::int64_t deliveries) {
    instruments.fanned_out(events, deliveries);
  };
  hooks.attempted = [&instruments](std::string_view outcome, std::chrono::microseconds took) {
    instruments.webhook_attempt(outcome, took);
  };
  return hooks;
}

}  // namespace

EventsOut::EventsOut(const Config& config, asio::any_io_executor executor, store::Database& database,
                     const Clock& clock, Instruments& instruments, bool sole_process)
    : database_(database),
      clock_(clock),
      instruments_(instruments),
      strand_(asio::make_strand(executor)),
      dns_(strand_, dns_options(config)),
      targets_(strand_, dns_, config.webhooks.allow_private_addresses),
      courier_(executor, database, clock, targets_, courier::secret_sealer(load_signing_secret(config)),
               courier_options(config, sole_process), courier_hooks(instruments)),
      upkeep_(executor, "webhooks", kUpkeepPause, [this] { return disable_failing(); }) {}

asio::awaitable<void> EventsOut::run() {
  using namespace asio::experimental::awaitable_operators;
  co_await (courier_.run() && upkeep_.run());
}

void EventsOut::stop() {
  courier_.stop();
  upkeep_.stop();
}

asio::awaitable<std::string> EventsOut::fault_of_host(std::string host) {
  const Result<courier::Addresses, std::string> found = co_await targets_.find(std::move(host));
  co_return found ? std::string() : found.error();
}

asio::awaitable<void> EventsOut::disable_failing() {
  for (std::size_t disabled = kDisabledTogether; disabled == kDisabledTogether;) {
    auto body = [now = clock_.now()](store::Tx& tx) {
      return webhook::disable_failing(tx, now, kDisabledTogether);
    };
    const std::vector<webhook::WebhookId> rows = co_await store::write(database_, std::move(body));
    for (const webhook::WebhookId& id : rows) log::warn("webhook.disabled", {{"webhook", id.str()}});
    instruments_.webhooks_disabled(rows.size());
    disabled = rows.size();
  }
}

}  // namespace countersign::daemon
