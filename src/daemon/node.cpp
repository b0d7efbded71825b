#include "daemon/node.hpp"

#include <array>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <csignal>
#include <filesystem>
#include <future>
#include <thread>
#include <vector>

#include "agent/rest/api.hpp"
#include "agent/rest/server.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "daemon/at_start.hpp"
#include "daemon/domain_signer.hpp"
#include "daemon/events_out.hpp"
#include "daemon/expiry_worker.hpp"
#include "daemon/feedback_intake.hpp"
#include "daemon/instruments.hpp"
#include "daemon/janitor.hpp"
#include "daemon/mail_in.hpp"
#include "daemon/open_store.hpp"
#include "daemon/people.hpp"
#include "daemon/periodic.hpp"
#include "daemon/reviewer_mail.hpp"
#include "daemon/store_lock.hpp"
#include "daemon/transport.hpp"
#include "daemon/wakes.hpp"
#include "daemon/websockets.hpp"
#include "net/http_server.hpp"
#include "provider/dispatcher.hpp"
#include "provider/loopback/send_step.hpp"
#include "provider/receipts.hpp"
#include "store/awaitable.hpp"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;
namespace rest = agent::rest;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kGaugePause{10};
constexpr int kFileThreads = 2;    // for transports that write files
constexpr int kReaderThreads = 2;  // read the mail that arrived

constexpr store::Query kProbe("daemon.probe", "SELECT 1");
constexpr std::chrono::seconds kWritePause{5};
// One may fail because much was waiting.
constexpr int kFailedWritesMin = 2;

std::string from_domain_of(const Config& config) {
  return config.outbound.from_domain.empty() ? config.shared_domain : config.outbound.from_domain;
}

account::Limits limits_of(const Config& config) {
  return {config.limits.agents_max, config.limits.domains_max, config.limits.messages_month_max,
          config.limits.storage_bytes_max};
}

rest::ServerOptions server_options(const Config& config, store::Database& database) {
  rest::ServerOptions options;
  options.shared = shared_store(database);
  options.poll.limit = config.rate_limits.poll_per_minute;
  options.registration.limit = config.rate_limits.registration_per_hour;
  options.send.limit = config.rate_limits.send_per_minute;
  return options;
}

rest::ApiSettings api_settings(const Config& config, asio::any_io_executor workers, Wakes& wakes,
                               provider::Notifier& notifier, EventsOut& events_out,
                               agent::ws::Hub& websockets) {
  rest::ApiSettings settings;
  settings.shared_domain = config.shared_domain;
  settings.public_url = config.http.public_url;
  settings.http_address = authority_of(config.http.address, config.http.port);
  settings.outbound_transport = transport_name(config);
  settings.limits = limits_of(config);
  settings.cursor_secret = load_signing_secret(config);
  settings.queued = [&wakes] { wakes.wake(Topic::submissions); };
  settings.held = [&notifier] { notifier.wake(); };
  settings.screening = config.screening.enabled;
  settings.workers = std::move(workers);
  settings.loops = {config.loops.window, config.loops.replies_max, config.loops.automatic_replies_max};
  settings.committed = [&wakes] { wakes.wake(Topic::events); };
  settings.webhook_host_fault = [&events_out](std::string host) {
    return events_out.fault_of_host(std::move(host));
  };
  settings.listen = [&websockets](agent::ws::Admission admission, const net::Headers& headers,
                                  const std::string& request_id) {
    return websockets.admit(std::move(admission), headers, request_id);
  };
  settings.provider_id_domain = provider_id_domain(config);
  return settings;
}

net::HttpOptions http_options(const Config& config) {
  net::HttpOptions options;
  options.address = config.http.address;
  options.port = config.http.port;
  options.connections_max = config.http.connections_max;
  return options;
}

net::HttpServer listen(asio::io_context& io, const Config& config, net::HttpService service) {
  try {
    return net::HttpServer(io, http_options(config), std::move(service));
  } catch (const EnvironmentError& error) {
    const std::array<ListeningOn, 1> place{{{"http.listen", config.http.address, config.http.port}}};
    rethrow_with_setting(error, place);
  }
}

