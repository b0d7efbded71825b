#include "daemon/mail_in.hpp"

#include <array>
#include <utility>

#include "base/log.hpp"
#include "daemon/at_start.hpp"
#include "daemon/dns_options.hpp"
#include "store/awaitable.hpp"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;
namespace smtp = inbound::smtp;
using provider::feedback::read_bounce;
using provider::feedback::take_bounce;

constexpr std::int64_t kBusySenders = 4;

smtp::ListenerOptions listener(smtp::Dialect dialect, bool tls, const std::string& address,
                               std::uint16_t port) {
  smtp::ListenerOptions options;
  options.dialect = dialect;
  options.implicit_tls = tls;
  options.address = address;
  options.port = port;
  return options;
}

smtp::ReceiverOptions receiver_options(const Config& config) {
  const Config::Inbound& in = config.inbound;
  smtp::ReceiverOptions options;
  options.host_name = in.host_name;
  if (!in.address.empty())
    options.listeners.push_back(listener(smtp::Dialect::smtp, false, in.address, in.port));
  if (!in.tls_address.empty()) {
    options.listeners.push_back(listener(smtp::Dialect::smtp, true, in.tls_address, in.tls_port));
  }
  if (!in.lmtp_address.empty()) {
    options.listeners.push_back(listener(smtp::Dialect::lmtp, false, in.lmtp_address, in.lmtp_port));
  }
  options.tls_certificate_file = in.tls_certificate_file;
  options.tls_key_file = in.tls_key_file;
  options.connections_max = in.connections_max;
  options.connections_per_address_max = in.connections_per_address_max;
  options.proxies = in.proxies;
  options.limits.message_bytes_max = in.message_bytes_max;
  options.limits.recipients_max = in.recipients_max;
  options.timeouts.command = in.timeout;
  options.timeouts.content_pause = in.timeout;
  options.timeouts.write = in.timeout;
  options.timeouts.handshake = in.timeout;
  return options;
}

smtp::ReceiverHooks receiver_hooks(Instruments& instruments) {
  smtp::ReceiverHooks hooks;
  hooks.connected = [&instruments](std::string_view name) { instruments.smtp_connection(name); };
  hooks.message = [&instruments](std::string_view outcome) { instruments.smtp_message(outcome); };
  hooks.refused = [&instruments](std::string_view reason) { instruments.smtp_refusal(reason); };
  return hooks;
}

bool asks_detector(const Config& config) {
  return config.screening.enabled && !config.screening.detector_url.empty();
}

std::unique_ptr<net::HttpClient> detector_client(const Config& config) {
  return asks_detector(config) ? std::make_unique<net::HttpClient>() : nullptr;
}

std::unique_ptr<inbound::Detector> make_detector(const Config& config, net::HttpClient* client,
                                                 const Clock& clock) {
  if (client == nullptr) return nullptr;
  const Config::Screening& wanted = config.screening;
  inbound::DetectorOptions options;
  options.url = wanted.detector_url;
  options.model = wanted.detector_model;
  options.key = wanted.detector_api_key;
  options.key_file = wanted.detector_api_key_file;
  options.ca_file = wanted.detector_ca_file;
  options.timeout = wanted.detector_timeout;
  options.content_bytes_max = wanted.detector_bytes_max;
  options.without_answer = wanted.detector_failure == DetectorFailure::ignore
                               ? inbound::WithoutAnswer::ignore
                               : inbound::WithoutAnswer::review;
  return std::make_unique<inbound::Detector>(*client, clock, std::move(options));
}

inbound::ProcessorOptions processor_options(const Config& config, std::string worker, bool sole_process,
                                            inbound::Detector* detector) {
  inbound::ProcessorOptions options;
  options.worker = std::move(worker);
  options.shared_domain = config.shared_domain;
  options.from_domain = config.outbound.from_domain;
  options.screening = config.screening.enabled;
  options.detector = detector;
  options.lease = config.inbound.lease;
  options.poll_interval = config.inbound.poll_interval;
  options.in_flight_max = config.inbound.batch;
  options.sole_process = sole_process;
  return options;
}

