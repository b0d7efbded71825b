#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "invariants/invariants.hpp"

namespace countersign::invariants {

void write_report(std::ostream& out, const Report& report) {
  std::size_t width = 0;
  for (const Finding& finding : report.findings) width = std::max(width, finding.rule.size());
  std::int64_t broken = 0;
  for (const Finding& finding : report.findings) {
    if (finding.count == 0) {
      out << fmt::format("ok      {:<{}}  {}\n", finding.rule, width, finding.promise);
      continue;
    }
    ++broken;
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
}

}  // namespace countersign::invariants
