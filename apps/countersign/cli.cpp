#include "cli.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "daemon/commands.hpp"
#include "daemon/config.hpp"
#include "daemon/version.hpp"

namespace countersign::cli {
namespace {

constexpr const char* kAbout =
    "E-mail for software agents, with a human countersignature: held where policy says so, sent exactly as\n"
    "approved, once.";

constexpr const char* kExamples = R"(
Examples:
  countersign bootstrap you@example.com         an account, and its key (shown once)
  countersign serve                             embedded SQLite under ./data, API on 127.0.0.1:8080
  countersign serve --config countersign.toml
  countersign serve --set store.url=postgres://me@db/mail --set http.listen=0.0.0.0:8080
  countersign config                            the settings as they stand
  countersign check                             is every promise kept in this database?
  countersign unknown list                      hand-overs whose answer was lost
  countersign account set-password you@example.com   let a person into the console
  countersign dkim create example.com           a key that signs its mail, and the DNS record to publish

Exit status:
  0  done
  1  check found a violation; bootstrap, account, unknown or dkim was refused
  2  the command line or a setting is wrong
  3  store, disk or network failed, or there is no database yet

Every subcommand explains itself: countersign serve --help)";

constexpr const char* kSettingsFooter =
    "\nSettings come from --set, the environment (COUNTERSIGN_STORE_URL for store.url), the TOML file and\n"
    "defaults, in this order. `countersign config --list` describes them all.";

constexpr const char* kResolutions =
    "\n  sent        the provider has it: nothing is sent, the message counts as sent\n"
    "  send_again  hand it over once more; the recipient may get two copies\n"
    "  give_up     send nothing; the message counts as failed, although it may have arrived\n"
    "\nLook first: in the relay's log for the message's X-E2A-Message-ID, or ask the recipient.";

constexpr const char* kDkimFooter =
    "\nA key signs mail whose From is at its domain or below. All keys of a domain sign side by side: to "
    "replace\n"
    "one, create the new one, publish its record, and retire the old one when the record is there.";

struct Options {
  std::optional<std::string> file;
  std::vector<std::string> flags;
  std::string email;
  daemon::ResolveUnknown resolve;
  daemon::CreateDkimKey dkim;
  std::string selector;
  bool markdown = false;
  bool list = false;
};

void add_settings(CLI::App& command, Options& options) {
  command.add_option("-c,--config", options.file, "Read settings from this TOML file")
      ->type_name("FILE")
      ->envname("COUNTERSIGN_CONFIG");
  command.add_option("-s,--set", options.flags, "Set one setting; may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
}

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

/// The settings, or nothing after having said on `err` what is wrong with them.
std::optional<daemon::LoadedConfig> load(const Options& options, std::ostream& err) {
  auto loaded =
      daemon::load_config({.file = options.file, .environment = environment(), .flags = options.flags});
  if (loaded) return std::move(*loaded);
  for (const std::string& fault : loaded.error()) err << "countersign: " << fault << '\n';
  err << "countersign: nothing was started; `countersign config --list` describes the settings\n";
  return std::nullopt;
}

void print_settings(const daemon::LoadedConfig& loaded, std::ostream& out) {
  std::size_t width = 0;
  for (const auto& setting : loaded.settings) {
    width = std::max(width, setting.key.size() + setting.value.size() + 3);
  }
  for (const auto& setting : loaded.settings) {
    const std::string line = fmt::format("{} = {}", setting.key, setting.value);
    out << fmt::format("{:<{}}  # {}\n", line, width, setting.origin);
  }
}

struct Dkim {
  CLI::App* create;
  CLI::App* list;
  CLI::App* retire;
};

Dkim add_dkim(CLI::App& app, Options& options) {
  CLI::App* dkim = app.add_subcommand("dkim", "Keys that outgoing mail is signed with");
  dkim->require_subcommand(1);
  dkim->footer(kDkimFooter);
  Dkim out{};
  out.create = dkim->add_subcommand("create", "Make a key, and print the DNS record to publish");
  out.list = dkim->add_subcommand("list", "The keys and their DNS records");
  out.retire = dkim->add_subcommand("retire", "Sign nothing more with a key");
  for (CLI::App* command : {out.create, out.retire}) {
    command->add_option("domain", options.dkim.domain, "In ASCII, lower case")->required();
  }
  out.list->add_option("domain", options.dkim.domain, "Only this domain's");
  out.create->add_option("--algorithm", options.dkim.algorithm, "rsa (2048 bits; the default) or ed25519");
  out.retire->add_option("selector", options.selector, "As listed, such as e2a202611")->required();
  return out;
}

}  // namespace

int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  Options options;
  CLI::App app(kAbout, "countersign");
  app.footer(kExamples);
  app.require_subcommand(1);

