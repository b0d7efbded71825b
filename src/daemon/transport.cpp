#include "daemon/transport.hpp"

#include "base/assert.hpp"
#include "provider/maildir/maildir_transport.hpp"
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

smtp::RelayOptions relay_options(const Config::Smtp& config) {
  smtp::RelayOptions options;
  options.host = config.host;
  options.port = config.port;
  options.tls = tls_mode(config.tls);
  options.tls_verify = config.verify;
  options.tls_ca_file = config.ca_file;
  options.tls_name = config.tls_name;
  options.username = config.username;
  options.password = config.password;
  options.auth_without_tls = config.auth_without_tls;
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

}  // namespace

std::unique_ptr<provider::Transport> make_transport(const Config& config,
                                                    boost::asio::any_io_executor executor,
                                                    boost::asio::thread_pool& files) {
  switch (config.outbound.provider) {
    case Provider::smtp:
      return std::make_unique<smtp::SmtpTransport>(std::move(executor), relay_options(config.smtp));
    case Provider::maildir:
      return std::make_unique<provider::maildir::MaildirTransport>(config.outbound.maildir, files);
  }
  CS_ASSERT(false);
}

}  // namespace countersign::daemon
