#include "interop/relay_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace countersign::test {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace

RelayProcess::RelayProcess(const std::string& script) {
  std::array<int, 2> input{};
  std::array<int, 2> output{};
  if (::pipe2(input.data(), O_CLOEXEC) != 0 || ::pipe2(output.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipe for " + script);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  std::string python = "python3";
  std::string no_bytecode = "-B";
  std::string path = std::string(COUNTERSIGN_SOURCE_DIR "/tests/support/") + script;
  const std::array<char*, 4> arguments{python.data(), no_bytecode.data(), path.data(), nullptr};
  const int failed = ::posix_spawnp(&process_, python.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(input[0]);
  ::close(output[1]);
  to_ = ::fdopen(input[1], "w");
  from_ = ::fdopen(output[0], "r");
  if (failed != 0) process_ = -1;
  try {
    const boost::json::value info = boost::json::parse(read_line());
    const auto text = [&](const char* name) { return boost::json::value_to<std::string>(info.at(name)); };
    host = text("host");
    port = boost::json::value_to<std::uint16_t>(info.at("port"));
    port_tls = boost::json::value_to<std::uint16_t>(info.at("port_tls"));
    ca_file = text("ca_file");
    username = text("username");
    password = text("password");
    log_file_ = text("log_file");
    log_of_connect_ = text("log_of_connect");
  } catch (const std::exception& error) {
    end();
    throw std::runtime_error(script + " did not start a relay: " + error.what());
  }
}

RelayProcess::~RelayProcess() { end(); }

void RelayProcess::end() noexcept {
  std::fclose(to_);
  std::fclose(from_);
  if (process_ > 0) ::waitpid(process_, nullptr, 0);
}

std::string RelayProcess::read_line() {
  std::string line;
  for (int c = std::fgetc(from_); c != EOF && c != '\n'; c = std::fgetc(from_)) line += static_cast<char>(c);
  return line;
}

std::vector<std::string> RelayProcess::wait_for_mail(std::size_t count) {
  const std::string command = "wait " + std::to_string(count) + "\n";
  std::fputs(command.c_str(), to_);
  std::fflush(to_);
  const boost::json::value answer = boost::json::parse(read_line());
  if (!answer.is_array()) throw std::runtime_error(boost::json::serialize(answer));
  std::vector<std::string> mails;
  for (const std::string& path : boost::json::value_to<std::vector<std::string>>(answer)) {
    mails.push_back(read_file(path));
  }
  return mails;
}

std::size_t RelayProcess::connections() const {
  const std::string log = read_file(log_file_);
  std::size_t count = 0;
  for (std::size_t at = log.find(log_of_connect_); at != std::string::npos;
       at = log.find(log_of_connect_, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace countersign::test