// As under nohup, whose point is to outlive a terminal.
bool is_ignored(int signal) {
  struct sigaction action{};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

std::string_view name_of_signal(int signal) {
  switch (signal) {
    case SIGTERM:
      return "SIGTERM";
    case SIGINT:
      return "SIGINT";
    default:
      return "SIGHUP";
  }
}

// Beside a store across a network, answers are kept on this machine first; an embedded store is no further
// away than such a file.
std::unique_ptr<provider::ReceiptFile> open_receipts(const Config& config, bool embedded,
                                                     asio::thread_pool& files) {
  if (embedded) return nullptr;
  return std::make_unique<provider::ReceiptFile>(config.data_dir, files);
}

// Nothing is signed for a provider that composes the message anew.
std::unique_ptr<DomainSigner> make_signer(const Config& config, store::Database& database,
                                          asio::any_io_executor executor) {
  const auto onward = onward_of(config);
  if (!onward) return nullptr;
  return std::make_unique<DomainSigner>(database, std::move(executor), domain_key_sealer(config), *onward);
}

provider::DispatcherOptions dispatcher_options(const Config& config, bool sole_process,
                                               provider::ReceiptFile* receipts,
                                               provider::MessageSigner* signer) {
  provider::DispatcherOptions options;
  options.worker = random_id("node_");
  options.from_domain = from_domain_of(config);
  options.lease = config.dispatcher.lease;
  options.poll_interval = config.dispatcher.poll_interval;
  options.in_flight_max = config.dispatcher.batch;
  options.sole_process = sole_process;
  options.receipts = receipts;
  options.signer = signer;
  options.return_path = return_path_of(config);
  return options;
}

}  // namespace

class Node::Impl {
 public:
  Impl(const Config& config, const Clock& clock)
      : config_(config),
        clock_(clock),
        lock_(lock_store(config)),
        database_(open_store(config)),
        embedded_(database_->dialect() == store::Dialect::sqlite),
        transport_(make_transport(config, io_.get_executor(), files_, clock)),
        receipts_(open_receipts(config, embedded_, files_)),
        signer_(make_signer(config, *database_, io_.get_executor())),
        events_out_(config, io_.get_executor(), *database_, clock, instruments_, embedded_),
        websockets_(io_.get_executor(), *database_, clock, hub_options(config),
                    hub_hooks(instruments_, wakes_)),
        send_({config.shared_domain, from_domain_of(config), config.screening.enabled}),
        dispatcher_(io_.get_executor(), *database_, clock, *transport_,
                    dispatcher_options(config, embedded_, receipts_.get(), signer_.get()),
                    dispatcher_hooks()),
        notifier_(io_.get_executor(), *database_, clock, *transport_,
                  notify::Links(load_signing_secret(config)),
                  notifier_options(config, embedded_, signer_.get()), notifier_hooks(instruments_)),
        expiry_(
            *database_, clock, send_, config.shared_domain, unseen_policy(config),
            [this] { wakes_.wake(Topic::submissions); },
            [this](std::string_view outcome) {
              instruments_.review(outcome);
              wakes_.wake(Topic::events);
            }),
        expiry_loop_(io_.get_executor(), "expiry", config.expiry_poll_interval,
                     [this] { return expiry_.sweep(); }),
        janitor_(*database_, clock,
                 {config.trash_retention, config.retention.deliveries, config.retention.notifications},
                 [this](std::string_view what, std::int64_t count) { instruments_.removed(what, count); }),
        janitor_loop_(io_.get_executor(), "janitor", config.retention.sweep_interval,
                      [this] { return janitor_.sweep(); }),
        server_(server_options(config, *database_), clock, server_hooks()),
        api_(*database_, send_,
             api_settings(config, readers_.get_executor(), wakes_, notifier_, events_out_, websockets_)),
        feedback_(config, *database_, clock, io_.get_executor(), files_,
                  [this](std::string_view source, std::string_view outcome) {
                    instruments_.feedback(source, outcome);
                    wakes_.wake(Topic::events);
                  }),
        review_links_(config, *database_, clock, send_,
                      [this](std::string_view outcome) {
                        instruments_.review(outcome);
                        wakes_.wake(Topic::submissions);
                        wakes_.wake(Topic::events);
                      }),
        mail_in_(
            config, io_, readers_, *database_, clock, instruments_, random_id("node_"), embedded_,
            [this] { wakes_.wake(Topic::events); }, [this] { notifier_.wake(); }),
        gauge_loop_(io_.get_executor(), "gauges", kGaugePause,
                    [this] { return instruments_.measure(*database_, transport_->name(), clock_.now()); }),
        write_probe_(io_.get_executor(), "write probe", kWritePause, [this] { return probe_writing(); }),
        console_(make_console(config, *database_, clock, server_, instruments_,
                              [this] { wakes_.wake(Topic::events); })),
        http_(listen(io_, config, with_console(server_.service(), console_.get()))),
        signals_(io_, SIGTERM, SIGINT) {
    if (!is_ignored(SIGHUP)) signals_.add(SIGHUP);
    api_.attach(server_);
    feedback_.attach(server_);
    review_links_.attach(server_);
    adopt_log(*database_);
    wakes_.on(Topic::events, [this] { events_out_.wake(); });
    wakes_.on(Topic::events, [this] { websockets_.wake(); });
    wakes_.on(Topic::submissions, [this] { dispatcher_.wake(); });
    wakes_.on(Topic::listeners, [this] { websockets_.check(); });
  }

