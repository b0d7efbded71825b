// A relay of another make, run by a script of tests/support that speaks JSON lines (see postfix_relay.py).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace countersign::test {

class RelayProcess {
 public:
  /// Starts the script and waits until the relay answers. Throws std::runtime_error when it does not.
  explicit RelayProcess(const std::string& script);
  /// Stops the relay and waits for its end.
  ~RelayProcess();
  RelayProcess(const RelayProcess&) = delete;
  RelayProcess& operator=(const RelayProcess&) = delete;

  /// All messages, oldest first, once there are `count`. Throws std::runtime_error when they do not arrive.
  [[nodiscard]] std::vector<std::string> wait_for_mail(std::size_t count);
  /// How many connections the relay's log tells of.
  [[nodiscard]] std::size_t connections() const;

  std::string host;
  std::uint16_t port = 0;
  std::uint16_t port_tls = 0;  // implicit TLS; 0: none
  std::string ca_file;         // empty: no TLS
  std::string username;        // empty: no AUTH
  std::string password;

 private:
  std::string read_line();
  void end() noexcept;

  pid_t process_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
  std::string log_file_;
  std::string log_of_connect_;
};

}  // namespace countersign::test
