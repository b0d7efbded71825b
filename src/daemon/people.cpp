#include "daemon/people.hpp"

#include "daemon/transport.hpp"
#include "daemon/version.hpp"

namespace countersign::daemon {

console::PasswordCost password_cost(const Config& config) {
  console::PasswordCost cost;
  cost.memory_kib = config.console.password_memory_kib;
  return cost;
}

std::unique_ptr<console::Console> make_console(const Config& config, store::Database& database,
                                               const Clock& clock, agent::rest::Server& server,
                                               Instruments& instruments, std::function<void()> committed) {
  if (!config.console.enabled) return nullptr;
  console::ConsoleSettings settings;
  settings.public_url = config.http.public_url;
  settings.shared_domain = config.shared_domain;
  settings.version = kVersion;
  settings.secret = load_signing_secret(config);
  settings.transport = transport_name(config);
  settings.limits = {config.limits.agents_max, config.limits.domains_max, config.limits.messages_month_max,
                     config.limits.storage_bytes_max};
  settings.plan_code = config.limits.plan_code;
  settings.screening = config.screening.enabled;
  settings.session_idle = config.console.session_idle;
  settings.session_max = config.console.session_max;
  settings.attempts_per_person.attempts_max = config.console.attempts_per_person;
  settings.attempts_per_address.attempts_max = config.console.attempts_per_address;
  settings.password_cost = password_cost(config);
  settings.streams_max = config.console.streams_max;
  settings.api = [&server](net::Request request, console::Grant grant) {
    agent::rest::SessionCaller caller{std::move(grant.token_hash), std::move(grant.user_id), grant.exempt,
                                      grant.undo_for};
    return server.respond(std::move(request), std::move(caller));
  };
  settings.api_body_bytes_max = [&server](std::string_view method, std::string_view path) {
    return server.body_bytes_max(method, path);
  };
  settings.committed = std::move(committed);
  settings.finished = [&instruments](std::string_view operation, int status, std::chrono::microseconds took) {
    instruments.request(operation, status, took);
  };
  return std::make_unique<console::Console>(database, clock, std::move(settings));
}

net::HttpService with_console(net::HttpService api, console::Console* console) {
  if (console == nullptr) return api;
  net::HttpService both = api;
  both.respond = [api = api.respond, console](net::Request request) {
    return console::Console::owns(request.path) ? console->respond(std::move(request))
                                                : api(std::move(request));
  };
  both.body_bytes_max = [api = api.body_bytes_max, console](std::string_view method, std::string_view path) {
    return console::Console::owns(path) ? console->body_bytes_max(method, path) : api(method, path);
  };
  return both;
}

}  // namespace countersign::daemon
