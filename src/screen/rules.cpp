#include "screen/rules.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "mail/utf8.hpp"
#include "screen/matcher.hpp"

namespace countersign::screen {
namespace {

constexpr std::size_t kIdeasMax = 4;       // of one rule
constexpr std::size_t kUnlessBefore = 60;  // bytes before a match where "never" still counts
constexpr std::size_t kAdjacent = 1;       // bytes between "my" and what is mine
constexpr std::size_t kWrappedLine = 40;   // bytes of a line that may have been broken anywhere
constexpr std::size_t kQuoteReach = 300;   // bytes around a match where a quotation begins and ends
constexpr double kHardly = 0.18;           // what people say all day: counts beside other signs only
constexpr double kDisguised = 0.25;        // added when the words were disguised
constexpr double kUnseen = 0.2;            // added when nobody sees them
constexpr double kQuoted = 0.3;            // factor for quotations in a text about attacks

struct Rule {
  std::string_view code;
  Category category;
  double score;
  std::size_t window;  // bytes from the first idea to the end of the last
  std::array<std::optional<Idea>, kIdeasMax> ideas;
  std::optional<Idea> unless;
  std::string_view summary;
};

using enum Category;
constexpr std::array kRules = std::to_array<Rule>({
    {"prompt_injection.override_all",
     prompt_injection,
     0.8,
     110,
     {Idea::ignore, Idea::all, Idea::prior, Idea::instruct},
     Idea::mine,
     "Tells the reader to ignore all of its previous instructions."},
    {"prompt_injection.override",
     prompt_injection,
     0.62,
     70,
     {Idea::ignore, Idea::prior, Idea::instruct},
     Idea::mine,
     "Tells the reader to ignore its previous instructions."},
    {"prompt_injection.override_own",
     prompt_injection,
     0.5,
     45,
     {Idea::ignore, Idea::all, Idea::instruct},
     Idea::mine,
     "Tells the reader to ignore its instructions."},
    {"prompt_injection.correction",
     prompt_injection,
     0.2,
     70,
     {Idea::ignore, Idea::prior, Idea::instruct},
     {},
     "Asks to disregard earlier instructions, as people do who correct themselves."},
    {"prompt_injection.ai_addressed",
     prompt_injection,
     0.45,
     60,
     {Idea::ai_called},
     {},
     "Addresses an AI that may be reading."},
    {"prompt_injection.ai_commanded",
     prompt_injection,
     0.68,
     220,
     {Idea::ai_called, Idea::act},
     {},
     "Addresses an AI that may be reading and tells it what to do."},
    {"prompt_injection.new_task",
     prompt_injection,
     0.45,
     60,
     {Idea::new_task},
     {},
     "Gives the reader a new task."},
    {"prompt_injection.new_task_for_ai",
     prompt_injection,
     0.65,
     200,
     {Idea::new_task, Idea::ai},
     {},
     "Gives an AI a new task."},
    {"prompt_injection.new_task_order",
     prompt_injection,
     0.64,
     120,
     {Idea::new_task, Idea::act},
     {},
     "Gives the reader a new task and tells what to do."},
    {"prompt_injection.new_task_follow_ai",
     prompt_injection,
     0.64,
     120,
     {Idea::follow_these, Idea::ai},
     {},
     "Tells an AI to follow instructions."},
    {"prompt_injection.new_task_follow",
     prompt_injection,
     kHardly,
     120,
     {Idea::follow_these, Idea::act},
     {},
     "Tells the reader to follow instructions."},
    {"prompt_injection.persona",
     prompt_injection,
     0.72,
     140,
     {Idea::you_are, Idea::persona},
     {},
     "Puts the reader into a role without rules."},
    {"prompt_injection.persona_mode",
     prompt_injection,
     0.72,
     140,
     {Idea::switch_on, Idea::unbound},
     {},
     "Switches the reader into a mode without rules."},
    {"prompt_injection.persona_mode_ai",
     prompt_injection,
     0.68,
     140,
     {Idea::switch_on, Idea::mode, Idea::ai},
     {},
     "Switches an AI into a mode without rules."},
    {"prompt_injection.conceal",
     prompt_injection,
     0.6,
     70,
     {Idea::conceal, Idea::owner},
     {},
     "Asks to keep something from the user."},
    {"prompt_injection.reveal_prompt",
     prompt_injection,
     0.62,
     80,
     {Idea::reveal, Idea::system_prompt},
     {},
     "Asks for the system prompt or the instructions of an AI."},
    {"prompt_injection.reveal_prompt_term",
     prompt_injection,
     0.38,
     80,
     {Idea::reveal, Idea::prompt_term},
     {},
     "Speaks of revealing a system prompt."},
    {"prompt_injection.control_token",
     prompt_injection,
     0.62,
     60,
     {Idea::control_token},
     {},
     "Holds control marks of a language model."},
    {"prompt_injection.role",
     prompt_injection,
     0.5,
     160,
     {Idea::role, Idea::act},
     {},
     "Imitates a turn of a conversation with an AI."},
    {"prompt_injection.role_override",
     prompt_injection,
     0.68,
     160,
     {Idea::role, Idea::instruct},
     {},
     "Imitates a system message with instructions."},
    {"prompt_injection.tool_call",
     prompt_injection,
     0.55,
     60,
     {Idea::tool_call},
     {},
     "Imitates a tool call or the result of a tool."},
    {"prompt_injection.tool_call_order",
     prompt_injection,
     0.66,
     200,
     {Idea::tool_call, Idea::act},
     {},
     "Imitates a tool call or its result and tells the reader what to do."},
    {"prompt_injection.data_end",
     prompt_injection,
     0.25,
     60,
     {Idea::data_end},
     {},
     "Pretends that the message ends here."},
    {"prompt_injection.data_end_order",
     prompt_injection,
     0.66,
     260,
     {Idea::data_end, Idea::instruct},
     {},
     "Pretends that the message ends and instructions begin."},
    {"prompt_injection.authority",
     prompt_injection,
     0.66,
     220,
     {Idea::authority, Idea::act},
     {},
     "Claims to speak for the system, its developer or its administrator."},
    {"prompt_injection.authority_ai",
     prompt_injection,
     0.66,
     220,
     {Idea::notice, Idea::act, Idea::ai},
     {},
     "Claims to speak to an AI for its system or its administrator."},
    {"prompt_injection.authority_notice",
     prompt_injection,
     kHardly,
     220,
     {Idea::notice, Idea::act},
     {},
     "Says what to do in the name of a system or an administrator."},
    {"prompt_injection.approval",
     prompt_injection,
     0.5,
     80,
     {Idea::approval},
     {},
     "Asks to pass without review or to count as safe."},
    {"prompt_injection.approval_by_ai",
     prompt_injection,
     0.7,
     240,
     {Idea::approval, Idea::ai},
     {},
     "Asks an AI to pass something without review."},
    {"prompt_injection.mailbox_order",
     prompt_injection,
     0.55,
     240,
     {Idea::mail_act, Idea::ai},
     {},
     "Tells an AI what to do with the mailbox."},
    {"prompt_injection.ignore_ai",
     prompt_injection,
     0.55,
     110,
     {Idea::ignore, Idea::instruct, Idea::ai},
     Idea::mine,
     "Tells an AI to ignore instructions."},
    {"prompt_injection.remote",
     prompt_injection,
     0.62,
     160,
     {Idea::fetch, Idea::url, Idea::follow},
     {},
     "Asks to fetch a page and do what it says."},
    {"prompt_injection.remote_there",
     prompt_injection,
     0.62,
     160,
     {Idea::fetch, Idea::url, Idea::follow_there, Idea::there},
     {},
     "Asks to fetch a page and follow what stands there."},
    {"prompt_injection.remote_ai",
     prompt_injection,
     0.62,
     160,
     {Idea::fetch, Idea::url, Idea::follow_there, Idea::ai},
     {},
     "Asks an AI to fetch a page and follow what stands there."},
    {"prompt_injection.remote_steps",
     prompt_injection,
     kHardly,
     160,
     {Idea::fetch, Idea::url, Idea::follow_there},
     {},
     "Asks to open a page and follow its steps."},

    {"exfiltration.secrets_to_address",
     exfiltration,
     0.62,
     220,
     {Idea::send, Idea::secret, Idea::address},
     Idea::never,
     "Asks to send secrets to an address."},
    {"exfiltration.secrets_to_url",
     exfiltration,
     0.62,
     220,
     {Idea::send, Idea::secret, Idea::url},
     Idea::never,
     "Asks to send secrets to a URL."},
    {"exfiltration.secrets",
     exfiltration,
     0.36,
     70,
     {Idea::send, Idea::secret},
     Idea::never,
     "Asks for secrets."},
    {"exfiltration.mailbox_to_address",
     exfiltration,
     0.66,
     240,
     {Idea::send, Idea::mailbox, Idea::address},
     Idea::never,
     "Asks to send mail or contacts of the mailbox to an address."},
    {"exfiltration.mailbox_to_url",
     exfiltration,
     0.66,
     240,
     {Idea::send, Idea::mailbox, Idea::url},
     Idea::never,
     "Asks to send mail or contacts of the mailbox to a URL."},
    {"exfiltration.mailbox",
     exfiltration,
     0.4,
     80,
     {Idea::send, Idea::mailbox},
     Idea::never,
     "Asks for other mail or contacts of the mailbox."},
    {"exfiltration.append_to_url",
     exfiltration,
     0.64,
     260,
     {Idea::append, Idea::conversation, Idea::url},
     {},
     "Asks to put what the reader knows into a URL."},
    {"exfiltration.append_secret",
     exfiltration,
     0.64,
     260,
     {Idea::append, Idea::secret, Idea::url},
     {},
     "Asks to put secrets into a URL."},
    {"exfiltration.catcher", exfiltration, 0.4, 60, {Idea::drop}, {}, "Names a host that collects requests."},
    {"exfiltration.catcher_send",
     exfiltration,
     0.62,
     240,
     {Idea::drop, Idea::send},
     {},
     "Asks to send something to a host that collects requests."},

    {"phishing.credentials",
     phishing,
     0.3,
     360,
     {Idea::urgent, Idea::account, Idea::click},
     Idea::never,
     "Presses for an account to be confirmed through a link."},
    {"phishing.gift_cards", phishing, 0.35, 60, {Idea::gift_card}, {}, "Speaks of gift cards."},
    {"phishing.gift_cards_pressed",
     phishing,
     0.66,
     400,
     {Idea::gift_card, Idea::secrecy},
     {},
     "Asks for gift cards in secrecy."},
    {"phishing.gift_cards_urgent",
     phishing,
     0.36,
     400,
     {Idea::gift_card, Idea::urgent},
     {},
     "Presses for gift cards."},
    {"phishing.bank_details", phishing, 0.45, 80, {Idea::bank}, {}, "Announces new bank details."},
    {"phishing.bank_details_payment",
     phishing,
     0.55,
     400,
     {Idea::bank, Idea::money, Idea::urgent},
     {},
     "Announces new bank details and presses for a payment."},
    {"phishing.secret_payment",
     phishing,
     0.52,
     400,
     {Idea::secrecy, Idea::money, Idea::urgent},
     {},
     "Presses for a payment in secrecy."},
    {"phishing.advance_fee",
     phishing,
     0.55,
     400,
     {Idea::prize, Idea::money},
     {},
     "Promises money that one would have to pay for."},
});

struct Match {
  std::size_t begin = 0;
  std::size_t end = 0;
  double score = 0;
};

// For each idea the rules that it can complete.
struct RuleIndex {
  RuleIndex() {
    for (std::size_t i = 0; i < kRules.size(); ++i) {
      for (const auto& idea : kRules[i].ideas) {
        if (idea) by_idea[static_cast<std::size_t>(*idea)].push_back(static_cast<std::uint8_t>(i));
      }
    }
  }
  std::array<std::vector<std::uint8_t>, kIdeas> by_idea;
};

class Reader {
 public:
  Reader(std::string_view text, Place place) : text_(text), place_(place), folded_(fold(text)) {
    for (std::size_t i = 0; i < kMarks.size(); ++i) {
      const std::string_view folded = folded_.text;
      for (std::size_t at = folded.find(kMarks[i]); at != std::string_view::npos;
           at = folded.find(kMarks[i], at + 1)) {
        marks_[i].push_back(static_cast<std::uint32_t>(at));
      }
    }
  }

