#include "sim/range.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <semaphore>
#include <thread>

#include "base/error.hpp"

namespace countersign::sim {
namespace {

namespace json = boost::json;

// Where one process is, readable by the one that started it even after its death.
struct Place {
  std::atomic<std::uint64_t> done;
  std::atomic<std::uint64_t> seed;
};

constexpr std::pair<std::string_view, std::int64_t Counts::*> kColumns[] = {
    {"schedules", &Counts::schedules},
    {"messages", &Counts::messages},
    {"hand_overs", &Counts::hand_overs},
    {"sent", &Counts::sent},
    {"failed", &Counts::failed},
    {"rejected", &Counts::rejected},
    {"taken_back", &Counts::taken_back},
    {"unknown", &Counts::unknown},
    {"settled_by_evidence", &Counts::settled_by_evidence},
    {"crashes", &Counts::crashes},
    {"steps", &Counts::steps},
    {"duplicates", &Counts::duplicates},
    {"losses", &Counts::losses},
    {"split_states", &Counts::split_states},
    {"invariants", &Counts::invariants},
};

json::object counts_json(const Counts& counts) {
  json::object out;
  for (const auto& [name, column] : kColumns) out[name] = counts.*column;
  return out;
}

bool is_failure(const ScheduleResult& schedule, const RangeOptions& options) {
  if (options.mutant == nullptr) return !schedule.violations.empty();
  return std::ranges::find(schedule.violations, options.mutant->breach, &Violation::breach) !=
         schedule.violations.end();
}

// The share of process number `job`.
RangeResult run_share(const RangeOptions& options, int job, Place& place) {
  RangeResult result;
  Store store;
  const auto stride = static_cast<std::uint64_t>(options.jobs);
  for (auto offset = static_cast<std::uint64_t>(job); offset < options.count; offset += stride) {
    const std::uint64_t seed = options.from + offset;
    place.seed = seed;
    const bool check = options.invariants_every > 0 && seed % options.invariants_every == 0;
    ScheduleResult schedule = run_schedule(store, {seed, options.mutant, check, nullptr});
    result.counts += schedule.counts;
    ++place.done;
    if (!is_failure(schedule, options)) continue;
    if (result.failures.size() < kFailuresMax) {
      result.failures.push_back({seed, std::move(schedule.violations)});
    }
    if (options.stop_at_first) break;
  }
  return result;
}

std::string report_of(const RangeResult& result) {
  json::array failures;
  for (const Failure& failure : result.failures) {
    json::array violations;
    for (const Violation& violation : failure.violations) {
      violations.push_back({static_cast<int>(violation.breach), json::string(violation.what)});
    }
    failures.push_back({failure.seed, std::move(violations)});
  }
  return json::serialize(json::object{{"counts", counts_json(result.counts)}, {"failures", failures}});
}

void add_report(RangeResult& total, const std::string& report) {
  const json::object parsed = json::parse(report).as_object();
  for (const auto& [name, column] : kColumns) {
    total.counts.*column += parsed.at("counts").as_object().at(name).to_number<std::int64_t>();
  }
  for (const json::value& entry : parsed.at("failures").as_array()) {
    Failure failure;
    failure.seed = entry.as_array()[0].to_number<std::uint64_t>();
    for (const json::value& violation : entry.as_array()[1].as_array()) {
      failure.violations.push_back({static_cast<Breach>(violation.as_array()[0].to_number<int>()),
                                    std::string(violation.as_array()[1].as_string())});
    }
    total.failures.push_back(std::move(failure));
  }
}

// Released once by each process that has ended.
using Ended = std::counting_semaphore<>;

// A process with a share of the seeds and a pipe for its report.
class Worker {
 public:
  Worker(const RangeOptions& options, int job, Place& place, Ended& ended) : place_(place), ended_(ended) {
    int ends[2];
    if (::pipe(ends) != 0) throw EnvironmentError("a pipe could not be made", true);
    std::fflush(nullptr);
    process_ = ::fork();
    if (process_ < 0) throw EnvironmentError("a process could not be started", true);
    if (process_ == 0) {
      ::close(ends[0]);
      const std::string report = report_of(run_share(options, job, place));
      std::size_t written = 0;
      while (written < report.size()) {
        const ssize_t count = ::write(ends[1], report.data() + written, report.size() - written);
        if (count <= 0) ::_exit(1);
        written += static_cast<std::size_t>(count);
      }
      ::_exit(0);
    }
    ::close(ends[1]);
    reader_ = std::thread([this, end = ends[0]] { read(end); });
  }

  void collect(RangeResult& total) {
    reader_.join();
    int status = 0;
    ::waitpid(process_, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      add_report(total, report_);
    } else {
      total.failures.push_back({place_.seed, {}});
    }
  }

 private:
  void read(int end) {
    char buffer[4096];
    for (ssize_t count = 0; (count = ::read(end, buffer, sizeof buffer)) > 0;) {
      report_.append(buffer, static_cast<std::size_t>(count));
    }
    ::close(end);
    ended_.release();
  }

  Place& place_;
  pid_t process_ = -1;
  std::string report_;
  std::thread reader_;
  Ended& ended_;
};

Place* shared_places(int count) {
  const std::size_t bytes = sizeof(Place) * static_cast<std::size_t>(count);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw EnvironmentError("no memory to share between processes", true);
  return static_cast<Place*>(memory);
}

void run_processes(const RangeOptions& options, RangeResult& total) {
  Place* places = shared_places(options.jobs);
  Ended ended(0);
  std::vector<std::unique_ptr<Worker>> workers;
  for (int job = 0; job < options.jobs; ++job) {
    workers.push_back(std::make_unique<Worker>(options, job, places[job], ended));
  }
  for (int left = options.jobs; options.progress && left > 0;) {
    if (ended.try_acquire_for(std::chrono::seconds(1))) --left;
    std::uint64_t done = 0;
    for (int job = 0; job < options.jobs; ++job) done += places[job].done;
    options.progress(done);
  }
  for (const auto& worker : workers) worker->collect(total);
  ::munmap(places, sizeof(Place) * static_cast<std::size_t>(options.jobs));
}

}  // namespace

RangeResult run_range(const RangeOptions& options) {
  const auto begun = std::chrono::steady_clock::now();
  RangeResult result;
  run_processes(options, result);
  std::ranges::sort(result.failures, {}, &Failure::seed);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return result;
}

std::string to_json(const RangeOptions& options, const RangeResult& result) {
  json::object out = counts_json(result.counts);
  out["from"] = options.from;
  out["count"] = options.count;
  out["jobs"] = options.jobs;
  out["mutant"] = options.mutant == nullptr ? "" : options.mutant->name;
  out["seconds"] = result.seconds;
  json::array seeds;
  for (const Failure& failure : result.failures) seeds.push_back(failure.seed);
  out["failed_seeds"] = std::move(seeds);
  return json::serialize(out);
}

}  // namespace countersign::sim
