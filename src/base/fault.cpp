#include "base/fault.hpp"

#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "base/error.hpp"

namespace countersign::fault {
namespace {

struct Armed {
  int remaining = 0;
  Action action = Action::throw_error;
  std::function<void()> call;
  std::optional<std::thread::id> thread;  // only its passages count
};

struct State {
  std::mutex mutex;
  std::map<std::string, Armed, std::less<>> armed;
  std::vector<std::string> passed;
  std::string file;  // empty: faults come from within, or from the environment at the start
};

constexpr std::size_t kPassedMax = 100'000;

State& state() {
  static State instance;
  return instance;
}

[[noreturn]] void bad_setting(std::string_view text) {
  throw EnvironmentError(
      "COUNTERSIGN_FAULT: expected [name>]name[@n]=kill|stop|throw, got '" + std::string(text) + "'", false);
}

Action action_of(std::string_view word, std::string_view text) {
  if (word == "kill") return Action::kill;
  if (word == "stop") return Action::stop;
  if (word == "throw") return Action::throw_error;
  bad_setting(text);
}

// `name`, `name@n`
std::pair<std::string_view, int> passage_of(std::string_view name, std::string_view text) {
  int nth = 1;
  if (const auto at = name.find('@'); at != std::string_view::npos) {
    const std::string_view number = name.substr(at + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), nth);
    if (error != std::errc() || end != number.data() + number.size() || nth < 1) bad_setting(text);
    name = name.substr(0, at);
  }
  if (name.empty()) bad_setting(text);
  return {name, nth};
}

void arm_one(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) bad_setting(text);
  const std::string_view names = text.substr(0, equals);
  const auto behind = names.rfind('>');
  const auto [name, nth] = passage_of(names.substr(behind == std::string_view::npos ? 0 : behind + 1), text);
  const Action action = action_of(text.substr(equals + 1), text);
  if (behind == std::string_view::npos) {
    arm(name, nth, action);
    return;
  }
  const auto [first, first_nth] = passage_of(names.substr(0, behind), text);
  arm(first, first_nth, Action::call, [then = std::string(name), passage = nth, action]() {
    // In the same thread: the COMMIT behind a point is that transaction's own.
    const std::lock_guard lock(state().mutex);
    state().armed[then] = Armed{passage, action, {}, std::this_thread::get_id()};
  });
}

// With the mutex held. Nothing, or the text of the file, which is gone afterwards.
std::string take_file(const State& s) {
  if (s.file.empty() || ::access(s.file.c_str(), F_OK) != 0) return {};
  std::ifstream in(s.file);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  std::error_code ignored;
  std::filesystem::remove(s.file, ignored);
  return text;
}

void note_in_file(const std::string& file, std::string_view name) {
  if (!file.empty()) std::ofstream(file + ".acted", std::ios::app) << name << std::endl;
}

}  // namespace

void arm(std::string_view name, int nth, Action action, std::function<void()> call) {
  const std::lock_guard lock(state().mutex);
  state().armed[std::string(name)] = Armed{nth, action, std::move(call), {}};
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

void arm_text(std::string_view rest) {
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    arm_one(rest.substr(0, comma));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
}

void arm_from_environment() {
  if (const char* file = std::getenv("COUNTERSIGN_FAULT_FILE")) {
    const std::lock_guard lock(state().mutex);
    state().file = file;
  }
  if (const char* setting = std::getenv("COUNTERSIGN_FAULT")) arm_text(setting);
}

void point(std::string_view name) {
  std::function<void()> call;
  Action action{};
  std::string file;
  State& s = state();
  {
    std::unique_lock lock(s.mutex);
    if (const std::string text = take_file(s); !text.empty()) {
      lock.unlock();
      arm_text(text);
      lock.lock();
    }
    if (s.passed.size() < kPassedMax) s.passed.emplace_back(name);
    const auto found = s.armed.find(name);
    if (found == s.armed.end()) return;
    if (found->second.thread && *found->second.thread != std::this_thread::get_id()) return;
    if (--found->second.remaining > 0) return;
    action = found->second.action;
    call = std::move(found->second.call);
    s.armed.erase(found);
    file = s.file;
  }
  if (action != Action::call) note_in_file(file, name);
  switch (action) {
    case Action::throw_error:
      throw EnvironmentError("fault point " + std::string(name), true);
    case Action::kill:
      std::raise(SIGKILL);
      return;
    case Action::stop:
      std::raise(SIGSTOP);
      return;
    case Action::call:
      call();
      return;
  }
}

}  // namespace countersign::fault
