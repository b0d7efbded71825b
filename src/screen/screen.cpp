#include "screen/screen.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "mail/utf8.hpp"
#include "screen/alternatives.hpp"
#include "screen/deception.hpp"
#include "screen/encoded.hpp"
#include "screen/fold.hpp"
#include "screen/html_walk.hpp"
#include "screen/invisible.hpp"
#include "screen/leaks.hpp"
#include "screen/rules.hpp"

namespace countersign::screen {
namespace {

constexpr std::size_t kDecodeDepthMax = 2;  // base64 inside base64
constexpr std::size_t kDiscussionMin = 3;   // different words that make a text about attacks
constexpr std::size_t kPreheaderMax = 600;  // bytes of hidden text that newsletters begin with
constexpr double kSpoken = 0.3;             // from here on, what a hidden text says makes hiding it a finding
constexpr double kCut = 0.5;                // not looked at to its end
constexpr double kRank = 0.6;               // a family's next finding counts this much of the one before

class Screening {
 public:
  explicit Screening(const Content& content) : content_(content) {}

  Report run() {
    read(content_.subject, Place::open);
    read(content_.from_display, Place::open);
    for (const mail::AttachmentInfo& attachment : content_.attachments)
      read(attachment.filename, Place::open);
    const std::string_view text = limited(content_.text);
    read(text, Place::open);
    links_cut_ = !find_urls(text, links_);
    add(find_placeholders(text, {}));
    const Walk walk = walk_html(limited(content_.html));
    read_html(walk);
    add(compare_alternatives(text, walk.shown));
    add(find_secrets(text));
    add(find_secrets(walk.shown));
    judge_deception();
    report_cuts();
    add(settle(std::move(said_), discussion_ >= kDiscussionMin));
    return finish();
  }

 private:
  std::string_view limited(std::string_view bytes) {
    if (bytes.size() <= kScreenBytesMax) return bytes;
    add({{"hidden_text.too_long", Category::hidden_text, kCut, "Too long to be screened to its end.", ""}});
    return bytes.substr(0, kScreenBytesMax);
  }

  // Whoever fills a maximum with harmless things hides what comes behind.
  void report_cuts() {
    if (decode_budget_.exceeded) {
      add({{"encoded_payload.too_many", Category::encoded_payload, kCut,
            "Too much encoded text to be screened to its end.", ""}});
    }
    if (links_cut_) {
      add({{"phishing.too_many_links", Category::phishing, kCut,
            "Too many links to be screened to their end.", ""}});
    }
  }

  // Everything a stretch of text says and hides. Gives the highest score of what it says.
  double read(std::string_view bytes, Place place, std::size_t depth = 0) {
    if (bytes.empty()) return 0;
    const std::string repaired = is_utf8(bytes) ? std::string() : mail::repair_utf8(bytes);
    const std::string_view text = repaired.empty() ? bytes : repaired;
    double highest = say(text, place);
    Invisible invisible = find_invisible(text);
    for (const std::string& decoded : invisible.decoded)
      highest = std::max(highest, read_decoded("invisible characters", decoded, text, depth));
    add(std::move(invisible.findings));
    if (depth >= kDecodeDepthMax) return highest;
    for (const Payload& payload : find_payloads(text, decode_budget_)) {
      highest = std::max(highest, read_decoded(payload.kind, payload.text, text.substr(payload.at), depth));
    }
    return highest;
  }

  double say(std::string_view text, Place place) {
    Reading reading = read_text(text, place);
    double highest = 0;
    for (const Said& one : reading.said) highest = std::max({highest, one.plain, one.quoted});
    merge(std::move(reading.said));
    if (place == Place::open) {
      discussion_ += reading.discussion;
      tone_.pressure |= reading.pressure;
      tone_.credentials |= reading.credentials;
      tone_.money |= reading.money;
    }
    if (place != Place::decoded && reading.rot13)
      highest = std::max(highest, read_decoded("rot13", rot13(text), text, kDecodeDepthMax));
    if (place != Place::decoded && reading.reversed) {
      highest = std::max(highest, read_decoded("reversed text", backwards(text), text, kDecodeDepthMax));
    }
    return highest;
  }

