#include "base/fault.hpp"

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>

#include "base/error.hpp"

namespace countersign::fault {
namespace {

struct Armed {
  int remaining = 0;
  Action action = Action::throw_error;
  std::function<void()> call;
};

struct State {
  std::mutex mutex;
  std::map<std::string, Armed, std::less<>> armed;
  std::vector<std::string> passed;
};

constexpr std::size_t kPassedMax = 100'000;

State& state() {
  static State instance;
  return instance;
}

[[noreturn]] void bad_setting(std::string_view text) {
  throw EnvironmentError("COUNTERSIGN_FAULT: expected name[@n]=kill|throw, got '" + std::string(text) + "'",
                         false);
}

void arm_one(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) bad_setting(text);
  std::string_view name = text.substr(0, equals);
  const std::string_view action = text.substr(equals + 1);
  int nth = 1;
  if (const auto at = name.find('@'); at != std::string_view::npos) {
    const std::string_view number = name.substr(at + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), nth);
    if (error != std::errc() || end != number.data() + number.size() || nth < 1) bad_setting(text);
    name = name.substr(0, at);
  }
  if (action == "kill") {
    arm(name, nth, Action::kill);
  } else if (action == "throw") {
    arm(name, nth, Action::throw_error);
  } else {
    bad_setting(text);
  }
}

}  // namespace

void arm(std::string_view name, int nth, Action action, std::function<void()> call) {
  const std::lock_guard lock(state().mutex);
  state().armed[std::string(name)] = Armed{nth, action, std::move(call)};
}

void reset() {
  const std::lock_guard lock(state().mutex);
  state().armed.clear();
  state().passed.clear();
}

std::vector<std::string> passed() {
  const std::lock_guard lock(state().mutex);
  return state().passed;
}

void arm_from_environment() {
  const char* setting = std::getenv("COUNTERSIGN_FAULT");
  if (setting == nullptr) return;
  std::string_view rest = setting;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    arm_one(rest.substr(0, comma));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
}

void point(std::string_view name) {
  std::function<void()> call;
  Action action{};
  {
    State& s = state();
    const std::lock_guard lock(s.mutex);
    if (s.passed.size() < kPassedMax) s.passed.emplace_back(name);
    const auto found = s.armed.find(name);
    if (found == s.armed.end() || --found->second.remaining > 0) return;
    action = found->second.action;
    call = std::move(found->second.call);
    s.armed.erase(found);
  }
  switch (action) {
    case Action::throw_error:
      throw EnvironmentError("fault point " + std::string(name), true);
    case Action::kill:
      std::raise(SIGKILL);
      return;
    case Action::call:
      call();
      return;
  }
}

}  // namespace countersign::fault
