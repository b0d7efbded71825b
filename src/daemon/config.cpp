#include "daemon/config.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <numeric>
#include <utility>

#include "base/assert.hpp"
#include "base/secret_file.hpp"
#include "base/text.hpp"
#include "daemon/config_toml.hpp"
#include "daemon/settings.hpp"
#include "store/open.hpp"

namespace countersign::daemon {
namespace {

constexpr std::string_view kEnvironmentPrefix = "COUNTERSIGN_";
// Names in our name space that are no settings: the file's path, what tests use, and what Kubernetes adds to
// every container that stands beside a service called "countersign".
constexpr std::array<std::string_view, 5> kReservedEnvironment{"COUNTERSIGN_CONFIG", "COUNTERSIGN_FAULT",
                                                               "COUNTERSIGN_TEST_", "COUNTERSIGN_SERVICE_",
                                                               "COUNTERSIGN_PORT"};

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = std::exchange(row[j + 1], std::min({row[j] + 1, row[j + 1] + 1, replaced}));
    }
  }
  return row.back();
}

/// `; did you mean "x"?` for the nearest candidate, or nothing when none is near.
template <class Candidates, class Name>
std::string suggestion(std::string_view wrong, const Candidates& candidates, Name name) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, wrong.size() / 4) + 1;
  for (const auto& candidate : candidates) {
    const std::string text(name(candidate));
    const std::size_t distance = edit_distance(wrong, text);
    if (distance < best_distance) {
      best = text;
      best_distance = distance;
    }
  }
  return best.empty() ? "" : fmt::format("; did you mean \"{}\"?", best);
}

std::string quoted(const Setting& setting, std::string_view value) {
  return setting.shown == Shown::whole ? fmt::format(", not \"{}\"", value) : "";
}

struct Chosen {
  SettingValue value;
  std::string origin;
};

class Loader {
 public:
  Loader() {
    for (const Setting& setting : settings())
      chosen_.emplace(setting.key, Chosen{setting.fallback, "default"});
  }

  void read_file(const std::string& path);
  void read_environment(const std::map<std::string, std::string>& environment);
  void read_flags(const std::vector<std::string>& flags);
  void complete();
  void cross_check();
  void cross_check_apis();
  void cross_check_detector();

  [[nodiscard]] std::vector<std::string> take_faults() { return std::move(faults_); }
  [[nodiscard]] LoadedConfig result() const;

 private:
  void fault(std::string_view place, std::string_view message) {
    faults_.push_back(fmt::format("{}: {}", place, message));
  }
  void fault_at(std::string_view key, std::string_view message) {
    fault(chosen_.at(key).origin, fmt::format("{} {}", key, message));
  }
  void choose(const Setting& setting, SettingValue value, const std::string& place, std::string origin);
  void choose_text(const Setting& setting, const std::string& text, const std::string& place,
                   std::string origin);
  void take_secret_file(const std::string& secret_key);
  [[nodiscard]] std::string variable(const std::string& name) const;
  void take_variable(std::string_view key, const std::string& name);
  void take_aws_region();
  void take_aws_credentials();

  [[nodiscard]] const std::string& text(std::string_view key) const {
    return std::get<std::string>(chosen_.at(key).value);
  }
  [[nodiscard]] std::int64_t number(std::string_view key) const {
    return std::get<std::int64_t>(chosen_.at(key).value);
  }
  [[nodiscard]] bool flag(std::string_view key) const { return std::get<bool>(chosen_.at(key).value); }
  void derive(std::string_view key, std::string value) {
    if (text(key).empty()) chosen_.at(key).value = std::move(value);
  }

  std::map<std::string, std::string> environment_;
  std::string container_url_;
  std::string container_token_;
  std::map<std::string_view, Chosen> chosen_;
  std::vector<std::string> faults_;
};

// Takes a value of the right type if it is also in range.
void Loader::choose(const Setting& setting, SettingValue value, const std::string& place,
                    std::string origin) {
  if (setting.type == SettingType::number) {
    const std::int64_t number = std::get<std::int64_t>(value);
    if (number < setting.min || number > setting.max) {
      fault(place, fmt::format("{} must be {}, not {}", setting.key, describe_type(setting), number));
      return;
    }
  }
  if (setting.type == SettingType::text) {
    const std::string& text = std::get<std::string>(value);
    const std::string wrong = is_utf8(text) && text.find('\0') == std::string::npos
                                  ? setting.check(text)
                                  : "must be UTF-8 text without NUL";
    if (!wrong.empty()) {
      fault(place, fmt::format("{} {}{}", setting.key, wrong, is_utf8(text) ? quoted(setting, text) : ""));
      return;
    }
  }
  chosen_.at(setting.key) = {std::move(value), std::move(origin)};
}

