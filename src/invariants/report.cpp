#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <string_view>
#include <vector>

#include "invariants/invariants.hpp"

namespace countersign::invariants {

void write_report(std::ostream& out, const Report& report) {
  std::size_t width = 0;
  for (const Finding& finding : report.findings) width = std::max(width, finding.rule.size());
  std::int64_t broken = 0;
  std::vector<std::string_view> waiting;
  for (const Finding& finding : report.findings) {
    if (finding.count == 0) {
      out << fmt::format("ok      {:<{}}  {}\n", finding.rule, width, finding.promise);
      continue;
    }
    ++broken;
    if (finding.needs_a_server) waiting.push_back(finding.rule);
    out << fmt::format("BROKEN  {:<{}}  {} ({} found)\n", finding.rule, width, finding.promise,
                       finding.count);
    for (const Violation& violation : finding.samples) {
      out << fmt::format("          {}: {}\n", violation.subject, violation.detail);
    }
    const auto unnamed = finding.count - static_cast<std::int64_t>(finding.samples.size());
    if (unnamed > 0) out << fmt::format("          … and {} more\n", unnamed);
  }
  if (broken == 0) {
    out << fmt::format("All {} rules hold.\n", report.findings.size());
  } else {
    out << fmt::format("{} of {} rules are broken.\n", broken, report.findings.size());
  }
  if (!waiting.empty()) {
    out << fmt::format(
        "{} {} only that no server has done this for 10 minutes. If none was running, start one and check "
        "again.\n",
        fmt::join(waiting, ", "), waiting.size() == 1 ? "says" : "say");
  }
}

}  // namespace countersign::invariants
