#include "daemon/transport.hpp"

#include "base/assert.hpp"
#include "provider/maildir/maildir_transport.hpp"
#include "provider/resend/resend_transport.hpp"
#include "provider/ses/ses_transport.hpp"
#include "provider/smtp/smtp_transport.hpp"

namespace countersign::daemon {
namespace {

namespace smtp = provider::smtp;

smtp::TlsMode tls_mode(SmtpTls tls) {
  switch (tls) {
    case SmtpTls::none:
      return smtp::TlsMode::none;
    case SmtpTls::opportunistic:
      return smtp::TlsMode::opportunistic;
    case SmtpTls::starttls:
      return smtp::TlsMode::starttls;
    case SmtpTls::implicit:
      return smtp::TlsMode::implicit;
  }
  CS_ASSERT(false);
}

smtp::RelayOptions relay_options(const Config::Smtp& config, const Config::Ses& ses) {
  smtp::RelayOptions options;
  options.host = config.host;
  options.port = config.port;
  options.tls = tls_mode(config.tls);
  options.tls_verify = config.verify;
  options.tls_ca_file = config.ca_file;
  options.tls_name = config.tls_name;
  options.username = config.username;
  options.password = config.password;
  options.password_file = config.password_file;
  options.auth_without_tls = config.auth_without_tls;
  if (config.ses) options.ses_configuration_set = ses.configuration_set;
  options.helo_name = config.helo_name;
  options.connections_max = config.connections_max;
  options.messages_per_connection_max = config.messages_per_connection_max;
  options.deadlines.connect = config.connect_timeout;
  options.deadlines.tls = config.tls_timeout;
  options.deadlines.greeting = config.command_timeout;
  options.deadlines.hello = config.command_timeout;
  options.deadlines.auth = config.command_timeout;
  options.deadlines.mail = config.command_timeout;
  options.deadlines.rcpt = config.command_timeout;
  options.deadlines.data = config.command_timeout;
  options.deadlines.data_block = config.data_block_timeout;
  options.deadlines.final_dot = config.final_dot_timeout;
  options.deadlines.idle = config.idle_timeout;
  return options;
}

provider::ses::SesOptions ses_options(const Config::Ses& config) {
  provider::ses::SesOptions options;
  options.region = config.region;
  options.http.endpoint = config.endpoint;
  options.http.ca_file = config.ca_file;
  options.http.total_timeout = config.answer_timeout;
  options.configuration_set = config.configuration_set;
  options.credentials.fixed = {config.access_key_id, config.secret_access_key, config.session_token};
  options.credentials.fixed_secret_file = config.secret_access_key_file;
  options.credentials.container_url = config.container_url;
  options.credentials.container_token = config.container_token;
  options.credentials.metadata_url = config.metadata_url;
  return options;
}

provider::resend::ResendOptions resend_options(const Config::Resend& config) {
  provider::resend::ResendOptions options;
  options.http.endpoint = config.endpoint;
  options.http.ca_file = config.ca_file;
  options.http.total_timeout = config.answer_timeout;
  options.api_key = config.api_key;
  options.api_key_file = config.api_key_file;
  return options;
}

}  // namespace

std::string_view transport_name(const Config& config) {
  switch (config.outbound.provider) {
    case Provider::maildir:
      return "maildir";
    case Provider::smtp:
      return "smtp";
    case Provider::ses:
      return "ses";
    case Provider::resend:
      return "resend";
  }
  CS_ASSERT(false);
}

std::unique_ptr<provider::Transport> make_transport(const Config& config,
                                                    boost::asio::any_io_executor executor,
                                                    boost::asio::thread_pool& files, const Clock& clock) {
  switch (config.outbound.provider) {
    case Provider::smtp:
      return std::make_unique<smtp::SmtpTransport>(std::move(executor),
                                                   relay_options(config.smtp, config.ses));
    case Provider::ses:
      return std::make_unique<provider::ses::SesTransport>(std::move(executor), ses_options(config.ses),
                                                           clock);
    case Provider::resend:
      return std::make_unique<provider::resend::ResendTransport>(std::move(executor),
                                                                 resend_options(config.resend));
    case Provider::maildir:
      return std::make_unique<provider::maildir::MaildirTransport>(config.outbound.maildir, files);
  }
  CS_ASSERT(false);
}

}  // namespace countersign::daemon
