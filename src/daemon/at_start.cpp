#include "daemon/at_start.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <boost/asio/ssl/context.hpp>

#include "base/log.hpp"
#include "store/open.hpp"

namespace countersign::daemon {
namespace {

// What stands there without being set.
constexpr std::string_view kTrialDomain = "agents.localhost";

void check_ca_file(std::string_view setting, const std::string& path) {
  if (path.empty()) return;
  boost::asio::ssl::context context(boost::asio::ssl::context::tls_client);
  boost::system::error_code error;
  context.load_verify_file(path, error);
  if (!error) return;
  throw EnvironmentError(
      fmt::format("{}: cannot read authorities (PEM) from {}: {}", setting, path, error.message()), false);
}

void warn_of_bounce_maildir(const std::string& path) {
  if (path.empty()) return;
  const std::string folder = path + "/new";
  if (::access(folder.c_str(), R_OK | W_OK | X_OK) == 0) return;
  log::warn(
      "node.no_bounce_maildir",
      {{"folder", folder},
       {"error", std::error_code(errno, std::generic_category()).message()},
       {"note",
        "feedback.bounce_maildir leads to no Maildir that this process can read and change: no bounce is "
        "taken from there"}});
}

}  // namespace

void check_ca_files(const Config& config) {
  check_ca_file("webhooks.ca_file", config.webhooks.ca_file);
  if (config.outbound.provider == Provider::ses) check_ca_file("ses.ca_file", config.ses.ca_file);
  if (config.outbound.provider == Provider::resend) check_ca_file("resend.ca_file", config.resend.ca_file);
  if (!config.screening.detector_url.empty()) {
    check_ca_file("screening.detector_ca_file", config.screening.detector_ca_file);
  }
  check_ca_file("feedback.sns_ca_file", config.feedback.sns_ca_file);
  check_ca_file("feedback.sns_stand_in_for_tests_ca_file", config.feedback.sns_stand_in_for_tests_ca_file);
}

void warn_of_settings(const Config& config) {
  warn_of_bounce_maildir(config.feedback.bounce_maildir);
  if (!store::file_of(config.store.url) && config.signing_secret.empty()) {
    log::warn("node.own_secret",
              {{"file", config.data_dir + "/secret"},
               {"note",
                "the secret is a file of this node alone, and other nodes open nothing that it sealed: give "
                "every node the same one with signing.secret_file"}});
  }
  if (config.outbound.provider == Provider::maildir) return;
  if (config.shared_domain == kTrialDomain) {
    log::warn(
        "node.trial_domain",
        {{"shared_domain", config.shared_domain},
         {"note",
          "mail leaves from a domain that exists nowhere: set shared_domain to one of yours, or to \"\""}});
  }
  if (config.notifications.enabled && config.http.public_url.empty()) {
    log::warn("node.no_public_url",
              {{"note",
                "mail to reviewers has no links to decide with: set http.public_url to where they reach this "
                "server"}});
  }
}

std::string authority_of(std::string_view address, std::uint16_t port) {
  const bool is_v6 = address.find(':') != std::string_view::npos;
  return is_v6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

void rethrow_with_setting(const EnvironmentError& error, std::span<const ListeningOn> places) {
  const std::string_view what = error.what();
  for (const ListeningOn& place : places) {
    if (!what.starts_with(fmt::format("cannot listen on {} port {}:", place.address, place.port))) continue;
    throw EnvironmentError(fmt::format("{}; choose another with --set {}=ADDRESS:PORT", what, place.setting),
                           error.retryable());
  }
  throw EnvironmentError(error);
}

}  // namespace countersign::daemon
