// `countersign serve`.
#include <csignal>
#include <cstdlib>

#include "base/error.hpp"
#include "base/fault.hpp"
#include "base/log.hpp"
#include "daemon/at_start.hpp"
#include "daemon/commands.hpp"
#include "daemon/node.hpp"
#include "daemon/websockets.hpp"
#include "store/open.hpp"

namespace countersign::daemon {
namespace {

// Says plainly where mail for the outside goes.
void announce(const Config& config, std::uint16_t port, std::uint16_t smtp_port) {
  log::info("node.serving", {{"url", "http://" + authority_of(config.http.address, port)},
                             {"store", store::without_secret(config.store.url)},
                             {"shared_domain", config.shared_domain}});
  if (!config.inbound.address.empty()) {
    log::info("node.receiving", {{"address", config.inbound.address},
                                 {"port", static_cast<int>(smtp_port)},
                                 {"host_name", config.inbound.host_name},
                                 {"starttls", config.inbound.tls_certificate_file.empty() ? "no" : "yes"}});
  }
  if (!config.feedback.sns_stand_in_for_tests.empty()) {
    log::warn("node.sns_stand_in",
              {{"authority", config.feedback.sns_stand_in_for_tests},
               {"note",
                "feedback.sns_stand_in_for_tests is set: whoever holds that host can invent feedback; "
                "never set it where mail is real"}});
  }
  switch (config.outbound.provider) {
    case Provider::maildir:
      log::warn("node.no_relay",
                {{"maildir", config.outbound.maildir},
                 {"note",
                  "no relay is configured: mail for the outside is written to this Maildir and "
                  "leaves the machine never; set smtp.host to send it"}});
      return;
    case Provider::smtp:
      log::info("node.relay", {{"host", config.smtp.host}, {"port", static_cast<int>(config.smtp.port)}});
      break;
    case Provider::ses:
      log::info("node.ses", {{"region", config.ses.region},
                             {"endpoint", config.ses.endpoint},
                             {"configuration_set", config.ses.configuration_set}});
      break;
    case Provider::resend:
      log::info("node.resend", {{"endpoint", config.resend.endpoint}});
      return;
  }
  const bool ses = config.outbound.provider == Provider::ses || config.smtp.ses;
  if (ses && config.ses.configuration_set.empty()) {
    log::warn("node.no_events",
              {{"note",
                "SES publishes nothing without a configuration set: a lost answer then stays "
                "unknown; set ses.configuration_set"}});
  }
}

// Whoever reads this line may become the first person of the console. A store that is away just now does not
// keep the node from serving.
void invite(const Config& config, Node& node) {
  std::string link;
  try {
    link = node.setup_link();
  } catch (const EnvironmentError& fault) {
    log::warn("console.no_setup_link", {{"error", fault.what()}, {"note", "the next start prints one"}});
  }
  if (link.empty()) return;
  if (link.starts_with('/')) link = "http://" + authority_of(config.http.address, node.port()) + link;
  log::info("console.setup", {{"link", link}, {"note", "open it in a browser to choose your password"}});
}

}  // namespace

int serve(const Config& config) {
  log::configure(config.log.level, config.log.format);
  fault::arm_from_environment();
  // Whoever read the log may have gone; a peer that has is told by its socket.
  std::signal(SIGPIPE, SIG_IGN);
  raise_file_limit();
  check_ca_files(config);
  const SystemClock clock;
  Node node(config, clock);
  node.start();
  announce(config, node.port(), node.smtp_port());
  warn_of_settings(config);
  invite(config, node);
  node.wait_for_signal();
  if (!node.stop(config.stop_timeout)) {
    // Something is still under way and holds on to parts of the node. All that counts is durable, and what is
    // not done is what a crash would leave: end without taking the node apart under it.
    std::_Exit(kExitOk);
  }
  return kExitOk;
}

}  // namespace countersign::daemon