  // Decoded text counts when it says something.
  double read_decoded(std::string_view kind, std::string_view decoded, std::string_view source,
                      std::size_t depth) {
    const double highest =
        depth + 1 > kDecodeDepthMax ? say_decoded(decoded) : read(decoded, Place::decoded, depth + 1);
    if (highest < kSpoken) return highest;
    add({{fmt::format("encoded_payload.{}", code_of(kind)), Category::encoded_payload, 0.6,
          fmt::format("Text encoded as {} says: {}", kind, visible_excerpt(decoded, 80)),
          visible_excerpt(mail::cut_utf8(source, 120))}});
    return highest;
  }

  double say_decoded(std::string_view text) { return say(text, Place::decoded); }

  static std::string code_of(std::string_view kind) {
    std::string code(kind);
    std::ranges::replace(code, ' ', '_');
    std::ranges::replace(code, '-', '_');
    return code;
  }

  void read_html(const Walk& walk) {
    read(walk.shown, Place::open);
    add(find_placeholders(walk.shown, {}));
    for (const Unseen& unseen : walk.unseen) read_unseen(unseen);
    if (read(walk.markup, Place::unseen) >= kSpoken) {
      add({{"hidden_text.markup", Category::hidden_text, 0.4,
            "Comments or attributes of the HTML speak to the reader.", ""}});
    }
    if (read(walk.scripts, Place::unseen) >= kSpoken) {
      add({{"hidden_text.script", Category::hidden_text, 0.4,
            "A script or style block of the HTML speaks to the reader.", ""}});
    }
    links_.insert(links_.end(), walk.links.begin(), walk.links.end());
    links_cut_ |= walk.links_cut;
    std::vector<Link> anchors;
    for (const Link& link : walk.links) {
      if (!link.text.empty()) anchors.push_back(link);
    }
    add(find_placeholders("", anchors));
  }

  void read_unseen(const Unseen& unseen) {
    const double said = read(unseen.text, Place::unseen);
    const bool preheader = unseen.at_start && unseen.text.size() <= kPreheaderMax;
    double score = preheader ? 0.02 : unseen.text.size() < 40 ? 0.03 : 0.08;
    if (said >= kSpoken) score = 0.5;
    add({{fmt::format("hidden_text.{}", unseen.reason), Category::hidden_text, score,
          said >= kSpoken ? "Text that is not shown speaks to the reader." : "Holds text that is not shown.",
          visible_excerpt(unseen.text)}});
  }

  // How credible it is that the sender asks for an account to be confirmed depends on where its links lead.
  void judge_deception() {
    const LinkReading links = read_links(links_, content_, tone_);
    add(links.findings);
    add(read_sender(content_, tone_));
    add(read_attachments(content_));
    const bool own = !content_.verified_domain.empty() && !links.foreign;
    bool asks = false;  // for an account, or for money
    for (Said& one : said_) {
      if (one.finding.category != Category::phishing) continue;
      asks |= one.plain >= 0.3;
      if (one.finding.code != "phishing.credentials") continue;
      asks = true;
      double factor = own ? 0.3 : 1;
      if (links.foreign) factor = content_.verified_domain.empty() ? 1.9 : 1.5;
      one.plain = std::min(one.plain * factor, kSaidMax);
      one.quoted = std::min(one.quoted * factor, kSaidMax);
    }
    const bool suspicious = asks || std::ranges::any_of(findings_, [](const Finding& one) {
                              return one.category == Category::phishing && one.score >= 0.3;
                            });
    if (suspicious && content_.verified_domain.empty() && !content_.from_address.empty()) {
      add({{"phishing.unverified", Category::phishing, 0.2, "The sender's domain is not authenticated.",
            visible_excerpt(content_.from_address)}});
    }
  }