std::string_view name_of(inbound::Published outcome) {
  switch (outcome) {
    case inbound::Published::delivered:
      return "delivered";
    case inbound::Published::flagged:
      return "flagged";
    case inbound::Published::held:
      return "held";
    case inbound::Published::blocked:
      return "blocked";
    case inbound::Published::lost:
      break;
  }
  return "lost";
}

}  // namespace

MailIn::MailIn(const Config& config, asio::io_context& io, asio::thread_pool& readers,
               store::Database& database, const Clock& clock, Instruments& instruments, std::string worker,
               bool sole_process, std::function<void()> happened, std::function<void()> held)
    : database_(database),
      clock_(clock),
      instruments_(instruments),
      happened_(std::move(happened)),
      held_(std::move(held)),
      return_paths_(load_signing_secret(config)),
      strand_(asio::make_strand(io)),
      dns_(strand_, dns_options(config)),
      http_(detector_client(config)),
      detector_(make_detector(config, http_.get(), clock)),
      processor_(strand_, readers, database, clock, dns_,
                 processor_options(config, std::move(worker), sole_process, detector_.get()),
                 processor_hooks(instruments)),
      acceptor_(database, clock, acceptor_options(config)) {
  smtp::ReceiverOptions options = receiver_options(config);
  if (options.listeners.empty()) return;
  try {
    receiver_.emplace(io, std::move(options), acceptor_, receiver_hooks(instruments));
  } catch (const EnvironmentError& error) {
    const Config::Inbound& in = config.inbound;
    const std::array<ListeningOn, 3> places{{{"inbound.listen", in.address, in.port},
                                             {"inbound.tls_listen", in.tls_address, in.tls_port},
                                             {"inbound.lmtp_listen", in.lmtp_address, in.lmtp_port}}};
    rethrow_with_setting(error, places);
  }
}

inbound::AcceptorOptions MailIn::acceptor_options(const Config& config) {
  inbound::AcceptorOptions options;
  options.host = config.inbound.host_name;
  options.shared_domain = config.shared_domain;
  options.limits = {config.limits.agents_max, config.limits.domains_max, config.limits.messages_month_max,
                    config.limits.storage_bytes_max};
  options.is_return_path = [this](std::string_view address) {
    return return_paths_.message_of(address).has_value();
  };
  options.taken = [this] { processor_.wake(); };
  return options;
}

inbound::ProcessorHooks MailIn::processor_hooks(Instruments& instruments) {
  inbound::ProcessorHooks hooks;
  // The acceptor is made after the processor, which looks at nothing before it runs.
  hooks.busy = [this] { return acceptor_.under_way() >= kBusySenders; };
  hooks.published = [this, &instruments](inbound::Published outcome) {
    instruments.arrival(name_of(outcome));
    happened_();
    if (outcome == inbound::Published::held) held_();
  };
  hooks.report = [this](std::string_view content, std::vector<std::string> recipients, UtcTime received) {
    return take_report(content, std::move(recipients), received);
  };
  return hooks;
}

asio::awaitable<void> MailIn::take_report(std::string_view content, std::vector<std::string> recipients,
                                          UtcTime received) {
  const auto bounce = read_bounce(content, recipients, return_paths_, received);
  if (!bounce) {
    log::info("feedback.no_bounce", {{"source", "dsn"}, {"reason", name_of(bounce.error())}});
    instruments_.feedback("dsn", name_of(bounce.error()));
    co_return;
  }
  auto body = [&bounce, now = clock_.now()](store::Tx& tx) { return take_bounce(tx, *bounce, now); };
  const std::vector<outbox::FeedbackOutcome> outcomes = co_await store::write(database_, std::move(body));
  for (const outbox::FeedbackOutcome outcome : outcomes) {
    instruments_.feedback("dsn", outbox::name_of(outcome));
  }
  happened_();
}

void MailIn::start() {
  if (receiver_) receiver_->start();
}

asio::awaitable<bool> MailIn::drain(std::chrono::milliseconds patience) {
  if (!receiver_) co_return true;
  co_return co_await receiver_->drain(patience);
}

std::uint16_t MailIn::port() const noexcept { return receiver_ ? receiver_->port() : std::uint16_t{0}; }

}  // namespace countersign::daemon