  Reading run() {
    static const RuleIndex index;
    for (const Hit& hit : find_ideas(folded_)) {
      last_[static_cast<std::size_t>(hit.idea)] = hit;
      note(hit);
      for (const std::uint8_t rule : index.by_idea[static_cast<std::size_t>(hit.idea)]) try_rule(rule, hit);
    }
    reading_.discussion = discussion_words_.size();
    for (std::size_t i = 0; i < kRules.size(); ++i) {
      if (plain_[i] || quoted_[i]) reading_.said.push_back(said(i));
    }
    return std::move(reading_);
  }

 private:
  void note(const Hit& hit) {
    reading_.pressure |= hit.idea == Idea::urgent;
    reading_.credentials |= hit.idea == Idea::account;
    reading_.money |= hit.idea == Idea::money || hit.idea == Idea::bank || hit.idea == Idea::gift_card;
    reading_.rot13 |= hit.idea == Idea::rot13;
    reading_.reversed |= hit.idea == Idea::reversed;
    if (hit.idea != Idea::discuss || discussion_words_.size() >= 8) return;
    const std::string_view word = std::string_view(folded_.text).substr(hit.begin, hit.end - hit.begin);
    if (std::ranges::find(discussion_words_, word) == discussion_words_.end())
      discussion_words_.push_back(word);
  }

