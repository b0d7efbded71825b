#include "hold/scan.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "base/assert.hpp"
#include "base/fault.hpp"
#include "base/log.hpp"
#include "screen/outgoing.hpp"

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

account::GateAction gate_action_of(screen::Verdict verdict) {
  switch (verdict) {
    case screen::Verdict::flag:
      return account::GateAction::flag;
    case screen::Verdict::review:
      return account::GateAction::review;
    case screen::Verdict::block:
      return account::GateAction::block;
    case screen::Verdict::pass:
      break;
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
    if (one.score == 0) {  // stands for something that did not happen, which is of no category
      if (sentences++ < kSentencesMax) summary += (summary.empty() ? "" : " ") + one.summary;
      continue;
    }
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

std::optional<std::string> with_gate_findings(std::optional<std::string> findings,
                                              const std::vector<Trip>& trips) {
  json::array gates;
  for (const Trip& trip : trips) {
    if (trip.type != "gate") continue;
    gates.push_back({{"source", "gate"}, {"action", name_of(trip.action)}, {"summary", trip.summary}});
  }
  if (gates.empty()) return findings;
  json::array all = findings ? json::parse(*findings).as_array() : json::array();
  all.insert(all.end(), gates.begin(), gates.end());
  return json::serialize(all);
}

std::optional<Trip> scan_trip(const screen::Report& report, screen::Verdict verdict, Direction direction) {
  if (verdict == screen::Verdict::pass) return std::nullopt;
  CS_ASSERT(!report.findings.empty());
  // What leaves a report undecided counts nothing by itself; behind findings that count little it is the
  // reason all the same.
  const auto missing = std::ranges::find(report.findings, 0.0, &screen::Finding::score);
  const bool left_open = report.undecided && verdict == screen::Verdict::review &&
                         missing != report.findings.end() &&
                         report.score < screen::thresholds(screen::Sensitivity::high).review;
  const screen::Finding& first = left_open ? *missing : report.findings.front();
  std::string detail;
  for (const screen::Finding& one : report.findings) {
    if (!detail.empty()) detail += "; ";
    detail += one.excerpt.empty() ? one.code : fmt::format("{}: {}", one.code, one.excerpt);
    if (&one - report.findings.data() + 1 == static_cast<std::ptrdiff_t>(kSentencesMax)) break;
  }
  Trip trip;
  trip.action = gate_action_of(verdict);
  trip.code = direction == Direction::inbound ? "inbound_scan" : "outbound_scan";
  trip.summary = first.summary;
  trip.detail = std::move(detail);
  trip.type = "scan";
  if (!left_open) trip.category = screen::name_of(first.category);
  trip.confidence = rounded(report.score);
  return trip;
}

screen::Report screen_guarded(const std::function<screen::Report()>& look) {
  try {
    CS_FAULT("hold.screen");
    return look();
  } catch (const std::exception& error) {
    log::error("hold.screening_failed", {{"error", error.what()}});
    return screen::undecided("screening.failed", "Screening it failed, so a person decides.");
  }
}

screen::Report screen_draft(std::string_view author, const mailbox::Draft& draft) {
  screen::Outgoing message{author, draft.subject, draft.text, draft.html, {}};
  for (const mailbox::DraftAttachment& one : draft.attachments) {
    message.attachments.push_back({one.filename, one.content_type, one.content});
  }
  return screen_guarded([&] { return screen::screen_outgoing(message); });
}

screen::Sensitivity sensitivity_of(account::Sensitivity sensitivity) {
  switch (sensitivity) {
    case account::Sensitivity::off:
      return screen::Sensitivity::off;
    case account::Sensitivity::low:
      return screen::Sensitivity::low;
    case account::Sensitivity::medium:
      return screen::Sensitivity::medium;
    case account::Sensitivity::high:
      return screen::Sensitivity::high;
  }
  CS_ASSERT(false);
}

}  // namespace countersign::hold
