#include "support/private_postgres.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/descriptor.hpp"
#include "base/id.hpp"

namespace countersign::test {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kStartMax{5};
constexpr std::chrono::milliseconds kPollPause{20};

fs::path program(const std::string& name) {
  std::vector<fs::path> folders{"/usr/lib/postgresql/15/bin"};
  std::istringstream path(std::getenv("PATH") == nullptr ? "" : std::getenv("PATH"));
  for (std::string folder; std::getline(path, folder, ':');) folders.emplace_back(folder);
  for (const fs::path& folder : folders) {
    if (::access((folder / name).c_str(), X_OK) == 0) return folder / name;
  }
  throw std::runtime_error("PostgreSQL's " + name + " was not found; install the package postgresql");
}

// In memory where there is room: a database per test is copied in 10 ms there, in 250 ms on a disk.
fs::path parent_of_data() {
  constexpr std::uintmax_t kRoomBytes = std::uintmax_t{2} << 30;
  const fs::path memory = "/dev/shm";
  std::error_code error;
  const fs::space_info space = fs::space(memory, error);
  const bool fits = !error && space.available >= kRoomBytes && ::access(memory.c_str(), W_OK) == 0;
  return fits ? memory : fs::temp_directory_path();
}

// Whom a server runs as: PostgreSQL refuses to run as root.
const passwd* unprivileged_user() {
  if (::geteuid() != 0) return nullptr;
  for (const char* name : {"postgres", "nobody"}) {
    if (const passwd* user = ::getpwnam(name)) return user;
  }
  throw std::runtime_error("neither a user postgres nor nobody exists");
}

// Starts a program as the unprivileged user, its output appended to `log`. It gets SIGQUIT (which ends a
// server at once) when this process dies.
pid_t spawn(const std::vector<std::string>& arguments, const fs::path& log) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const passwd* user = unprivileged_user();
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child > 0) return child;
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  if (user != nullptr &&
      (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0)) {
    ::_exit(126);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (::getppid() != parent || ::chdir("/") != 0) ::_exit(125);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Whether `port` was nobody's and now belongs to this process, as tests/support/ports.py has it: an abstract
// Unix socket of that name keeps other tests from picking it until the process ends.
bool reserve(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const Descriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(probe.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return false;

  const std::string name = fmt::format("countersign-test-port-{}", port);
  sockaddr_un mark{};
  mark.sun_family = AF_UNIX;
  name.copy(mark.sun_path + 1, name.size());  // the first byte stays zero: abstract
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const int kept = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(kept, reinterpret_cast<sockaddr*>(&mark), size) == 0) return true;
  ::close(kept);
  return false;
}

// Below what Linux gives to outgoing connections: a server that is down for a while gets its port back.
int free_port() {
  constexpr int kFirst = 12'000;
  constexpr int kLast = 31'999;
  std::random_device entropy;
  std::uniform_int_distribution port(kFirst, kLast);
  for (int attempt = 0; attempt < 1000; ++attempt) {
    if (const int candidate = port(entropy); reserve(candidate)) return candidate;
  }
  throw std::runtime_error("no free TCP port");
}

// Processes whose parent is `parent`.
std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string stat = text_of(entry.path() / "stat");
    const std::size_t after_name = stat.rfind(')');
    if (after_name == std::string::npos) continue;
    std::istringstream rest(stat.substr(after_name + 1));
    char state = 0;
    pid_t of = 0;
    rest >> state >> of;
    if (of == parent) children.push_back(std::stoi(name));
  }
  return children;
}

// The URL with another database: what stands between the authority and the parameters.
std::string with_database(const std::string& url, const std::string& database) {
  const std::size_t authority = url.find("//") + 2;
  const std::size_t path = std::min(url.find_first_of("/?", authority), url.size());
  const std::size_t parameters = std::min(url.find('?', path), url.size());
  return url.substr(0, path) + "/" + database + url.substr(parameters);
}

}  // namespace

PrivatePostgres::PrivatePostgres()
    : directory_(parent_of_data()), data_(directory_.path() / "data"), port_(free_port()) {
  initialise();
  start();
}