  void try_rule(std::size_t number, const Hit& completing) {
    const Rule& rule = kRules[number];
    std::size_t begin = completing.begin;
    for (const auto& idea : rule.ideas) {
      if (!idea) break;
      const auto& hit = last_[static_cast<std::size_t>(*idea)];
      if (!hit || hit->begin + rule.window < completing.end) return;
      begin = std::min<std::size_t>(begin, hit->begin);
    }
    if (rule.unless && excepted(rule, begin)) return;
    Match match{begin, completing.end, rule.score};
    if (folded_.disguised(match.begin, match.end)) match.score += kDisguised;
    if (place_ != Place::open) match.score += kUnseen;
    match.score = std::min(match.score, kSaidMax);
    auto& best = place_ == Place::open && (quoted(match.begin) || quoted(completing.begin)) ? quoted_[number]
                                                                                            : plain_[number];
    if (!best || best->score < match.score) best = match;
  }

  // Whether what would match from `begin` on is about what one has said oneself ("ignore my previous
  // instructions"), or about what is never to be done.
  [[nodiscard]] bool excepted(const Rule& rule, std::size_t begin) const {
    const auto& exception = last_[static_cast<std::size_t>(*rule.unless)];
    if (!exception) return false;
    const std::string_view text = folded_.text;
    if (rule.unless == Idea::mine) return exception->end + kAdjacent >= begin;
    if (exception->end + kUnlessBefore < begin || text.substr(exception->begin).starts_with("never mind"))
      return false;
    // In the middle it is about what comes next.
    std::optional<std::size_t> next;
    for (const auto& idea : rule.ideas) {
      if (!idea) break;
      const auto& hit = last_[static_cast<std::size_t>(*idea)];
      if (hit->begin >= exception->begin) next = std::min<std::size_t>(next.value_or(hit->begin), hit->begin);
    }
    return !next || !sentence_ends(exception->end, *next);
  }

