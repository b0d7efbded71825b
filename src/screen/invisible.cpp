#include "screen/invisible.hpp"

#include <algorithm>

#include "mail/utf8.hpp"
#include "screen/encoded.hpp"
#include "screen/fold.hpp"

namespace countersign::screen {
namespace {

constexpr std::size_t kDecodedMax = 64 * 1024;
constexpr std::size_t kRunMin = 16;       // zero-width characters in a row that may be bits
constexpr std::size_t kInWordsMin = 3;    // words with something invisible inside
constexpr std::size_t kSelectorsMin = 4;  // variation selectors behind one character
constexpr char32_t kBlackFlag = 0x1f3f4;  // begins the flags of England, Scotland and Wales

bool is_tag(char32_t c) { return c >= 0xe0000 && c <= 0xe007f; }
bool is_selector(char32_t c) { return (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0100 && c <= 0xe01ef); }
bool is_zero_width(char32_t c) {
  return (c >= 0x200b && c <= 0x200d) || (c >= 0x2060 && c <= 0x2064) || c == 0xfeff || c == 0x180e;
}
bool is_latin(char32_t c) { return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z'); }
bool is_right_to_left(char32_t c) {
  return (c >= 0x590 && c <= 0x8ff) || (c >= 0xfb1d && c <= 0xfdff) || (c >= 0xfe70 && c <= 0xfefc);
}

class Finder {
 public:
  explicit Finder(std::string_view text) : text_(text) {}

  Invisible run() {
    for (std::size_t i = 0; i < text_.size();) {
      const mail::CodePoint c = mail::code_point_at(text_, i);
      take(c.value, i);
      i += c.bytes;
    }
    end_run();
    end_selectors();
    end_override(text_.size());
    report();
    // One text of a kind, not one a place: many small ones would cost more to read than they hold.
    for (std::string* spelled : {&tagged_, &bits_, &swapped_bits_, &bytes_, &turned_}) {
      if (!spelled->empty()) out_.decoded.push_back(std::move(*spelled));
    }
    return std::move(out_);
  }

 private:
  static void append(std::string& spelled, std::string_view more) {
    if (!spelled.empty()) spelled.push_back('\n');
    spelled += more;
  }

  void take(char32_t c, std::size_t at) {
    if (is_tag(c)) {
      if (before_ == kBlackFlag) in_flag_ = true;
      if (!in_flag_) {
        if (tags_++ == 0) tags_at_ = at;
        if (c >= 0xe0020 && tagged_.size() < kDecodedMax) tagged_.push_back(static_cast<char>(c - 0xe0000));
      }
    } else {
      in_flag_ = false;
    }
    is_zero_width(c) ? in_run(c, at) : end_run();
    is_selector(c) ? in_selectors(c, at) : end_selectors();
    if (pending_ && is_latin(c)) {
      if (in_words_++ == 0) in_words_at_ = at;
    }
    pending_ = is_zero_width(c) && (is_latin(before_) || pending_);
    if (c == 0x202d || c == 0x202e) {
      end_override(at);
      if (overrides_++ == 0) override_at_ = at;
      reversed_from_ = at + 3;
    } else if (c == 0x202c || c == U'\n') {
      end_override(at);
    }
    right_to_left_ |= is_right_to_left(c);
    before_ = c;
  }

  void in_run(char32_t c, std::size_t at) {
    if (run_.empty()) run_at_ = at;
    if (run_.size() < kDecodedMax) run_.push_back(c);
  }

  // Two kinds of characters are bits, one for each value.
  void end_run() {
    if (run_.size() >= kRunMin) {
      std::u32string kinds = run_;
      std::ranges::sort(kinds);
      kinds.erase(std::ranges::unique(kinds).begin(), kinds.end());
      if (kinds.size() >= 2) {
        if (runs_++ == 0) long_run_at_ = run_at_;
        decode_bits(kinds[0], kinds[1]);
      }
    }
    run_.clear();
  }

  void decode_bits(char32_t zero, char32_t one) {
    for (const bool swapped : {false, true}) {
      std::string text;
      unsigned value = 0;
      unsigned bits = 0;
      for (const char32_t c : run_) {
        if (c != zero && c != one) continue;
        value = (value << 1) | static_cast<unsigned>((c == one) != swapped);
        if (++bits % 8 == 0) text.push_back(static_cast<char>(value & 0xff));
      }
      const auto printable = [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); };
      if (!text.empty() && std::ranges::all_of(text, printable))
        append(swapped ? swapped_bits_ : bits_, text);
    }
  }

  void in_selectors(char32_t c, std::size_t at) {
    if (selected_.empty()) selectors_at_ = at;
    const auto byte = c >= 0xe0100 ? c - 0xe0100 + 16 : c - 0xfe00;
    if (selected_.size() < kDecodedMax) selected_.push_back(static_cast<char>(byte));
  }

  void end_selectors() {
    if (selected_.size() >= kSelectorsMin) {
      if (selector_runs_++ == 0) first_selectors_at_ = selectors_at_;
      append(bytes_, mail::repair_utf8(selected_));
    }
    selected_.clear();
  }

  // What is shown backwards.
  void end_override(std::size_t at) {
    if (reversed_from_ == 0 || reversed_from_ > at) return;
    append(turned_,
           backwards(mail::cut_utf8(text_.substr(reversed_from_, at - reversed_from_), kDecodedMax)));
    reversed_from_ = 0;
  }

  void report() {
    if (tags_ > 0) {
      add("hidden_text.tag_characters", tags_ >= 4 ? 0.6 : 0.3,
          fmt::format("Holds {} invisible tag characters.", tags_), tags_at_);
    }
    if (selector_runs_ > 0) {
      add("hidden_text.variation_selectors", 0.55, "Holds bytes written as invisible variation selectors.",
          first_selectors_at_);
    }
    if (runs_ > 0)
      add("hidden_text.zero_width_run", 0.4, "Holds a long run of characters without width.", long_run_at_);
    if (in_words_ >= kInWordsMin) {
      add("hidden_text.zero_width", std::min(0.25 + 0.02 * static_cast<double>(in_words_), 0.5),
          fmt::format("Holds characters without width inside {} words.", in_words_), in_words_at_);
    }
    if (overrides_ > 0) {
      add("hidden_text.direction_override", right_to_left_ ? 0.25 : 0.45,
          "Turns the direction of text, so that it reads differently from what it is.", override_at_);
    }
  }

  void add(std::string code, double score, std::string summary, std::size_t at) {
    constexpr std::size_t kBefore = 16;
    std::size_t from = at > kBefore ? at - kBefore : 0;
    while (from < at && (static_cast<unsigned char>(text_[from]) & 0xc0) == 0x80) ++from;
    out_.findings.push_back({std::move(code), Category::hidden_text, score, std::move(summary),
                             visible_excerpt(mail::cut_utf8(text_.substr(from), 160))});
  }

  std::string_view text_;
  Invisible out_;
  char32_t before_ = 0;
  bool in_flag_ = false;
  std::size_t tags_ = 0;
  std::size_t tags_at_ = 0;
  // What they spell: tags, bits either way, variation selectors, text that is turned around.
  std::string tagged_;
  std::string bits_;
  std::string swapped_bits_;
  std::string bytes_;
  std::string turned_;
  std::u32string run_;
  std::size_t run_at_ = 0;
  std::size_t runs_ = 0;
  std::size_t long_run_at_ = 0;
  std::string selected_;
  std::size_t selectors_at_ = 0;
  std::size_t selector_runs_ = 0;
  std::size_t first_selectors_at_ = 0;
  bool pending_ = false;
  std::size_t in_words_ = 0;
  std::size_t in_words_at_ = 0;
  std::size_t overrides_ = 0;
  std::size_t override_at_ = 0;
  std::size_t reversed_from_ = 0;
  bool right_to_left_ = false;
};

}  // namespace

Invisible find_invisible(std::string_view text) {
  if (mail::is_ascii(text)) return {};
  return Finder(text).run();
}

}  // namespace countersign::screen