  ~Impl() {
    wakes_.stop();
    work_.reset();
    io_.stop();
    for (std::thread& thread : threads_) thread.join();
    database_->stop();  // its threads post to io_; open still where a start failed half-way
  }

  void start() {
    signalled_ = signals_.async_wait(asio::use_future);
    wakes_.start(config_);
    http_.start();
    mail_in_.start();
    mail_in_done_ = asio::co_spawn(io_, mail_in_.run(), asio::use_future);
    dispatcher_done_ = asio::co_spawn(io_, dispatcher_.run(), asio::use_future);
    notifier_done_ = asio::co_spawn(io_, notifier_.run(), asio::use_future);
    events_out_done_ = asio::co_spawn(io_, events_out_.run(), asio::use_future);
    websockets_done_ = asio::co_spawn(io_, websockets_.run(), asio::use_future);
    expiry_done_ = asio::co_spawn(io_, expiry_loop_.run(), asio::use_future);
    feedback_done_ = asio::co_spawn(io_, feedback_.run(), asio::use_future);
    gauges_done_ = asio::co_spawn(io_, gauge_loop_.run(), asio::use_future);
    write_probe_done_ = asio::co_spawn(io_, write_probe_.run(), asio::use_future);
    janitor_done_ = asio::co_spawn(io_, janitor_loop_.run(), asio::use_future);
    for (int i = 0; i < config_.http.threads; ++i) {
      threads_.emplace_back([this] { io_.run(); });
    }
  }

  void wait_for_signal() {
    const int signal = signalled_.get();
    log::info("node.stopping", {{"signal", name_of_signal(signal)}});
    std::promise<void> restored;
    asio::post(io_, [this, &restored] {
      signals_.clear();  // the default action: a second signal ends the process
      restored.set_value();
    });
    restored.get_future().wait();
  }

  bool stop(std::chrono::milliseconds patience) {
    const auto deadline = steady_clock::now() + patience;
    stopping_ = true;
    if (console_) console_->stop();
    // Clients get two thirds of the time; the rest is for what their requests left to do.
    websockets_.stop();
    auto http_drained = asio::co_spawn(io_, http_.drain(patience * 2 / 3), asio::use_future);
    auto smtp_drained = asio::co_spawn(io_, mail_in_.drain(patience * 2 / 3), asio::use_future);
    bool clean = ended(http_drained, deadline, "http") && http_drained.get();
    clean = ended(websockets_done_, deadline, "websockets") && clean;
    clean = ended(smtp_drained, deadline, "smtp") && smtp_drained.get() && clean;
    mail_in_.stop();
    expiry_loop_.stop();
    janitor_loop_.stop();
    janitor_.stop();
    feedback_.stop();
    gauge_loop_.stop();
    write_probe_.stop();
    dispatcher_.stop();
    notifier_.stop();
    auto transport_drained = asio::co_spawn(io_, transport_->drain(), asio::use_future);
    clean = ended(expiry_done_, deadline, "expiry") && clean;
    clean = ended(janitor_done_, deadline, "janitor") && clean;
    clean = ended(mail_in_done_, deadline, "mail in") && clean;
    clean = ended(feedback_done_, deadline, "feedback") && clean;
    clean = ended(gauges_done_, deadline, "gauges") && clean;
    clean = ended(write_probe_done_, deadline, "write probe") && clean;
    clean = ended(dispatcher_done_, deadline, "dispatcher") && clean;
    clean = ended(notifier_done_, deadline, "notifier") && clean;
    clean = ended(transport_drained, deadline, "transport") && clean;
    events_out_.stop();
    clean = ended(events_out_done_, deadline, "events out") && clean;
    wakes_.stop();
    database_->stop();
    log::info("node.stopped", {{"clean", clean ? "yes" : "no"}});
    return clean;
  }

  [[nodiscard]] std::uint16_t port() const noexcept { return http_.port(); }
  [[nodiscard]] std::string setup_link() { return console_ ? console_->make_setup_link() : std::string(); }
  [[nodiscard]] std::uint16_t smtp_port() const noexcept { return mail_in_.port(); }