  CLI::App* serve = app.add_subcommand(
      "serve", "Run the server: the API, the hand-over of approved mail, and the expiry of holds");
  serve->footer(
      std::string("\nSIGTERM, SIGINT and SIGHUP let what is in progress finish (stop_timeout_seconds);\n"
                  "a second one ends it at once. Settings are read at the start only.\n") +
      kSettingsFooter);
  CLI::App* bootstrap =
      app.add_subcommand("bootstrap", "Create an account and print its key, which is shown this once");
  bootstrap->add_option("email", options.email, "The account's address")->required()->type_name("EMAIL");
  bootstrap->footer(kSettingsFooter);
  CLI::App* account = app.add_subcommand("account", "People who use the console");
  account->require_subcommand(1);
  CLI::App* set_password = account->add_subcommand(
      "set-password",
      "Set a password, read from the terminal or from standard input; signs the person out "
      "everywhere");
  set_password->add_option("email", options.email, "The account's address")->required()->type_name("EMAIL");
  CLI::App* check = app.add_subcommand(
      "check", "Check the delivery invariants over the database and say what is violated; changes nothing");
  check->footer(kSettingsFooter);
  CLI::App* config = app.add_subcommand("config", "Print the settings as they stand; secrets read ***");
  CLI::Option* list = config->add_flag("--list", options.list, "Describe all settings instead");
  config->add_flag("--markdown", options.markdown, "The same as docs/config.md")->excludes(list);
  config->footer(kSettingsFooter);
  CLI::App* version = app.add_subcommand("version", "Print the version");
  CLI::App* unknown = app.add_subcommand(
      "unknown", "Hand-overs whose answer was lost: see them, and decide what each shall count as");
  unknown->require_subcommand(1);
  CLI::App* list_unknown = unknown->add_subcommand("list", "One line each, newest first");
  CLI::App* show_unknown = unknown->add_subcommand("show", "All that is known of one hand-over");
  CLI::App* resolve_unknown =
      unknown->add_subcommand("resolve", "Decide about one; exactly one decision counts");
  resolve_unknown->footer(kResolutions);
  for (CLI::App* command : {show_unknown, resolve_unknown}) {
    command->add_option("id", options.resolve.id, "The hand-over")->required()->type_name("sub_…");
  }
  resolve_unknown->add_option("--as", options.resolve.as, "sent, send_again or give_up")->required();
  resolve_unknown->add_option("--note", options.resolve.note, "Why, for the record");
  const Dkim dkim = add_dkim(app, options);
  for (CLI::App* command : {serve, bootstrap, set_password, check, config, list_unknown, show_unknown,
                            resolve_unknown, dkim.create, dkim.list, dkim.retire}) {
    add_settings(*command, options);
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, out, err) == 0 ? daemon::kExitOk : daemon::kExitUsage;
  }

  if (version->parsed()) {
    out << "countersign " << daemon::kVersion << '\n';
    return daemon::kExitOk;
  }
  if (options.list || options.markdown) {
    out << (options.markdown ? daemon::config_markdown() : daemon::config_help());
    return daemon::kExitOk;
  }
  const auto loaded = load(options, err);
  if (!loaded) return daemon::kExitUsage;
  if (config->parsed()) {
    print_settings(*loaded, out);
    return daemon::kExitOk;
  }
  log::configure(loaded->config.log.level, loaded->config.log.format);
  if (serve->parsed()) return daemon::serve(loaded->config);
  if (bootstrap->parsed()) return daemon::bootstrap(loaded->config, options.email, out, err);
  if (set_password->parsed()) return daemon::set_password(loaded->config, options.email, std::cin, out, err);
  if (dkim.create->parsed()) return daemon::create_dkim_key(loaded->config, options.dkim, out, err);
  if (dkim.list->parsed()) return daemon::list_dkim_keys(loaded->config, options.dkim.domain, out, err);
  if (dkim.retire->parsed()) {
    return daemon::retire_dkim_key(loaded->config, options.dkim.domain, options.selector, out, err);
  }
  if (list_unknown->parsed()) return daemon::list_unknown(loaded->config, out, err);
  if (show_unknown->parsed()) return daemon::show_unknown(loaded->config, options.resolve.id, out, err);
  if (resolve_unknown->parsed()) return daemon::resolve_unknown(loaded->config, options.resolve, out, err);
  return daemon::check(loaded->config, out);
}

}  // namespace countersign::cli