PrivatePostgres::~PrivatePostgres() {
  if (server_ == 0) return;
  ::kill(server_, SIGQUIT);
  ::waitpid(server_, nullptr, 0);
}

void PrivatePostgres::initialise() {
  if (const passwd* user = unprivileged_user()) {
    if (::chown(directory_.path().c_str(), user->pw_uid, user->pw_gid) != 0) {
      throw std::runtime_error("chown failed");
    }
  }
  const fs::path log = directory_.path() / "initdb.log";
  const pid_t child = spawn({program("initdb"), "--pgdata=" + data_.string(), "--username=countersign",
                             "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"},
                            log);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) throw std::runtime_error("initdb failed: " + text_of(log));
}

void PrivatePostgres::start() {
  // Without fsync: the tests kill processes, not the machine.
  server_ =
      spawn({program("postgres"), "-D", data_.string(), "-p", std::to_string(port_), "-c",
             "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + directory_.path().string(),
             "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200", "-c",
             "shared_buffers=64MB", "-c", "autovacuum=off"},
            directory_.path() / "server.log");
  const auto deadline = std::chrono::steady_clock::now() + kStartMax;
  while (!accepts_connections()) {
    const bool ended = ::waitpid(server_, nullptr, WNOHANG) == server_;
    if (ended || std::chrono::steady_clock::now() > deadline) {
      if (!ended) kill9();
      server_ = 0;
      throw std::runtime_error("PostgreSQL did not start: " + text_of(directory_.path() / "server.log"));
    }
    std::this_thread::sleep_for(kPollPause);
  }
}

bool PrivatePostgres::accepts_connections() const { return PQping(url().c_str()) == PQPING_OK; }

void PrivatePostgres::stop() {
  if (server_ == 0) return;
  ::kill(server_, SIGINT);
  ::waitpid(server_, nullptr, 0);
  server_ = 0;
}

void PrivatePostgres::kill9() {
  if (server_ == 0) return;
  // Stopped first, so that it starts no more processes.
  ::kill(server_, SIGSTOP);
  std::vector<pollfd> children;
  for (const pid_t child : children_of(server_)) {
    const auto handle = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
    if (handle >= 0) children.push_back({handle, POLLIN, 0});
    ::kill(child, SIGKILL);
  }
  ::kill(server_, SIGKILL);
  ::waitpid(server_, nullptr, 0);
  // A server cannot start anew while one of them still holds the shared memory.
  for (pollfd& child : children) {
    ::poll(&child, 1, -1);
    ::close(child.fd);
  }
  server_ = 0;
}

std::string PrivatePostgres::url(std::string_view database) const {
  return fmt::format("postgres://countersign@127.0.0.1:{}/{}", port_, database);
}

const std::string& shared_postgres_url() {
  static std::unique_ptr<PrivatePostgres> server;
  static const std::string url = [] {
    if (const char* given = std::getenv("COUNTERSIGN_TEST_POSTGRES"); given != nullptr && *given != '\0') {
      return std::string(given);
    }
    server = std::make_unique<PrivatePostgres>();
    return server->url();
  }();
  return url;
}

TemporaryDatabase::TemporaryDatabase(std::string_view template_name)
    : name_("test_" + random_hex(16)), url_(with_database(shared_postgres_url(), name_)) {
  postgres_execute(shared_postgres_url(),
                   fmt::format("CREATE DATABASE {} TEMPLATE {}", name_, template_name));
}

TemporaryDatabase::~TemporaryDatabase() {
  try {
    postgres_execute(shared_postgres_url(), fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name_));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{} is left behind: {}\n", name_, error.what());
  }
}

std::string postgres_execute(const std::string& url, const std::string& sql) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(url.c_str()), &PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(connection.get()));
  PQsetNoticeReceiver(connection.get(), [](void*, const PGresult*) {}, nullptr);
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), sql.c_str()), &PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    throw std::runtime_error(PQerrorMessage(connection.get()));
  }
  if (status != PGRES_TUPLES_OK || PQntuples(result.get()) == 0) return "";
  return PQgetvalue(result.get(), 0, 0);
}

}  // namespace countersign::test