// The same for a value that comes as text: from the environment, a flag, or a TOML string.
void Loader::choose_text(const Setting& setting, const std::string& text, const std::string& place,
                         std::string origin) {
  switch (setting.type) {
    case SettingType::text:
      choose(setting, text, place, std::move(origin));
      return;
    case SettingType::number: {
      std::int64_t number = 0;
      const char* const end = text.data() + text.size();
      const auto [rest, error] = std::from_chars(text.data(), end, number);
      if (error != std::errc() || rest != end) {
        fault(place,
              fmt::format("{} must be {}{}", setting.key, describe_type(setting), quoted(setting, text)));
        return;
      }
      choose(setting, number, place, std::move(origin));
      return;
    }
    case SettingType::flag:
      if (text != "true" && text != "false") {
        fault(place, fmt::format("{} must be true or false{}", setting.key, quoted(setting, text)));
        return;
      }
      choose(setting, text == "true", place, std::move(origin));
      return;
    case SettingType::choice: {
      const auto found = std::ranges::find(setting.choices, text);
      if (found == setting.choices.end()) {
        fault(place, fmt::format("{} must be one of {}{}{}", setting.key, describe_type(setting),
                                 quoted(setting, text), suggestion(text, setting.choices, std::identity{})));
        return;
      }
      choose(setting, std::int64_t{found - setting.choices.begin()}, place, std::move(origin));
      return;
    }
  }
}

void Loader::read_file(const std::string& path) {
  auto entries = read_toml(path);
  if (!entries) {
    faults_.push_back(std::move(entries.error()));
    return;
  }
  for (const TomlEntry& entry : *entries) {
    const std::string place = fmt::format("{}:{}", path, entry.line);
    const Setting* setting = find_setting(entry.key);
    if (setting == nullptr) {
      fault(place, fmt::format("unknown key \"{}\"{}", entry.key,
                               suggestion(entry.key, settings(), [](const Setting& s) { return s.key; })));
      continue;
    }
    const auto* text = std::get_if<std::string>(&entry.value);
    const auto* number = std::get_if<std::int64_t>(&entry.value);
    const auto* flag = std::get_if<bool>(&entry.value);
    if (text != nullptr && (setting->type == SettingType::text || setting->type == SettingType::choice)) {
      choose_text(*setting, *text, place, place);
    } else if (number != nullptr && setting->type == SettingType::number) {
      choose(*setting, *number, place, place);
    } else if (flag != nullptr && setting->type == SettingType::flag) {
      choose(*setting, *flag, place, place);
    } else {
      const auto* other = std::get_if<OtherToml>(&entry.value);
      const std::string_view found = text != nullptr     ? "text in quotes"
                                     : number != nullptr ? "a number"
                                     : flag != nullptr   ? "true or false"
                                                         : std::string_view(other->type);
      fault(place, fmt::format("{} must be {}, not {}", setting->key, describe_type(*setting), found));
    }
  }
}

void Loader::read_environment(const std::map<std::string, std::string>& environment) {
  environment_ = environment;
  for (auto it = environment.lower_bound(std::string(kEnvironmentPrefix));
       it != environment.end() && it->first.starts_with(kEnvironmentPrefix); ++it) {
    const std::string& name = it->first;
    if (std::ranges::any_of(kReservedEnvironment, [&](auto prefix) { return name.starts_with(prefix); }))
      continue;
    const auto table = settings();
    const auto setting =
        std::ranges::find_if(table, [&](const Setting& s) { return environment_name(s.key) == name; });
    if (setting == table.end()) {
      fault("environment",
            fmt::format("unknown variable {}{}", name,
                        suggestion(name, table, [](const Setting& s) { return environment_name(s.key); })));
      continue;
    }
    choose_text(*setting, it->second, fmt::format("environment {}", name), "environment");
  }
}

void Loader::read_flags(const std::vector<std::string>& flags) {
  for (const std::string& flag : flags) {
    const std::size_t equals = flag.find('=');
    const std::string key = flag.substr(0, equals);
    const std::string place = fmt::format("--set {}", key);
    if (equals == std::string::npos) {
      fault(place, "must be --set KEY=VALUE");
      continue;
    }
    const Setting* setting = find_setting(key);
    if (setting == nullptr) {
      fault(place, fmt::format("unknown key \"{}\"{}", key,
                               suggestion(key, settings(), [](const Setting& s) { return s.key; })));
      continue;
    }
    choose_text(*setting, flag.substr(equals + 1), place, "flag");
  }
}