 private:
  provider::DispatcherHooks dispatcher_hooks() {
    provider::DispatcherHooks hooks;
    hooks.ended = [this](std::string_view provider, std::string_view verdict) {
      instruments_.submission(provider, verdict);
      wakes_.wake(Topic::events);
    };
    hooks.rescued = [this](std::int64_t requeued, std::int64_t unknown) {
      instruments_.rescued(requeued, unknown);
    };
    hooks.resent = [this](std::int64_t count) { instruments_.resent(count); };
    return hooks;
  }

  rest::ServerHooks server_hooks() {
    rest::ServerHooks hooks;
    hooks.subject = [this](std::string authorization) {
      return api_.subject(std::move(authorization), clock_.now());
    };
    hooks.not_ready_because = [this] { return not_ready_because(); };
    if (config_.http.metrics) hooks.metrics = [this] { return instruments_.render(); };
    hooks.finished = [this](const rest::Finished& request) {
      instruments_.request(request.operation, request.status, request.duration);
    };
    return hooks;
  }

  asio::awaitable<std::string> not_ready_because() {
    if (stopping_) co_return "stopping";
    try {
      co_await store::read(*database_, [](store::ReadTx& tx) { return tx.query(kProbe).size(); });
    } catch (const EnvironmentError& error) {
      log::warn("node.not_ready", {{"error", error.what()}});
      co_return "the store is not available";
    }
    co_return failed_writes_ < kFailedWritesMin ? std::string() : "the store takes no writes";
  }

  // A disk may be full, or a server a replica, while everything can be read. Beside the requests to /readyz:
  // those are answered while writes wait. Every transaction that commits writes, whatever its body does.
  asio::awaitable<void> probe_writing() {
    try {
      co_await store::write(*database_, [](store::Tx& tx) { return tx.query(kProbe).size(); });
    } catch (const store::Unavailable& error) {
      if (++failed_writes_ == kFailedWritesMin) log::warn("node.cannot_write", {{"error", error.what()}});
      co_return;
    }
    if (failed_writes_.exchange(0) >= kFailedWritesMin) log::info("node.can_write");
  }

  template <class T>
  static bool ended(std::future<T>& future, steady_clock::time_point deadline, std::string_view what) {
    if (future.wait_until(deadline) == std::future_status::ready) return true;
    log::warn("node.not_drained", {{"part", what}});
    return false;
  }

  // In the order of construction: what stands lower may use what stands higher.
  const Config& config_;
  const Clock& clock_;
  std::unique_ptr<StoreLock> lock_;  // before the schema is changed under another server
  std::unique_ptr<store::Database> database_;
  bool embedded_;
  Instruments instruments_;
  asio::io_context io_;
  asio::thread_pool files_{kFileThreads};
  asio::thread_pool readers_{kReaderThreads};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  std::unique_ptr<provider::Transport> transport_;
  std::unique_ptr<provider::ReceiptFile> receipts_;
  std::unique_ptr<DomainSigner> signer_;
  Wakes wakes_;
  EventsOut events_out_;
  agent::ws::Hub websockets_;
  provider::loopback::SendStep send_;
  provider::Dispatcher dispatcher_;
  provider::Notifier notifier_;
  ExpiryWorker expiry_;
  Periodic expiry_loop_;
  Janitor janitor_;
  Periodic janitor_loop_;
  rest::Server server_;
  rest::Api api_;
  FeedbackIntake feedback_;
  ReviewLinks review_links_;
  MailIn mail_in_;
  Periodic gauge_loop_;
  Periodic write_probe_;
  std::unique_ptr<console::Console> console_;
  net::HttpServer http_;
  asio::signal_set signals_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> failed_writes_ = 0;  // one after the other, up to now
  std::future<int> signalled_;
  std::future<void> mail_in_done_;
  std::future<void> dispatcher_done_;
  std::future<void> notifier_done_;
  std::future<void> events_out_done_;
  std::future<void> websockets_done_;
  std::future<void> expiry_done_;
  std::future<void> janitor_done_;
  std::future<void> feedback_done_;
  std::future<void> gauges_done_;
  std::future<void> write_probe_done_;
  std::vector<std::thread> threads_;
};

Node::Node(const Config& config, const Clock& clock) : impl_(std::make_unique<Impl>(config, clock)) {}
Node::~Node() = default;

void Node::start() { impl_->start(); }
std::uint16_t Node::port() const noexcept { return impl_->port(); }
std::string Node::setup_link() { return impl_->setup_link(); }
std::uint16_t Node::smtp_port() const noexcept { return impl_->smtp_port(); }
void Node::wait_for_signal() { impl_->wait_for_signal(); }
bool Node::stop(std::chrono::milliseconds patience) { return impl_->stop(patience); }

}  // namespace countersign::daemon
