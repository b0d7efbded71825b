// Settings of sending, and of what providers report back.
#include <algorithm>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "daemon/setting_rows.hpp"
#include "provider/http_reply.hpp"
#include "provider/tags.hpp"

namespace countersign::daemon {
namespace {

constexpr std::array<std::string_view, 5> kProviders{"auto", "maildir", "smtp", "ses", "resend"};
constexpr std::array<std::string_view, 2> kReturnPaths{"per_message", "plain"};
constexpr std::array<std::string_view, 4> kTlsModes{"none", "opportunistic", "starttls", "implicit"};

std::string check_metadata_url(const std::string& value) {
  return value.starts_with("http://") && value.find_first_of(" \t\r\n?#@") == std::string::npos
             ? ""
             : "must be an http:// URL";
}

// SES API v2, CreateConfigurationSet: letters, digits, `_` and `-`, at most 64.
std::string check_configuration_set(const std::string& value) {
  return value.empty() || (provider::is_tag_value(value) && value.size() <= 64)
             ? ""
             : "must be letters, digits, _ and -, at most 64";
}

std::string check_region(const std::string& value) {
  return value.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos
             ? ""
             : "must be a region such as eu-central-1";
}

// arn:PARTITION:sns:REGION:ACCOUNT:NAME (Amazon SNS, "Topic ARN format").
std::string check_topic_arns(const std::string& value) {
  for (const std::string& entry : entries_of(value)) {
    const bool printable = entry.find_first_of(" \t\r\n") == std::string::npos;
    const bool fields = std::ranges::count(entry, ':') == 5 && entry.find(":sns:") != std::string::npos;
    if (!entry.starts_with("arn:") || !fields || !printable) {
      return "must be ARNs of SNS topics such as arn:aws:sns:eu-west-1:123456789012:ses-feedback, separated "
             "by commas";
    }
  }
  return "";
}

}  // namespace

std::vector<Setting> outbound_settings() {
  return {
      else_is(
          "`smtp` when `smtp.host` is set, else `maildir`",
          choice("outbound.provider", kProviders, 0,
                 "Who takes mail that leaves: a Maildir on this machine, the relay `smtp.host`, the API of "
                 "Amazon SES, or Resend.",
                 [](Config& c, std::int64_t v) {
                   CS_ASSERT(v >= 1);  // "auto" is settled before settings are applied
                   c.outbound.provider = static_cast<Provider>(v - 1);
                 })),
      else_is("the shared domain",
              text("outbound.from_domain", "", "Domain of From for agents whose own domain may not send.",
                   check_domain,
                   [](Config& c, const std::string& v) { c.outbound.from_domain = ascii_lower(v); })),
      else_is("`<data_dir>/outbound`",
              text("outbound.maildir", "", "Folder of the provider `maildir`.", check_any,
                   [](Config& c, const std::string& v) { c.outbound.maildir = v; })),
      choice("outbound.return_path", kReturnPaths, 0,
             "Envelope sender: one per message, so that bounces say which (`bounces+…@`, `agent+…@`), or "
             "`plain`.",
             [](Config& c, std::int64_t v) { c.outbound.return_path = static_cast<ReturnPath>(v); }),
      number("dispatcher.lease_seconds", 60, {1, 3600},
             "How long a claimed hand-over belongs to a worker that does not renew it.",
             [](Config& c, std::int64_t v) { c.dispatcher.lease = std::chrono::seconds(v); }),
      number("dispatcher.batch", 32, {1, 1000}, "Hand-overs claimed at a time.",
             [](Config& c, std::int64_t v) { c.dispatcher.batch = static_cast<int>(v); }),
      number("dispatcher.poll_interval_ms", 1000, {10, 3'600'000},
             "Longest pause between two looks at the queue.",
             [](Config& c, std::int64_t v) { c.dispatcher.poll_interval = std::chrono::milliseconds(v); }),
      number("expiry.poll_interval_ms", 1000, {10, 3'600'000},
             "Longest pause between two looks for holds whose time is up.",
             [](Config& c, std::int64_t v) { c.expiry_poll_interval = std::chrono::milliseconds(v); }),
  };
}

std::vector<Setting> relay_settings() {
  return {
      text("smtp.host", "", "The relay that takes mail for the world.", check_host,
           [](Config& c, const std::string& v) { c.smtp.host = v; }),
      number("smtp.port", 587, {1, 65'535}, "587 is submission; 465 with `implicit`; 25 between servers.",
             [](Config& c, std::int64_t v) { c.smtp.port = static_cast<std::uint16_t>(v); }),
      choice("smtp.tls", kTlsModes, 2,
             "`starttls` and `implicit` insist on TLS; `opportunistic` takes it when offered.",
             [](Config& c, std::int64_t v) { c.smtp.tls = static_cast<SmtpTls>(v); }),
      flag("smtp.verify", true, "Check the relay's certificate and its name.",
           [](Config& c, bool v) { c.smtp.verify = v; }),
      else_is("the system's", text("smtp.ca_file", "", "Authorities that may have signed it (PEM).",
                                   check_any, [](Config& c, const std::string& v) { c.smtp.ca_file = v; })),
      else_is("`smtp.host`", text("smtp.tls_name", "", "The name expected in the certificate.", check_host,
                                  [](Config& c, const std::string& v) { c.smtp.tls_name = v; })),
      else_is("this machine's name", text("smtp.helo_name", "", "The name given in EHLO.", check_domain,
                                          [](Config& c, const std::string& v) { c.smtp.helo_name = v; })),
      text("smtp.username", "", "Log in as (AUTH PLAIN or LOGIN); empty: do not.", check_any,
           [](Config& c, const std::string& v) { c.smtp.username = v; }),
      shown(Shown::hidden, text("smtp.password", "", "Its password.", check_any,
                                [](Config& c, const std::string& v) { c.smtp.password = v; })),
      text("smtp.password_file", "",
           "A file that holds the password instead; a final newline is dropped. It is read again at every "
           "login, so that a password may be changed under a running server.",
           check_any, [](Config& c, const std::string& v) { c.smtp.password_file = v; }),
      flag("smtp.auth_without_tls", false, "Allow the password to travel unencrypted.",
           [](Config& c, bool v) { c.smtp.auth_without_tls = v; }),
      flag("smtp.ses", false,
           "The relay is Amazon SES: mail carries our ids and `ses.configuration_set` in SES's own fields.",
           [](Config& c, bool v) { c.smtp.ses = v; }),
      number("smtp.connections_max", 4, {1, 256}, "Connections to the relay at a time.",
             [](Config& c, std::int64_t v) { c.smtp.connections_max = static_cast<std::size_t>(v); }),
      number("smtp.messages_per_connection_max", 100, {1, 100'000},
             "Messages before a connection is replaced.",
             [](Config& c, std::int64_t v) {
               c.smtp.messages_per_connection_max = static_cast<std::size_t>(v);
             }),
      number("smtp.connect_timeout_ms", 30'000, kTimeout, "To connect, per address.",
             [](Config& c, std::int64_t v) { c.smtp.connect_timeout = std::chrono::milliseconds(v); }),
      number("smtp.tls_timeout_ms", 120'000, kTimeout, "For the TLS handshake.",
             [](Config& c, std::int64_t v) { c.smtp.tls_timeout = std::chrono::milliseconds(v); }),
      number("smtp.command_timeout_ms", 300'000, kTimeout,
             "For the greeting and the answer to a command (RFC 5321 §4.5.3.2).",
             [](Config& c, std::int64_t v) { c.smtp.command_timeout = std::chrono::milliseconds(v); }),
      number("smtp.data_block_timeout_ms", 180'000, kTimeout,
             "For each block of the message to be taken (RFC 5321 §4.5.3.2.5).",
             [](Config& c, std::int64_t v) { c.smtp.data_block_timeout = std::chrono::milliseconds(v); }),
      number("smtp.final_dot_timeout_ms", 600'000, kTimeout,
             "For the answer to the whole message (RFC 5321 §4.5.3.2.6); later it counts as unknown.",
             [](Config& c, std::int64_t v) { c.smtp.final_dot_timeout = std::chrono::milliseconds(v); }),
      number("smtp.idle_timeout_ms", 60'000, kTimeout, "Before an unused connection is ended.",
             [](Config& c, std::int64_t v) { c.smtp.idle_timeout = std::chrono::milliseconds(v); }),
  };
}

std::vector<Setting> ses_settings() {
  return {
      else_is("`AWS_REGION`", text("ses.region", "", "Region of the SES account.", check_region,
                                   [](Config& c, const std::string& v) { c.ses.region = v; })),
      else_is("`https://email.<region>.amazonaws.com`",
              text("ses.endpoint", "", "Where the SES API v2 is reached, for instance a VPC endpoint.",
                   check_endpoint, [](Config& c, const std::string& v) { c.ses.endpoint = v; })),
      else_is("`AWS_ACCESS_KEY_ID`, a container's credentials, or the role of this machine (IMDSv2)",
              text("ses.access_key_id", "", "Access key of a user or role that may call ses:SendEmail.",
                   check_header_value, [](Config& c, const std::string& v) { c.ses.access_key_id = v; })),
      shown(Shown::hidden, text("ses.secret_access_key", "", "Its secret.", check_header_value,
                                [](Config& c, const std::string& v) { c.ses.secret_access_key = v; })),
      text("ses.secret_access_key_file", "",
           "A file that holds the secret instead; a final newline is dropped. It is read again at every "
           "message.",
           check_any, [](Config& c, const std::string& v) { c.ses.secret_access_key_file = v; }),
      shown(Shown::hidden,
            text("ses.session_token", "", "Goes with temporary credentials.", check_header_value,
                 [](Config& c, const std::string& v) { c.ses.session_token = v; })),
      text("ses.configuration_set", "",
           "The configuration set that publishes what becomes of a message; without one a lost answer stays "
           "unknown.",
           check_configuration_set, [](Config& c, const std::string& v) { c.ses.configuration_set = v; }),
      else_is("the system's",
              text("ses.ca_file", "", "Authorities that may have signed the endpoint's (PEM).", check_any,
                   [](Config& c, const std::string& v) { c.ses.ca_file = v; })),
      text("ses.metadata_url", "http://169.254.169.254", "The instance metadata service.", check_metadata_url,
           [](Config& c, const std::string& v) { c.ses.metadata_url = v; }),
      number("ses.answer_timeout_ms", 120'000, kTimeout,
             "For the whole request and its answer; later it counts as unknown.",
             [](Config& c, std::int64_t v) { c.ses.answer_timeout = std::chrono::milliseconds(v); }),
  };
}

std::vector<Setting> resend_settings() {
  return {
      shown(Shown::hidden, text("resend.api_key", "", "API key that may send.", check_header_value,
                                [](Config& c, const std::string& v) { c.resend.api_key = v; })),
      text(
          "resend.api_key_file", "",
          "A file that holds the key instead; a final newline is dropped. It is read again at every message.",
          check_any, [](Config& c, const std::string& v) { c.resend.api_key_file = v; }),
      text(
          "resend.endpoint", "https://api.resend.com", "Where the API is reached.",
          [](const std::string& v) { return v.empty() ? "must not be empty" : check_endpoint(v); },
          [](Config& c, const std::string& v) { c.resend.endpoint = v; }),
      else_is("the system's",
              text("resend.ca_file", "", "Authorities that may have signed the endpoint's (PEM).", check_any,
                   [](Config& c, const std::string& v) { c.resend.ca_file = v; })),
      number("resend.answer_timeout_ms", 60'000, kTimeout,
             "For the whole request and its answer; later the request is repeated with its key.",
             [](Config& c, std::int64_t v) { c.resend.answer_timeout = std::chrono::milliseconds(v); }),
  };
}

std::vector<Setting> feedback_settings() {
  return {
      text("feedback.sns_topic_arns", "",
           "Amazon SES: SNS topics whose notifications `POST /webhooks/ses` takes, by commas; empty: none.",
           check_topic_arns,
           [](Config& c, const std::string& v) { c.feedback.sns_topic_arns = entries_of(v); }),
      else_is("the system's",
              text("feedback.sns_ca_file", "",
                   "Authorities that SNS and its certificates are checked with (PEM).", check_any,
                   [](Config& c, const std::string& v) { c.feedback.sns_ca_file = v; })),
      text("feedback.bounce_maildir", "",
           "A Maildir into which a mail server delivers what comes to the return paths; empty: none is read.",
           check_any, [](Config& c, const std::string& v) { c.feedback.bounce_maildir = v; }),
      number(
          "feedback.bounce_poll_interval_ms", 5000, {10, 3'600'000}, "Pause between two looks into it.",
          [](Config& c, std::int64_t v) { c.feedback.bounce_poll_interval = std::chrono::milliseconds(v); }),
      text("feedback.sns_stand_in_for_tests", "",
           "For tests only: a HOST:PORT that may play SNS. Whoever holds it can invent feedback.", check_host,
           [](Config& c, const std::string& v) { c.feedback.sns_stand_in_for_tests = ascii_lower(v); }),
      text("feedback.sns_stand_in_for_tests_ca_file", "",
           "For tests only: the authority of that stand-in (PEM).", check_any,
           [](Config& c, const std::string& v) { c.feedback.sns_stand_in_for_tests_ca_file = v; }),
  };
}

}  // namespace countersign::daemon
