#include "hold/scan.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "base/assert.hpp"

namespace json = boost::json;

namespace countersign::hold {
namespace {

constexpr std::size_t kSentencesMax = 5;
constexpr std::string_view kRules = "countersign";
constexpr std::string_view kDetectorPrefix = "detector.";

// Two digits are what the numbers are worth.
double rounded(double score) { return std::round(score * 100) / 100; }

bool from_detector(const screen::Finding& finding) { return finding.code.starts_with(kDetectorPrefix); }

std::string_view action_of(screen::Verdict verdict) {
  switch (verdict) {
    case screen::Verdict::pass:
      return "";
    case screen::Verdict::flag:
      return "flag";
    case screen::Verdict::review:
      return "review";
    case screen::Verdict::block:
      return "block";
  }
  CS_ASSERT(false);
}

json::object entry(const std::vector<screen::Finding>& findings, double score, screen::Verdict verdict,
                   std::string_view detector) {
  json::array categories;
  std::string summary;
  std::size_t sentences = 0;
  for (const screen::Finding& one : findings) {
    const std::string_view name = screen::name_of(one.category);
    const bool known = std::ranges::any_of(
        categories, [&](const json::value& category) { return category.at("name").as_string() == name; });
    // Highest score first, so the first of a category is its score.
    if (!known) categories.push_back({{"name", name}, {"score", rounded(one.score)}});
    if (sentences++ >= kSentencesMax) continue;
    if (!summary.empty()) summary += ' ';
    summary += one.summary;
  }
  json::object out{{"source", "scan"},
                   {"score", rounded(score)},
                   {"categories", std::move(categories)},
                   {"summary", summary},
                   {"detector", detector}};
  if (verdict != screen::Verdict::pass) out["action"] = action_of(verdict);
  return out;
}

}  // namespace

json::array findings_json(const screen::Report& report, screen::Verdict verdict, std::string_view detector) {
  std::vector<screen::Finding> rules;
  std::vector<screen::Finding> outside;
  for (const screen::Finding& one : report.findings) (from_detector(one) ? outside : rules).push_back(one);
  json::array out;
  if (!rules.empty()) out.emplace_back(entry(rules, report.score, verdict, kRules));
  if (!outside.empty()) out.emplace_back(entry(outside, outside.front().score, verdict, detector));
  return out;
}

std::string scan_reason_json(const screen::Report& report, Direction direction) {
  CS_ASSERT(!report.findings.empty());
  const screen::Finding& first = report.findings.front();
  std::string detail;
  for (const screen::Finding& one : report.findings) {
    if (!detail.empty()) detail += "; ";
    detail += one.excerpt.empty() ? one.code : fmt::format("{}: {}", one.code, one.excerpt);
    if (&one - report.findings.data() + 1 == static_cast<std::ptrdiff_t>(kSentencesMax)) break;
  }
  const json::object reason{{"type", "scan"},
                            {"code", direction == Direction::inbound ? "inbound_scan" : "outbound_scan"},
                            {"summary", first.summary},
                            {"category", screen::name_of(first.category)},
                            {"detail", detail},
                            {"confidence", rounded(report.score)}};
  return json::serialize(reason);
}

}  // namespace countersign::hold