  void merge(std::vector<Said> said) {
    for (Said& one : said) {
      const auto known =
          std::ranges::find(said_, one.finding.code, [](const Said& other) { return other.finding.code; });
      if (known == said_.end()) {
        said_.push_back(std::move(one));
        continue;
      }
      if (one.plain > known->plain) known->finding = one.finding;
      known->plain = std::max(known->plain, one.plain);
      known->quoted = std::max(known->quoted, one.quoted);
    }
  }

  void add(std::vector<Finding> findings) {
    for (Finding& one : findings) {
      const auto known = std::ranges::find(findings_, one.code, &Finding::code);
      if (known == findings_.end()) {
        findings_.push_back(std::move(one));
      } else if (known->score < one.score) {
        *known = std::move(one);
      }
    }
  }

  Report finish() {
    Report report;
    for (Finding& one : findings_) add_finding(report, std::move(one));
    return report;
  }

  const Content& content_;
  std::vector<Said> said_;
  std::vector<Finding> findings_;
  std::vector<Link> links_;
  bool links_cut_ = false;
  Tone tone_;
  std::size_t discussion_ = 0;
  DecodeBudget decode_budget_;
};

// Within a family each further finding counts less; families add up like independent signs.
double combined(const std::vector<Finding>& findings) {
  double calm = 1;
  std::array<double, 5> weight{1, 1, 1, 1, 1};
  for (const Finding& one : findings) {
    double& rank = weight[static_cast<std::size_t>(one.category)];
    calm *= 1 - std::clamp(one.score, 0.0, 1.0) * rank;
    rank *= kRank;
  }
  return 1 - calm;
}

}  // namespace

void add_finding(Report& report, Finding finding) {
  const auto behind =
      std::ranges::upper_bound(report.findings, finding.score, std::greater{}, &Finding::score);
  report.findings.insert(behind, std::move(finding));
  if (report.findings.size() > kFindingsMax) report.findings.pop_back();
  report.score = combined(report.findings);
}

Report undecided(std::string_view code, std::string_view summary) {
  Report report;
  report.undecided = true;
  add_finding(report, {std::string(code), Category::prompt_injection, 0, std::string(summary), ""});
  return report;
}

Report screen(const Content& content) { return Screening(content).run(); }

MessageContent content_of(std::string_view raw, std::string_view verified_domain) {
  return {mail::decompose(raw), mail::parse(raw).attachments, std::string(verified_domain)};
}

Content MessageContent::view() const {
  Content content;
  content.subject = parts.subject;
  if (!parts.from.empty()) {
    content.from_display = parts.from.front().display_name;
    content.from_address = parts.from.front().address;
  }
  if (!parts.reply_to.empty()) content.reply_to_address = parts.reply_to.front().address;
  content.text = parts.text;
  content.html = parts.html;
  content.attachments = attachments;
  content.verified_domain = verified_domain;
  return content;
}

Report screen_message(std::string_view raw, std::string_view verified_domain) {
  const MessageContent content = content_of(raw, verified_domain);
  return screen(content.view());
}

Thresholds thresholds(Sensitivity sensitivity) {
  switch (sensitivity) {
    case Sensitivity::off:
      break;
    case Sensitivity::low:
      return {.flag = 0.65, .review = 0.85, .block = 0.985};
    case Sensitivity::medium:
      return {.flag = 0.4, .review = 0.6, .block = 0.95};
    case Sensitivity::high:
      return {.flag = 0.2, .review = 0.4, .block = 0.85};
  }
  CS_ASSERT(false);
}

Verdict judge(const Report& report, Sensitivity sensitivity) {
  if (sensitivity == Sensitivity::off) return Verdict::pass;
  const Thresholds limits = thresholds(sensitivity);
  if (report.score >= limits.block) return Verdict::block;
  if (report.score >= limits.review || report.undecided) return Verdict::review;
  return report.score >= limits.flag ? Verdict::flag : Verdict::pass;
}

}  // namespace countersign::screen
