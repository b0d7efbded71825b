// Screening of content: signs of prompt injection, hidden text, phishing and exfiltration, each with a score
// and a reason that a person can check. Pure: no network, clock or state.
//
// A finding is a suspicion, never a proof. What becomes of a message is judged by the agent's sensitivity.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mail/parse.hpp"

namespace countersign::screen {

enum class Category : std::uint8_t { prompt_injection, hidden_text, encoded_payload, phishing, exfiltration };
[[nodiscard]] std::string_view name_of(Category category);

struct Finding {
  std::string code;  // stable, "hidden_text.zero_font"
  Category category = Category::prompt_injection;
  double score = 0;     // 0 … 1, how much it counts by itself
  std::string summary;  // one sentence for a reviewer
  std::string excerpt;  // what was found, ≤ 200 bytes of valid UTF-8, made visible (escaped) where it was not
};

struct Report {
  std::vector<Finding> findings;  // highest score first, at most kFindingsMax
  double score = 0;               // of the whole message, 0 … 1
  bool undecided = false;         // something that was to look at it did not: a person has to
};
inline constexpr std::size_t kFindingsMax = 32;

/// What is looked at: text and HTML as they are in the message (not stripped of quoted history, not
/// sanitised), the decoded subject, names of attachments, and who it claims to be from.
struct Content {
  std::string_view subject;
  std::string_view from_display;  // display name of From
  std::string_view from_address;
  std::string_view reply_to_address;
  std::string_view text;
  std::string_view html;
  std::vector<mail::AttachmentInfo> attachments;
  /// The From domain if DMARC passed, else "".
  std::string_view verified_domain;
};

/// Bytes of text and of HTML that are looked at; more is a finding of its own.
inline constexpr std::size_t kScreenBytesMax = 4 * 1024 * 1024;

/// Any bytes give a report, in time linear in their number.
[[nodiscard]] Report screen(const Content& content);

/// What a stored message says, by itself: both bodies whole, quoted history included.
struct MessageContent {
  mail::Decomposition parts;
  std::vector<mail::AttachmentInfo> attachments;
  std::string verified_domain;

  /// Views into this.
  [[nodiscard]] Content view() const;
};
[[nodiscard]] MessageContent content_of(std::string_view raw, std::string_view verified_domain);

/// Screens a stored message.
/// verified_domain   the From domain if DMARC passed, else ""
[[nodiscard]] Report screen_message(std::string_view raw, std::string_view verified_domain);

/// Adds a finding from elsewhere, such as a detector, and counts the score again.
void add_finding(Report& report, Finding finding);

/// The report of something that was to be looked at and was not, with one finding that says so.
[[nodiscard]] Report undecided(std::string_view code, std::string_view summary);

enum class Sensitivity : std::uint8_t { off, low, medium, high };
enum class Verdict : std::uint8_t { pass, flag, review, block };

/// From which score a verdict holds.
struct Thresholds {
  double flag;
  double review;
  double block;
};
/// `sensitivity` other than off.
[[nodiscard]] Thresholds thresholds(Sensitivity sensitivity);

/// What the score means at a sensitivity; at least a review for a report that is undecided.
[[nodiscard]] Verdict judge(const Report& report, Sensitivity sensitivity);

}  // namespace countersign::screen
