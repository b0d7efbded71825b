// What a deployment may decide: settings with their defaults, where each came from, and the reference that is
// generated from the same table (docs/config.md).
//
// A setting is looked for in this order: flag (`--set key=value`), environment (`COUNTERSIGN_` + the key in
// upper case with `_` for `.`), file (TOML), default. Everything that is wrong is reported at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "net/networks.hpp"

namespace countersign::daemon {

enum class Provider : std::uint8_t { maildir, smtp, ses, resend };
enum class ReturnPath : std::uint8_t { per_message, plain };
enum class DetectorFailure : std::uint8_t { review, ignore };
enum class OnUnseen : std::uint8_t { reject, approve };
enum class SmtpTls : std::uint8_t { none, opportunistic, starttls, implicit };

/// The settings, checked and complete. docs/config.md says what each means.
struct Config {
  std::string data_dir;
  struct Store {
    std::string url;
    int connections = 0;
    int readers = 0;
    int group_max = 0;
    int queue_max = 0;
    std::chrono::milliseconds deadline{};
    bool signals = true;
  } store;
  struct Http {
    std::string address;  // numeric, without brackets
    std::uint16_t port = 0;
    int threads = 0;
    std::string public_url;  // without trailing slash; may be empty
    std::size_t connections_max = 0;
    bool metrics = false;
  } http;
  std::string shared_domain;  // lower case; empty: no agents on a shared domain
  struct Outbound {
    std::string from_domain;
    Provider provider = Provider::maildir;
    std::string maildir;
    ReturnPath return_path = ReturnPath::per_message;
  } outbound;
  struct Feedback {
    std::vector<std::string> sns_topic_arns;
    std::string sns_ca_file;
    std::string sns_stand_in_for_tests;  // HOST[:PORT]
    std::string sns_stand_in_for_tests_ca_file;
    std::string bounce_maildir;  // empty: off
    std::chrono::milliseconds bounce_poll_interval{};
  } feedback;
  /// Receiving mail.
  struct Inbound {
    std::string address;  // numeric, without brackets; empty: off
    std::uint16_t port = 0;
    std::string tls_address;  // implicit TLS; empty: off
    std::uint16_t tls_port = 0;
    std::string lmtp_address;  // empty: off
    std::uint16_t lmtp_port = 0;
    std::string host_name;
    std::string tls_certificate_file;
    std::string tls_key_file;
    std::uint64_t message_bytes_max = 0;
    std::size_t recipients_max = 0;
    std::size_t connections_max = 0;
    std::size_t connections_per_address_max = 0;
    net::Networks proxies;
    std::chrono::milliseconds timeout{};
    int batch = 0;
    std::chrono::seconds lease{};
    std::chrono::milliseconds poll_interval{};
  } inbound;
  struct Dns {
    std::vector<std::string> servers;  // ADDRESS or ADDRESS@PORT; empty: the system's
    std::vector<std::string> local_data;
    std::chrono::milliseconds timeout{};
  } dns;
  struct Screening {
    bool enabled = true;
    std::string detector_url;  // empty: nobody is asked
    std::string detector_model;
    std::string detector_api_key;  // from screening.detector_api_key or …_file
    std::string detector_api_key_file;
    std::string detector_ca_file;
    std::chrono::milliseconds detector_timeout{};
    std::size_t detector_bytes_max = 0;
    DetectorFailure detector_failure = DetectorFailure::review;
  } screening;
  struct Loops {
    std::chrono::seconds window{};
    std::int64_t replies_max = 0;
    std::int64_t automatic_replies_max = 0;
  } loops;
  /// Telling reviewers of holds.
  struct Notifications {
    bool enabled = true;
    std::string from;  // a mailbox
    OnUnseen on_unseen = OnUnseen::reject;
    std::chrono::seconds reaction{};
    std::chrono::seconds gather{};
    std::chrono::milliseconds retry_first{};
    std::chrono::seconds lease{};
    std::chrono::milliseconds poll_interval{};
    std::int64_t links_per_minute = 0;
  } notifications;
  struct Webhooks {
    bool allow_private_addresses = false;
    std::string ca_file;
    std::size_t in_flight_max = 0;
    std::size_t in_flight_per_webhook_max = 0;
    std::chrono::milliseconds timeout{};
    std::chrono::milliseconds retry_first{};
    std::chrono::seconds lease{};
    std::chrono::milliseconds poll_interval{};
  } webhooks;
  struct Websocket {
    std::size_t connections_max = 0;
    std::chrono::milliseconds ping_interval{};
    std::chrono::milliseconds pong_timeout{};
    std::chrono::milliseconds write_timeout{};
    std::chrono::milliseconds poll_interval{};
    std::chrono::milliseconds check_interval{};
    std::size_t message_bytes_max = 0;
    std::size_t frames_per_minute_max = 0;
  } websocket;
  struct Console {
    bool enabled = true;
    std::chrono::seconds session_idle{};
    std::chrono::seconds session_max{};
    std::int64_t attempts_per_person = 0;
    std::int64_t attempts_per_address = 0;
    std::uint32_t password_memory_kib = 0;
    std::size_t streams_max = 0;
  } console;
  struct Smtp {
    std::string host;
    std::uint16_t port = 0;
    SmtpTls tls = SmtpTls::starttls;
    bool verify = true;
    std::string ca_file;
    std::string tls_name;
    std::string helo_name;
    std::string username;
    std::string password;  // from smtp.password or smtp.password_file
    std::string password_file;
    bool auth_without_tls = false;
    bool ses = false;  // the relay is Amazon SES
    std::size_t connections_max = 0;
    std::size_t messages_per_connection_max = 0;
    std::chrono::milliseconds connect_timeout{};
    std::chrono::milliseconds tls_timeout{};
    std::chrono::milliseconds command_timeout{};
    std::chrono::milliseconds data_block_timeout{};
    std::chrono::milliseconds final_dot_timeout{};
    std::chrono::milliseconds idle_timeout{};
  } smtp;
  /// What is Amazon's concern, over its API and over its SMTP endpoint.
  struct Ses {
    std::string region;
    std::string endpoint;  // empty: the region's
    std::string access_key_id;
    std::string secret_access_key;  // from ses.secret_access_key or ses.secret_access_key_file
    std::string secret_access_key_file;
    std::string session_token;
    std::string configuration_set;
    std::string ca_file;
    std::string container_url;  // from AWS_CONTAINER_CREDENTIALS_… only
    std::string container_token;
    std::string metadata_url;
    std::chrono::milliseconds answer_timeout{};
  } ses;
  struct Resend {
    std::string api_key;  // from resend.api_key or resend.api_key_file
    std::string api_key_file;
    std::string endpoint;
    std::string ca_file;
    std::chrono::milliseconds answer_timeout{};
  } resend;
  struct Dispatcher {
    std::chrono::seconds lease{};
    int batch = 0;
    std::chrono::milliseconds poll_interval{};
  } dispatcher;
  std::chrono::milliseconds expiry_poll_interval{};
  struct RateLimits {
    std::int64_t poll_per_minute = 0;
    std::int64_t registration_per_hour = 0;
    std::int64_t send_per_minute = 0;
  } rate_limits;
  struct Limits {
    std::string plan_code;
    std::int64_t agents_max = 0;
    std::int64_t domains_max = 0;
    std::int64_t messages_month_max = 0;
    std::int64_t storage_bytes_max = 0;
  } limits;
  std::string signing_secret;  // from signing.secret or …_file; empty: see load_signing_secret
  std::string signing_secret_file;
  std::chrono::days trash_retention{};
  struct Retention {
    std::chrono::days deliveries{};
    std::chrono::days notifications{};
    std::chrono::seconds sweep_interval{};
  } retention;
  struct Log {
    log::Level level = log::Level::info;
    log::Format format = log::Format::text;
  } log;
  std::chrono::seconds stop_timeout{};
};

/// Where settings may come from.
struct ConfigSources {
  std::optional<std::string> file;                 // path of a TOML file; it must exist
  std::map<std::string, std::string> environment;  // every variable; those not ours are ignored
  std::vector<std::string> flags;                  // "key=value"
};

/// A setting as it stands, for people. Secrets read `***`.
struct EffectiveSetting {
  std::string key;
  std::string value;   // as in TOML
  std::string origin;  // "default", "FILE:LINE", "environment", "flag"; of a secret from its file: its key
};

struct LoadedConfig {
  Config config;
  std::vector<EffectiveSetting> settings;  // in the order of the reference
};

/// Reads, checks and completes the settings. Effects: reads the file and the files that hold secrets, nothing
/// else. Refuses with every fault found, each with its place: `countersign.toml:12: unknown key "smtp.hots";
/// did you mean "smtp.host"?`. Never contains the value of a secret.
[[nodiscard]] Result<LoadedConfig, std::vector<std::string>> load_config(const ConfigSources& sources);

/// The secret that signs and seals (signing.secret in docs/config.md): the setting's, else the content of
/// `<data_dir>/secret`, which is made (mode 0600, durable) when it does not exist. Processes that start
/// together get the same one. Throws EnvironmentError when the file cannot be read or written, or is shorter
/// than 32 bytes.
[[nodiscard]] std::string load_signing_secret(const Config& config);

/// The reference, as docs/config.md holds it.
[[nodiscard]] std::string config_markdown();
/// The same for a terminal.
[[nodiscard]] std::string config_help();

}  // namespace countersign::daemon
