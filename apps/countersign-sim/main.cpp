// countersign-sim: production's middle and edges on virtual time, with seeded faults (docs/reliability.md).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>

#include "base/error.hpp"
#include "base/log.hpp"
#include "sim/range.hpp"

namespace {

using namespace countersign;

constexpr const char* kAbout =
    "Runs Countersign's hold, approval, outbox, dispatcher and expiry worker on virtual time, with faults "
    "that\n"
    "a seed decides, and judges whether anything was sent twice, lost, or told in two ways.";

constexpr const char* kExamples = R"(
Examples:
  countersign-sim --seed 42                              everything that happens in one schedule
  countersign-sim --from 1 --count 100000 --jobs 2       many, on two processors
  countersign-sim --mutant rescue-requeues --count 10000 a broken rule: is it caught?
  countersign-sim --list-mutants

Exit status:
  0  no violation; with --mutant: the mutant was caught
  1  a violation; with --mutant: it was not caught
  2  the command line is wrong)";

struct Arguments {
  std::optional<std::uint64_t> seed;
  sim::RangeOptions range;
  std::string mutant;
  std::string json_file;
  bool progress = false;
  bool list_mutants = false;
};

std::string rerun(std::uint64_t seed, const Arguments& arguments) {
  return fmt::format("countersign-sim --seed {}{}{}", seed, arguments.mutant.empty() ? "" : " --mutant ",
                     arguments.mutant);
}

void print_failure(const sim::Failure& failure, const Arguments& arguments) {
  std::cout << fmt::format("seed {}:\n", failure.seed);
  if (failure.violations.empty()) std::cout << "  the process died\n";
  for (const sim::Violation& violation : failure.violations) {
    std::cout << fmt::format("  {}: {}\n", sim::name_of(violation.breach), violation.what);
  }
  std::cout << fmt::format("  again, with everything that happens: {}\n", rerun(failure.seed, arguments));
}

bool run_one(const Arguments& arguments) {
  sim::Store store;
  const auto result = sim::run_schedule(store, {*arguments.seed, arguments.range.mutant, true, &std::cout});
  std::cout << fmt::format("seed {}, hash {:016x}: {}\n", *arguments.seed, result.hash,
                           result.violations.empty() ? "no violation" : "VIOLATED");
  for (const sim::Violation& violation : result.violations) {
    std::cout << fmt::format("  {}: {}\n", sim::name_of(violation.breach), violation.what);
  }
  return result.violations.empty() == (arguments.range.mutant == nullptr);
}

// By what it breaks, in a schedule that is clean without the defect: it is the defect that was caught.
bool is_caught(const sim::Mutant& mutant, const sim::RangeResult& result) {
  if (result.failures.empty()) {
    std::cout << fmt::format("not caught: no {}\n", sim::name_of(mutant.breach));
    return false;
  }
  sim::Store store;
  const auto without = sim::run_schedule(store, {result.failures.front().seed, nullptr, true, nullptr});
  if (!without.violations.empty()) std::cout << "not caught: the schedule is as bad without the defect\n";
  return without.violations.empty();
}

bool run_many(Arguments& arguments) {
  sim::RangeOptions& range = arguments.range;
  if (arguments.progress) {
    range.progress = [&](std::uint64_t done) {
      std::cerr << fmt::format("\r{} of {} schedules", done, range.count) << std::flush;
    };
  }
  range.stop_at_first = range.mutant != nullptr;
  const sim::RangeResult result = sim::run_range(range);
  if (arguments.progress) std::cerr << '\n';
  for (const sim::Failure& failure : result.failures) print_failure(failure, arguments);
  const sim::Counts& counts = result.counts;
  std::cout << fmt::format(
      "{} schedules, {} messages, {} approvals taken back, {} hand-overs, {} unknown, {} settled by "
      "evidence, {} crashes: "
      "{} with duplicates, {} with losses, {} with split states, {} with broken invariants; {:.1f} s, "
      "{:.0f}/s\n",
      counts.schedules, counts.messages, counts.taken_back, counts.hand_overs, counts.unknown,
      counts.settled_by_evidence, counts.crashes, counts.duplicates, counts.losses, counts.split_states,
      counts.invariants, result.seconds, static_cast<double>(counts.schedules) / result.seconds);
  if (!arguments.json_file.empty()) {
    std::ofstream(arguments.json_file) << sim::to_json(range, result) << '\n';
  }
  if (range.mutant != nullptr) return is_caught(*range.mutant, result);
  return result.failures.empty();
}

void add_options(CLI::App& app, Arguments& arguments) {
  app.footer(kExamples);
  CLI::Option* seed = app.add_option("--seed", arguments.seed, "Run this schedule and print all of it");
  app.add_option("--from", arguments.range.from, "The first seed")->capture_default_str()->excludes(seed);
  app.add_option("--count", arguments.range.count, "How many seeds")
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->excludes(seed);
  app.add_option("--jobs", arguments.range.jobs, "Processes")
      ->check(CLI::Range(1, 256))
      ->capture_default_str()
      ->excludes(seed);
  app.add_option("--invariants-every", arguments.range.invariants_every,
                 "Run the invariant checker after every so many schedules; 0 for never")
      ->capture_default_str();
  app.add_option("--mutant", arguments.mutant, "Break this rule; success is that it is caught");
  app.add_option("--json", arguments.json_file, "Write the counts to this file")->excludes(seed);
  app.add_flag("--progress", arguments.progress, "Say on standard error how far it is")->excludes(seed);
  app.add_flag("--list-mutants", arguments.list_mutants,
               "Print the rules that can be broken, and what is seen of it");
}

int run(int argc, char** argv) {
  Arguments arguments;
  CLI::App app(kAbout, "countersign-sim");
  add_options(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (arguments.list_mutants) {
    for (const sim::Mutant& mutant : sim::mutants()) {
      std::cout << fmt::format("{:24} {:10} {}\n", mutant.name, sim::name_of(mutant.breach), mutant.about);
    }
    return 0;
  }
  if (!arguments.mutant.empty()) {
    arguments.range.mutant = sim::find_mutant(arguments.mutant);
    if (arguments.range.mutant == nullptr) {
      std::cerr << fmt::format("countersign-sim: there is no mutant '{}'; see --list-mutants\n",
                               arguments.mutant);
      return 2;
    }
  }
  // Nothing ranks this high: what a dispatcher says about faults is of no interest here.
  constexpr int kSilence = 9;
  log::configure(static_cast<log::Level>(kSilence), log::Format::text);
  const bool well = arguments.seed ? run_one(arguments) : run_many(arguments);
  return well ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const EnvironmentError& error) {
    std::cerr << "countersign-sim: " << error.what() << '\n';
    return 2;
  }
}