// Where a provider stands in the choices of outbound.provider, of which the first is "auto".
std::int64_t number_of(Provider provider) { return static_cast<std::int64_t>(provider) + 1; }

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

// RFC 5321 §4.1.1.1 asks for the client's own name; a name that is no domain would be refused by the relay.
std::string own_host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  const std::string text = name.data();
  return text.empty() || !find_setting("smtp.helo_name")->check(text).empty() ? "localhost" : text;
}

// A secret that stands in the file named by `<secret_key>_file`.
void Loader::take_secret_file(const std::string& secret_key) {
  const std::string file_key = secret_key + "_file";
  const std::string path = text(file_key);
  if (path.empty()) return;
  if (!text(secret_key).empty()) {
    fault_at(file_key, fmt::format("and {} exclude each other", secret_key));
    return;
  }
  auto secret = read_secret_file(path);
  if (!secret) {
    fault_at(file_key, secret.error());
    return;
  }
  if (const std::string wrong = find_setting(secret_key)->check(*secret); !wrong.empty()) {
    fault_at(file_key, fmt::format("({}): what it holds {}", path, wrong));
    return;
  }
  chosen_.at(secret_key) = {std::move(*secret), file_key};
}

std::string Loader::variable(const std::string& name) const {
  const auto found = environment_.find(name);
  return found == environment_.end() ? std::string() : found->second;
}

// A variable that every AWS program reads, where our own settings say nothing.
void Loader::take_variable(std::string_view key, const std::string& name) {
  if (!text(key).empty() || variable(name).empty()) return;
  choose_text(*find_setting(key), variable(name), fmt::format("environment {}", name), "environment");
}

void Loader::take_aws_region() {
  take_variable("ses.region", "AWS_REGION");
  take_variable("ses.region", "AWS_DEFAULT_REGION");
}

void Loader::take_aws_credentials() {
  const bool nothing_set = text("ses.access_key_id").empty() && text("ses.secret_access_key").empty() &&
                           text("ses.secret_access_key_file").empty();
  if (!nothing_set) return;
  take_variable("ses.access_key_id", "AWS_ACCESS_KEY_ID");
  take_variable("ses.secret_access_key", "AWS_SECRET_ACCESS_KEY");
  take_variable("ses.session_token", "AWS_SESSION_TOKEN");
  container_token_ = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  container_url_ = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  const std::string relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  if (!relative.empty()) container_url_ = "http://169.254.170.2" + relative;
}

// Gives what was left empty the value it stands for.
void Loader::complete() {
  const std::string data_dir = text("data_dir");
  derive("store.url", fmt::format("sqlite:{}/countersign.db", data_dir));
  derive("outbound.maildir", fmt::format("{}/outbound", data_dir));
  derive("outbound.from_domain", text("shared_domain"));
  derive("notifications.from", fmt::format("Countersign <hitl-noreply@{}>", text("outbound.from_domain")));
  derive("smtp.tls_name", text("smtp.host"));
  derive("smtp.helo_name", own_host_name());
  derive("inbound.host_name", own_host_name());
  if (number("outbound.provider") == 0) {
    chosen_.at("outbound.provider").value =
        number_of(text("smtp.host").empty() ? Provider::maildir : Provider::smtp);
  }
  if (number("outbound.provider") == number_of(Provider::ses)) {
    take_aws_region();
    take_aws_credentials();
  } else if (number("outbound.provider") == number_of(Provider::smtp) && flag("smtp.ses")) {
    take_aws_region();
  }
  for (const char* key : {"signing.secret", "smtp.password", "ses.secret_access_key", "resend.api_key",
                          "screening.detector_api_key"}) {
    take_secret_file(key);
  }
}

void Loader::cross_check_apis() {
  if (number("outbound.provider") == number_of(Provider::ses)) {
    if (text("ses.region").empty()) {
      fault_at("outbound.provider", "is \"ses\", and neither ses.region nor AWS_REGION is set");
    }
    const bool id = !text("ses.access_key_id").empty();
    const bool secret = !text("ses.secret_access_key").empty() || !text("ses.secret_access_key_file").empty();
    if (id && !secret) {
      fault_at("ses.access_key_id", "needs ses.secret_access_key or ses.secret_access_key_file");
    }
    if (secret && !id) fault_at("ses.secret_access_key", "needs ses.access_key_id");
  }
  if (number("outbound.provider") == number_of(Provider::resend) && text("resend.api_key").empty() &&
      text("resend.api_key_file").empty()) {
    fault_at("outbound.provider", "is \"resend\", and neither resend.api_key nor resend.api_key_file is set");
  }
}

