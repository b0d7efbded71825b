// A PostgreSQL server of the tests' own, or a database of their own on a server that already runs.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "support/temporary_directory.hpp"

namespace countersign::test {

/// A server with its data in a temporary folder, listening on 127.0.0.1 at a free port and on a socket in
/// that folder. It ends with its object, and with the process however that ends. As root it runs as the user
/// `postgres` (or `nobody`). Its programs are looked for in PATH and /usr/lib/postgresql/15/bin.
class PrivatePostgres {
 public:
  /// Initialises and starts. Throws std::runtime_error with what the server said.
  PrivatePostgres();
  ~PrivatePostgres();
  PrivatePostgres(const PrivatePostgres&) = delete;
  PrivatePostgres& operator=(const PrivatePostgres&) = delete;

  /// libpq URI over TCP of `database`.
  [[nodiscard]] std::string url(std::string_view database = "postgres") const;
  [[nodiscard]] int port() const noexcept { return port_; }

  /// Orderly: clients are disconnected, what was committed is kept.
  void stop();
  /// Waits until connections are accepted. Keeps port and data.
  void start();
  /// SIGKILL to the server and all its processes, as when the machine's memory ran out.
  void kill9();

 private:
  void initialise();
  [[nodiscard]] bool accepts_connections() const;

  TemporaryDirectory directory_;
  std::filesystem::path data_;
  int port_ = 0;
  pid_t server_ = 0;
};

/// The server that the test process shares: COUNTERSIGN_TEST_POSTGRES=URL names one that already runs;
/// without it a private one is started at the first call.
[[nodiscard]] const std::string& shared_postgres_url();

/// A database on the shared server with a name of its own; dropped with the object, connections or not.
class TemporaryDatabase {
 public:
  /// `template_name` names the database to copy; nobody may be connected to it.
  explicit TemporaryDatabase(std::string_view template_name = "template1");
  ~TemporaryDatabase();
  TemporaryDatabase(const TemporaryDatabase&) = delete;
  TemporaryDatabase& operator=(const TemporaryDatabase&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& url() const noexcept { return url_; }

 private:
  std::string name_;
  std::string url_;
};

/// Runs statements on a connection of its own; returns the first column of the first row, or "".
/// Throws std::runtime_error with the server's message.
std::string postgres_execute(const std::string& url, const std::string& sql);

}  // namespace countersign::test
