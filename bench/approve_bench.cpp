// Approvals per second, as a ratio to the same statements without us.
//
//   approve_bench sqlite DIRECTORY        in groups of 16 and 64, next to bare sqlite3
//   approve_bench postgres URL PGBENCH    32 writers, next to pgbench with 32 clients
//
// Both sides of a ratio are measured in this one run, on copies of the same data. The directory or the
// database must be empty and stand on the disk that matters.
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "bare_sqlite.hpp"
#include "base/assert.hpp"
#include "pgbench_script.hpp"
#include "scenario.hpp"
#include "store/open.hpp"

namespace countersign::bench {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr std::int64_t kSqliteMessages = 12'000;
constexpr int kRounds = 3;  // alternating, so that noise meets both sides; medians are compared
constexpr std::int64_t kWriters = 32;
constexpr std::int64_t kMessagesPerWriter = 250;

std::unique_ptr<store::Database> open(const std::string& url, int group_max) {
  store::Options options;
  options.url = url;
  options.group_max = group_max;
  options.connections = static_cast<int>(kWriters);
  return store::open(options);
}

// Approves messages first … first + count - 1 with `outstanding` in flight.
Seconds approve_all(store::Database& database, Scenario& scenario, std::int64_t first, std::int64_t count,
                    std::int64_t outstanding) {
  std::mutex mutex;
  std::condition_variable changed;
  std::int64_t in_flight = 0;
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t number = first; number < first + count; ++number) {
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return in_flight < outstanding; });
      ++in_flight;
    }
    database.write_async([&scenario, number](store::Tx& tx) { return scenario.approve(tx, number); },
                         [&](store::Outcome<int> outcome) {
                           CS_ASSERT(outcome.has_value());
                           const std::lock_guard lock(mutex);
                           --in_flight;
                           changed.notify_one();
                         });
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return in_flight == 0; });
  return std::chrono::steady_clock::now() - start;
}

Recording record_all(store::Database& database, Scenario& scenario, std::int64_t count) {
  Recording recording(static_cast<std::size_t>(count));
  for (std::int64_t number = 0; number < count; ++number) {
    database.write([&](store::Tx& tx) {
      auto& statements = recording[static_cast<std::size_t>(number)];
      statements.clear();
      RecordingTx recorder(tx, statements);
      return scenario.approve(recorder, number);
    });
  }
  return recording;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void print(const char* what, double ours, const char* peer, double theirs) {
  std::printf("%-28s %8.0f/s   %-26s %8.0f/s   ratio %.2f\n", what, ours, peer, theirs, ours / theirs);
  std::fflush(stdout);
}

int on_sqlite(const std::filesystem::path& directory) {
  namespace fs = std::filesystem;
  const fs::path original = directory / "original.db";
  Scenario scenario;
  {
    const auto database = open("sqlite:" + original.string(), 64);
    scenario.prepare(*database, kSqliteMessages);
    database->stop();
  }
  const fs::path recorded = directory / "recorded.db";
  fs::copy_file(original, recorded);
  const auto recorder = open("sqlite:" + recorded.string(), 64);
  const Recording recording = record_all(*recorder, scenario, kSqliteMessages);
  recorder->stop();
  std::printf("one approval is %zu statements\n", recording.front().size());
  for (const int group : {16, 64}) {
    std::vector<double> ours;
    std::vector<double> theirs;
    for (int round = 0; round < kRounds; ++round) {
      const fs::path our_file = directory / "ours.db";
      const fs::path bare_file = directory / "bare.db";
      fs::copy_file(original, our_file);
      fs::copy_file(original, bare_file);
      const auto database = open("sqlite:" + our_file.string(), group);
      ours.push_back(kSqliteMessages /
                     approve_all(*database, scenario, 0, kSqliteMessages, 2L * group).count());
      database->stop();
      const Seconds bare = replay_on_sqlite(bare_file.string(), recording, static_cast<std::size_t>(group));
      theirs.push_back(kSqliteMessages / bare.count());
      for (const char* suffix : {"", "-wal", "-shm"}) {
        fs::remove(our_file.string() + suffix);
        fs::remove(bare_file.string() + suffix);
      }
    }
    print(fmt::format("approvals, groups of {}", group).c_str(), median(ours), "bare sqlite3",
          median(theirs));
  }
  return 0;
}

// Runs pgbench and returns its transactions per second.
double run_pgbench(const std::string& pgbench, const std::string& url, const std::string& script) {
  const std::string path = std::filesystem::temp_directory_path() / fmt::format("approve.{}.sql", getpid());
  std::ofstream(path) << script;
  const std::string command =
      fmt::format("{} -n -M prepared -c {} -j 2 -t {} -D next=0 -f {} '{}' 2>/dev/null", pgbench, kWriters,
                  kMessagesPerWriter, path, url);
  std::FILE* output = popen(command.c_str(), "r");
  CS_ASSERT(output != nullptr);
  double tps = 0;
  char line[512];
  while (std::fgets(line, sizeof line, output) != nullptr) {
    if (std::string_view(line).starts_with("tps = ")) tps = std::strtod(line + 6, nullptr);
  }
  pclose(output);
  std::filesystem::remove(path);
  if (tps <= 0) std::fprintf(stderr, "pgbench failed: %s\n", command.c_str());
  CS_ASSERT(tps > 0);
  return tps;
}

int on_postgres(const std::string& url, const std::string& pgbench) {
  constexpr std::int64_t kShare = kWriters * kMessagesPerWriter;
  constexpr std::int64_t kSample = 3 * kRounds * kShare;
  Scenario scenario;
  const auto database = open(url, 1);
  scenario.prepare(*database, kSample + 1);
  std::vector<RecordedStatement> approval;
  database->write([&](store::Tx& tx) {
    approval.clear();
    RecordingTx recorder(tx, approval);
    return scenario.approve(recorder, kSample);
  });
  const std::string sample = Scenario::message_id(kSample).str();
  std::vector<double> plain;
  std::vector<double> pipelined;
  std::vector<double> ours;
  std::int64_t first = 0;
  for (int round = 0; round < kRounds; ++round, first += 3 * kShare) {
    plain.push_back(
        run_pgbench(pgbench, url, pgbench_script(approval, sample, first, kMessagesPerWriter, false)));
    ours.push_back(kShare / approve_all(*database, scenario, first + kShare, kShare, 2 * kWriters).count());
    pipelined.push_back(run_pgbench(
        pgbench, url, pgbench_script(approval, sample, first + 2 * kShare, kMessagesPerWriter, true)));
  }
  database->stop();
  std::printf("one approval is %zu statements\n", approval.size());
  print("approvals, 32 writers", median(ours), "pgbench, 32 clients", median(plain));
  print("approvals, 32 writers", median(ours), "pgbench, pipelined", median(pipelined));
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "sqlite") return on_sqlite(argv[2]);
  if (argc == 4 && std::string_view(argv[1]) == "postgres") return on_postgres(argv[2], argv[3]);
  std::fprintf(stderr, "usage: approve_bench sqlite DIRECTORY | approve_bench postgres URL PGBENCH\n");
  return 2;
}

}  // namespace
}  // namespace countersign::bench

int main(int argc, char** argv) { return countersign::bench::main(argc, argv); }