void Loader::cross_check_detector() {
  if (text("screening.detector_url").empty()) return;
  if (text("screening.detector_model").empty()) {
    fault_at("screening.detector_url", "needs screening.detector_model");
  }
  // A claim that ends while somebody is asked would be worked on twice.
  if (number("screening.detector_timeout_ms") * 2 > number("inbound.lease_seconds") * 1000) {
    fault_at("screening.detector_timeout_ms", "must be at most half of inbound.lease_seconds");
  }
}

void Loader::cross_check() {
  cross_check_apis();
  cross_check_detector();
  const bool relay = number("outbound.provider") == number_of(Provider::smtp);
  if (relay && text("smtp.host").empty())
    fault_at("outbound.provider", "is \"smtp\", and smtp.host is not set");
  if (text("outbound.from_domain").empty()) {
    fault_at("outbound.from_domain", "must be set where shared_domain is empty");
  }
  const bool stand_in = !text("feedback.sns_stand_in_for_tests").empty();
  if (stand_in == text("feedback.sns_stand_in_for_tests_ca_file").empty()) {
    fault_at("feedback.sns_stand_in_for_tests",
             "and feedback.sns_stand_in_for_tests_ca_file need each other");
  }
  if (text("inbound.tls_certificate_file").empty() != text("inbound.tls_key_file").empty()) {
    fault_at("inbound.tls_certificate_file", "and inbound.tls_key_file need each other");
  }
  if (!text("inbound.tls_listen").empty() && text("inbound.tls_certificate_file").empty()) {
    fault_at("inbound.tls_listen", "needs inbound.tls_certificate_file");
  }
  const bool username = !text("smtp.username").empty();
  const bool password = !text("smtp.password").empty();
  if (username && !password && text("smtp.password_file").empty()) {
    fault_at("smtp.username", "needs smtp.password or smtp.password_file");
  }
  if (password && !username) fault_at("smtp.password", "needs smtp.username");
  const bool clear = number("smtp.tls") == static_cast<std::int64_t>(SmtpTls::none);
  if (relay && username && clear && !flag("smtp.auth_without_tls") && !is_loopback(text("smtp.host"))) {
    fault_at("smtp.tls",
             "is \"none\": the password would travel unencrypted; smtp.auth_without_tls allows it");
  }
}

std::string shown_value(const Setting& setting, const SettingValue& value) {
  if (setting.shown == Shown::whole) return to_toml(setting, value);
  const std::string& text = std::get<std::string>(value);
  if (setting.shown == Shown::without_password) return to_toml(setting, store::without_secret(text));
  return text.empty() ? "\"\"" : "\"***\"";
}

LoadedConfig Loader::result() const {
  LoadedConfig loaded;
  loaded.config.ses.container_url = container_url_;
  loaded.config.ses.container_token = container_token_;
  for (const Setting& setting : settings()) {
    const Chosen& chosen = chosen_.at(setting.key);
    if (const auto* apply_text = std::get_if<ApplyText>(&setting.apply)) {
      (*apply_text)(loaded.config, std::get<std::string>(chosen.value));
    } else if (const auto* apply_number = std::get_if<ApplyNumber>(&setting.apply)) {
      (*apply_number)(loaded.config, std::get<std::int64_t>(chosen.value));
    } else {
      std::get<ApplyFlag>(setting.apply)(loaded.config, std::get<bool>(chosen.value));
    }
    loaded.settings.push_back({std::string(setting.key), shown_value(setting, chosen.value), chosen.origin});
  }
  return loaded;
}

}  // namespace

Result<LoadedConfig, std::vector<std::string>> load_config(const ConfigSources& sources) {
  Loader loader;
  if (sources.file) loader.read_file(*sources.file);
  loader.read_environment(sources.environment);
  loader.read_flags(sources.flags);
  loader.complete();
  loader.cross_check();
  std::vector<std::string> faults = loader.take_faults();
  if (!faults.empty()) return unexpected(std::move(faults));
  return loader.result();
}

}  // namespace countersign::daemon