  // A mark with a blank behind it, or the end of a line that was not simply full.
  [[nodiscard]] bool sentence_ends(std::size_t from, std::size_t to) const {
    const std::string_view text = folded_.text;
    for (std::size_t at = from; at < to; ++at) {
      const char c = text[at];
      if (c == '\n') {
        const std::size_t start = at > kWrappedLine ? at - kWrappedLine : 0;
        if (start == 0 || text.substr(start, at - start).find('\n') != std::string_view::npos) return true;
      }
      const bool mark = c == '.' || c == '!' || c == '?';
      if (mark && (at + 1 == text.size() || text[at + 1] == ' ' || text[at + 1] == '\n')) return true;
    }
    return false;
  }

  // Inside quotation marks or backticks that close again.
  [[nodiscard]] bool quoted(std::size_t at) const {
    const std::size_t from = at > kQuoteReach ? at - kQuoteReach : 0;
    return std::ranges::any_of(marks_, [&](const std::vector<std::uint32_t>& marks) {
      const auto behind = std::ranges::lower_bound(marks, at);
      const auto before = behind - std::ranges::lower_bound(marks, from);
      return before % 2 == 1 && behind != marks.end() && *behind < at + kQuoteReach;
    });
  }

  [[nodiscard]] Said said(std::size_t number) const {
    const auto& plain = plain_[number];
    const auto& quoted = quoted_[number];
    return {finding(kRules[number], plain ? *plain : *quoted), plain ? plain->score : 0,
            quoted ? quoted->score : 0};
  }

