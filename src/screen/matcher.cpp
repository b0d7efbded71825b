#include "screen/matcher.hpp"

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "base/assert.hpp"
#include "mail/utf8.hpp"

namespace countersign::screen {
namespace {

constexpr std::size_t kBorderlessMin = 5;  // bytes of a term that may stand inside a joined word
constexpr std::uint16_t kNone = std::numeric_limits<std::uint16_t>::max();

bool is_word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || byte >= 0x80;
}

// Kana and ideographs, which are written without spaces.
bool is_unspaced(char32_t c) { return (c >= 0x3040 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x9fff); }

struct Term {
  Idea idea = Idea::ignore;
  std::uint16_t bytes = 0;
  bool left = true;  // a border is needed there
  bool right = true;
  std::uint16_t next = kNone;  // another term with the same end
};

class Automaton {
 public:
  Automaton() {
    const std::vector<Terms> all = all_terms();
    for (const Terms& terms : all) read(terms);
    number_bytes();
    for (std::size_t i = 0; i < terms_.size(); ++i) insert(static_cast<std::uint16_t>(i));
    link();
    texts_ = {};
  }

  template <typename Found>
  void run(std::string_view text, const Found& found) const {
    std::uint16_t state = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      state = next_[state * width_ + class_[static_cast<unsigned char>(text[i])]];
      for (std::uint16_t term = ends_[state]; term != kNone; term = terms_[term].next)
        found(terms_[term], i + 1);
      for (std::uint16_t shorter = report_[state]; shorter != 0; shorter = report_[shorter]) {
        for (std::uint16_t term = ends_[shorter]; term != kNone; term = terms_[term].next)
          found(terms_[term], i + 1);
      }
    }
  }

 private:
  void read(const Terms& terms) {
    std::string_view rest = terms.words;
    while (!rest.empty()) {
      const std::size_t bar = std::min(rest.find('|'), rest.size());
      // `|` is part of control tokens: <|im_start|>
      const bool token = rest.starts_with("<|");
      const std::size_t end = token ? rest.find("|>") + 2 : bar;
      std::string_view word = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const bool any_ending = word.ends_with('*');
      if (any_ending) word.remove_suffix(1);
      std::string text = fold(word).text;
      CS_ASSERT(!text.empty() && text.size() < 100);
      Term term{.idea = terms.idea, .bytes = static_cast<std::uint16_t>(text.size())};
      const bool unspaced = is_unspaced(mail::code_point_at(word, 0).value) || holds_unspaced(word);
      term.left = !unspaced && is_word_byte(text.front());
      term.right = !unspaced && !any_ending && is_word_byte(text.back());
      terms_.push_back(term);
      texts_.push_back(std::move(text));
    }
  }

  static bool holds_unspaced(std::string_view word) {
    for (std::size_t i = 0; i < word.size();) {
      const mail::CodePoint c = mail::code_point_at(word, i);
      if (is_unspaced(c.value)) return true;
      i += c.bytes;
    }
    return false;
  }

  // A line end matches a space.
  void number_bytes() {
    width_ = 1;  // class 0: a byte of no term
    for (const std::string& text : texts_) {
      for (const char c : text) {
        auto& number = class_[static_cast<unsigned char>(c)];
        if (number == 0) number = static_cast<std::uint8_t>(width_++);
      }
    }
    class_['\n'] = class_[' '];
    add_state();
  }

  std::uint16_t add_state() {
    CS_ASSERT(ends_.size() < kNone);
    next_.resize(next_.size() + width_, 0);
    ends_.push_back(kNone);
    report_.push_back(0);
    return static_cast<std::uint16_t>(ends_.size() - 1);
  }

  void insert(std::uint16_t term) {
    std::uint16_t state = 0;
    for (const char c : texts_[term]) {
      const std::size_t edge = state * width_ + class_[static_cast<unsigned char>(c)];
      if (next_[edge] == 0) {
        const std::uint16_t added = add_state();
        next_[edge] = added;
      }
      state = next_[edge];
    }
    terms_[term].next = ends_[state];
    ends_[state] = term;
  }

  // Missing edges lead where the longest proper suffix leads; breadth first.
  void link() {
    std::vector<std::uint16_t> failure(ends_.size(), 0);
    std::vector<std::uint16_t> queue{};
    for (std::size_t c = 0; c < width_; ++c) {
      if (next_[c] != 0) queue.push_back(next_[c]);
    }
    for (std::size_t at = 0; at < queue.size(); ++at) {
      const std::uint16_t state = queue[at];
      const std::uint16_t suffix = failure[state];
      report_[state] = ends_[suffix] != kNone ? suffix : report_[suffix];
      for (std::size_t c = 0; c < width_; ++c) {
        std::uint16_t& edge = next_[state * width_ + c];
        const std::uint16_t other = next_[suffix * width_ + c];
        if (edge == 0) {
          edge = other;
        } else {
          failure[edge] = other;
          queue.push_back(edge);
        }
      }
    }
  }

  std::vector<Term> terms_;
  std::vector<std::string> texts_;  // while building
  std::array<std::uint8_t, 256> class_{};
  std::size_t width_ = 1;
  std::vector<std::uint16_t> next_;    // state × class
  std::vector<std::uint16_t> ends_;    // first term that ends in a state
  std::vector<std::uint16_t> report_;  // nearest suffix state with a term; 0: none
};

// The character before `at` is no part of a word that goes on there.
bool border_before(std::string_view text, std::size_t at) {
  if (at == 0 || !is_word_byte(text[at - 1])) return true;
  std::size_t start = at - 1;
  while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xc0) == 0x80) --start;
  return is_unspaced(mail::code_point_at(text, start).value);
}

bool border_behind(std::string_view text, std::size_t at) {
  return at == text.size() || !is_word_byte(text[at]) || is_unspaced(mail::code_point_at(text, at).value);
}

bool at_line_start(std::string_view text, std::size_t at) {
  while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '*' || text[at - 1] == '#' || text[at - 1] == '['))
    --at;
  return at == 0 || text[at - 1] == '\n';
}

}  // namespace

std::vector<Hit> find_ideas(const Folded& folded) {
  static const Automaton automaton;
  const std::string_view text = folded.text;
  std::vector<Hit> hits;
  std::size_t mark = 0;  // of an address, the next one
  const auto addresses_before = [&](std::size_t end) {
    for (mark = text.find('@', mark); mark < end; mark = text.find('@', mark + 1)) {
      const bool inside =
          mark > 0 && is_word_byte(text[mark - 1]) && mark + 1 < text.size() && is_word_byte(text[mark + 1]);
      if (inside)
        hits.push_back(
            {Idea::address, static_cast<std::uint32_t>(mark), static_cast<std::uint32_t>(mark + 1)});
    }
  };
  automaton.run(text, [&](const Term& term, std::size_t end) {
    const std::size_t begin = end - term.bytes;
    const bool borders =
        (!term.left || border_before(text, begin)) && (!term.right || border_behind(text, end));
    if (!borders) {
      const Folded::Word* word = term.bytes >= kBorderlessMin ? folded.word_at(begin) : nullptr;
      if (word == nullptr || !word->joined) return;
    }
    if (term.idea == Idea::role && !at_line_start(text, begin)) return;
    addresses_before(end);
    hits.push_back({term.idea, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
  });
  addresses_before(text.size());
  return hits;
}

}  // namespace countersign::screen