  [[nodiscard]] Finding finding(const Rule& rule, const Match& match) const {
    constexpr std::size_t kAround = 24;
    std::size_t from = folded_.source_of(match.begin);
    std::size_t to = std::max(folded_.source_of(match.end), from) + kAround;
    from = from > kAround ? from - kAround : 0;
    while (from < text_.size() && (static_cast<unsigned char>(text_[from]) & 0xc0) == 0x80) ++from;
    const std::string_view excerpt = mail::cut_utf8(text_.substr(from), to - from);
    return {std::string(rule.code), rule.category, match.score, std::string(rule.summary),
            visible_excerpt(excerpt)};
  }

  std::string_view text_;
  Place place_;
  Folded folded_;
  Reading reading_;
  std::array<std::optional<Hit>, kIdeas> last_;
  std::array<std::optional<Match>, kRules.size()> plain_;
  std::array<std::optional<Match>, kRules.size()> quoted_;
  static constexpr std::array kMarks{'"', '`'};
  std::array<std::vector<std::uint32_t>, kMarks.size()> marks_;  // where they stand in the folded text
  std::vector<std::string_view> discussion_words_;
};

// Rules of one group say the same more or less precisely.
constexpr std::array<std::string_view, 17> kGroups{
    "prompt_injection.override", "prompt_injection.persona", "prompt_injection.authority",
    "prompt_injection.remote",   "prompt_injection.ai_",     "prompt_injection.new_task",
    "prompt_injection.role",     "prompt_injection.tool_",   "prompt_injection.data_end",
    "prompt_injection.approval", "prompt_injection.reveal_", "exfiltration.catcher",
    "exfiltration.secrets",      "exfiltration.mailbox",     "exfiltration.append_",
    "phishing.gift_cards",       "phishing.bank_details"};

std::string_view group_of(std::string_view code) {
  if (code == "prompt_injection.correction" || code == "prompt_injection.ignore_ai") return kGroups.front();
  for (const std::string_view group : kGroups) {
    if (code.starts_with(group)) return group;
  }
  return code;
}

}  // namespace

Reading read_text(std::string_view text, Place place) { return Reader(text, place).run(); }

std::vector<Finding> settle(std::vector<Said> said, bool discusses_attacks) {
  for (Said& one : said) {
    one.finding.score = std::max(one.plain, one.quoted * (discusses_attacks ? kQuoted : 1));
  }
  std::ranges::sort(said, [](const Said& a, const Said& b) {
    if (a.finding.score != b.finding.score) return a.finding.score > b.finding.score;
    return a.finding.code < b.finding.code;
  });
  std::vector<Finding> out;
  for (Said& one : said) {
    const auto same = [&](const Finding& other) {
      return group_of(other.code) == group_of(one.finding.code);
    };
    if (std::ranges::none_of(out, same)) out.push_back(std::move(one.finding));
  }
  return out;
}

}  // namespace countersign::screen
