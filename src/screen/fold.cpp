#include "screen/fold.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "mail/utf8.hpp"

namespace countersign::screen {
namespace {

constexpr std::size_t kWordMax = 256;    // code points; a longer word is cut into several
constexpr std::size_t kSetApartMin = 4;  // single letters in a row that are one word set apart
constexpr double kMostlyLatin = 4;       // Latin letters for each Cyrillic or Greek one

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_latin(char32_t c) { return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z'); }
bool is_cyrillic(char32_t c) { return c >= 0x400 && c <= 0x52f; }
bool is_greek(char32_t c) { return c >= 0x370 && c <= 0x3ff; }
bool is_combining(char32_t c) {
  return (c >= 0x300 && c <= 0x36f) || (c >= 0x1ab0 && c <= 0x1aff) || (c >= 0x1dc0 && c <= 0x1dff) ||
         (c >= 0x20d0 && c <= 0x20ff) || (c >= 0xfe20 && c <= 0xfe2f);
}
bool is_blank(char32_t c) {
  return c == U' ' || (c >= 9 && c <= 13) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

// Latin-1 Supplement and Latin Extended-A without their accents, from U+00C0; `.` stands for no single
// letter.
constexpr std::string_view kUnaccented =
    "aaaaaa.ceeeeiiiidnooooo.ouuuuy..aaaaaa.ceeeeiiiidnooooo.ouuuuy.y"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii..jjkkklllllll"
    "lllnnnnnnnnnoooooo..rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

// Letters and digits in one of the styles of U+1D400: 52 letters each, then digits from U+1D7CE.
char mathematical(char32_t c) {
  if (c >= 0x1d400 && c <= 0x1d6a3) {
    const auto letter = (c - 0x1d400) % 52;
    return static_cast<char>('a' + letter % 26);
  }
  if (c >= 0x1d7ce && c <= 0x1d7ff) return static_cast<char>('0' + (c - 0x1d7ce) % 10);
  return '\0';
}

// Letters that stand in Letterlike Symbols, and so are missing from the styles above, and the others there.
char letterlike(char32_t c) {
  static constexpr std::u32string_view kSymbols = U"ℂℊℋℌℍℎℏℐℑℒℓℕℙℚℛℜℝℤℨKÅℬℭℯℰℱℳℴℹⅅⅆⅇⅈⅉ";
  static constexpr std::string_view kLetters = "cghhhhhiillnpqrrrzzkabceefmoiddeij";
  static_assert(kSymbols.size() == kLetters.size());
  if (c < 0x2100 || c > 0x214f) return '\0';
  const auto at = kSymbols.find(c);
  return at == kSymbols.npos ? '\0' : kLetters[at];
}

// Enclosed, small-capital and superscript letters.
char stylised(char32_t c) {
  if (const char letter = mathematical(c); letter != '\0') return letter;
  if (const char letter = letterlike(c); letter != '\0') return letter;
  if (c >= 0x24b6 && c <= 0x24e9) return static_cast<char>('a' + (c - 0x24b6) % 26);
  if (c >= 0x249c && c <= 0x24b5) return static_cast<char>('a' + (c - 0x249c));
  if (c >= 0x1f110 && c <= 0x1f129) return static_cast<char>('a' + (c - 0x1f110));
  if (c >= 0x1f130 && c <= 0x1f149) return static_cast<char>('a' + (c - 0x1f130));
  if (c >= 0x1f150 && c <= 0x1f169) return static_cast<char>('a' + (c - 0x1f150));
  if (c >= 0x1f170 && c <= 0x1f189) return static_cast<char>('a' + (c - 0x1f170));
  if (c >= 0x1f1e6 && c <= 0x1f1ff) return static_cast<char>('a' + (c - 0x1f1e6));
  static constexpr std::array<std::pair<char32_t, char>, 34> kOthers{{
      {0x1d00, 'a'}, {0x299, 'b'},  {0x1d04, 'c'}, {0x1d05, 'd'}, {0x1d07, 'e'}, {0xa730, 'f'}, {0x262, 'g'},
      {0x29c, 'h'},  {0x26a, 'i'},  {0x1d0a, 'j'}, {0x1d0b, 'k'}, {0x29f, 'l'},  {0x1d0d, 'm'}, {0x274, 'n'},
      {0x1d0f, 'o'}, {0x1d18, 'p'}, {0x280, 'r'},  {0xa731, 's'}, {0x1d1b, 't'}, {0x1d1c, 'u'}, {0x1d20, 'v'},
      {0x1d21, 'w'}, {0x28f, 'y'},  {0x1d22, 'z'}, {0x261, 'g'},  {0x251, 'a'},  {0x2071, 'i'}, {0x207f, 'n'},
      {0x1d43, 'a'}, {0x1d47, 'b'}, {0x1d49, 'e'}, {0x1d52, 'o'}, {0x1d57, 't'}, {0x2c9, 'i'},
  }};
  for (const auto& [known, letter] : kOthers) {
    if (known == c) return letter;
  }
  return '\0';
}

char32_t lower(char32_t c) {
  if (c >= U'A' && c <= U'Z') return c + 0x20;
  if (c >= 0x410 && c <= 0x42f) return c + 0x20;
  if (c >= 0x400 && c <= 0x40f) return c + 0x50;
  if (c >= 0x391 && c <= 0x3a9) return c + 0x20;
  if (c >= 0xff21 && c <= 0xff3a) return c - 0xff21 + U'a';
  return c;
}

// What one character becomes; empty when it has no width.
std::u32string_view several(char32_t c) {
  switch (c) {
    case 0xc6:
    case 0xe6:
      return U"ae";
    case 0xdf:
    case 0x1e9e:
      return U"ss";
    case 0xde:
    case 0xfe:
      return U"th";
    case 0x132:
    case 0x133:
      return U"ij";
    case 0x152:
    case 0x153:
      return U"oe";
    case 0xfb00:
      return U"ff";
    case 0xfb01:
      return U"fi";
    case 0xfb02:
      return U"fl";
    case 0xfb05:
    case 0xfb06:
      return U"st";
    case 0x2026:
      return U"...";
    default:
      return {};
  }
}

char32_t plain(char32_t c) {
  if (c < 0x80) return lower(c);
  if (c >= 0xff01 && c <= 0xff5e) return lower(c - 0xfee0);
  if (c >= 0xc0 && c < 0xc0 + kUnaccented.size()) {
    const char letter = kUnaccented[c - 0xc0];
    if (letter != '.') return static_cast<char32_t>(letter);
  }
  switch (c) {
    case 0x2018:
    case 0x2019:
    case 0x201b:
    case 0x2b9:
    case 0x2bc:
    case 0xb4:
      return U'\'';
    case 0x201c:
    case 0x201d:
    case 0x201e:
    case 0xab:
    case 0xbb:
    case 0x300c:
    case 0x300d:
    case 0x300e:
    case 0x300f:
      return U'"';
    case 0x2010:
    case 0x2011:
    case 0x2012:
    case 0x2013:
    case 0x2014:
    case 0x2212:
      return U'-';
    case 0x3001:
      return U',';
    case 0x3002:
      return U'.';
    case 0x451:
      return 0x435;  // ё
    case 0x401:
      return 0x435;
    default:
      break;
  }
  // Vietnamese and other precomposed Latin letters are left as they are; Greek loses its tonos.
  static constexpr std::u32string_view kTonos = U"άέήίόύώ";
  static constexpr std::u32string_view kBare = U"αεηιουω";
  if (const auto at = kTonos.find(c); at != kTonos.npos) return kBare[at];
  return lower(c);
}

bool is_word_character(char32_t c) {
  if (c < 0x80) return is_latin(c) || is_digit(c);
  if (c < 0xc0) return false;
  if (c >= 0x2000 && c <= 0x2bff) return false;
  if (c >= 0x2e00 && c <= 0x2e7f) return false;
  if (c >= 0x3000 && c <= 0x3004) return false;
  if (c >= 0x3008 && c <= 0x3020) return false;
  if (c >= 0xe000 && c <= 0xf8ff) return false;  // private use
  if (c >= 0xfe10 && c <= 0xfe6f) return false;
  if (c >= 0xff5f && c <= 0xff65) return false;
  return c != 0xfffc && c != 0xfffd && c != 0xd7 && c != 0xf7 && !(c >= 0x1f000 && c <= 0x1fbff) &&
         c < 0xf0000;
}

char32_t letter_for(char32_t c) {
  switch (c) {
    case U'0':
      return U'o';
    case U'1':
      return U'i';
    case U'3':
      return U'e';
    case U'4':
      return U'a';
    case U'5':
      return U's';
    case U'7':
      return U't';
    case U'@':
      return U'a';
    case U'$':
      return U's';
    default:
      return c;
  }
}

class Folder {
 public:
  explicit Folder(std::string_view text) : source_(text) { out_.text.reserve(text.size() + 16); }

  Folded run() {
    weigh();
    for (std::size_t i = 0; i < source_.size();) {
      const mail::CodePoint c = mail::code_point_at(source_, i);
      take(c.value, i);
      i += c.bytes;
    }
    end_word();
    end_letters();
    return std::move(out_);
  }

 private:
  // Whether foreign letters may be disguise.
  void weigh() {
    std::size_t latin = 0;
    std::size_t foreign = 0;
    for (std::size_t i = 0; i < source_.size(); ++i) {
      const auto byte = static_cast<unsigned char>(source_[i]);
      latin += static_cast<std::size_t>(is_latin(byte));
      foreign += static_cast<std::size_t>(byte >= 0xcd && byte <= 0xd4);
    }
    mostly_latin_ = static_cast<double>(latin) > kMostlyLatin * static_cast<double>(foreign);
  }

  void take(char32_t c, std::size_t at) {
    if (c < 0x80) return take_plain(c, at);
    if (has_no_width(c)) {
      // A soft hyphen and joiners between foreign letters are spelling.
      invisible_ = invisible_ || (!word_.empty() && c != 0xad && is_latin(word_.back()));
      return;
    }
    if (is_combining(c)) return;
    if (const char letter = stylised(c); letter != '\0') {
      add(static_cast<char32_t>(letter), at);
      styled_ = true;
      return;
    }
    if (const auto text = several(c); !text.empty()) {
      for (const char32_t one : text) is_word_character(one) ? add(one, at) : separator(one);
      return;
    }
    take_plain(c, at);
  }

  void take_plain(char32_t c, std::size_t at) {
    if (is_blank(c)) return blank(c == U'\n' || c == U'\r');
    const char32_t folded = plain(c);
    const bool in_word = (folded == U'@' || folded == U'$') && !word_.empty() && next_is_letter(at);
    if (is_word_character(folded) || in_word) return add(folded, at);
    separator(folded);
  }

  // `p@ssword`, not `user@host.example`.
  [[nodiscard]] bool next_is_letter(std::size_t at) const {
    constexpr std::size_t kWordReach = 64;
    if (at + 1 >= source_.size() || !is_latin(static_cast<unsigned char>(source_[at + 1]))) return false;
    const std::string_view ahead = source_.substr(at + 1, kWordReach);
    return ahead.substr(0, ahead.find_first_of(" \t\r\n<>,;\"")).find_first_of(".@") ==
           std::string_view::npos;
  }

  void add(char32_t c, std::size_t at) {
    if (word_.size() >= kWordMax) end_word();
    if (word_.empty()) word_source_ = at;
    word_.push_back(c);
  }

  void blank(bool line_end) {
    end_word();
    gap_.push_back(' ');
    space(line_end);
  }

  void space(bool line_end) {
    if (out_.text.empty()) return;
    if (out_.text.back() == ' ' || out_.text.back() == '\n') {
      if (line_end) out_.text.back() = '\n';
    } else {
      out_.text.push_back(line_end ? '\n' : ' ');
    }
  }

  void separator(char32_t c) {
    end_word();
    gap_.push_back(c < 0x80 ? static_cast<char>(c) : '?');
    if (c < 0x80) {
      out_.text.push_back(static_cast<char>(c));
    } else {
      space(false);  // a sign parts words like a blank does, whatever it is
    }
  }

  void end_word() {
    if (word_.empty()) return;
    bool disguised = styled_ || invisible_;
    const bool joined = invisible_;
    disguised = undo_lookalikes() || disguised;
    disguised = undo_digits() || disguised;
    const bool letter = word_.size() == 1 && !is_digit(word_.front());
    const bool goes_on = letter && letters_ > 0 && gap_.size() == 1;
    if (!goes_on) end_letters();
    if (letter) {
      if (letters_ == 0) letters_at_ = out_.text.size();
      ++letters_;
      mail::append_utf8(letters_text_, word_.front());
      if (letters_ == 1) letters_source_ = word_source_;
    }
    out_.words.push_back({static_cast<std::uint32_t>(out_.text.size()),
                          static_cast<std::uint32_t>(word_source_), disguised, joined});
    for (const char32_t c : word_) mail::append_utf8(out_.text, c);
    word_.clear();
    gap_.clear();
    styled_ = invisible_ = false;
  }

  // Single letters in a row become the word they spell.
  void end_letters() {
    if (letters_ >= kSetApartMin) {
      // What stands behind the last letter stays.
      const std::size_t last = out_.words.back().at;
      const std::string behind = out_.text.substr(std::min(out_.text.size(), last + last_letter_bytes(last)));
      out_.text.resize(letters_at_);
      out_.words.resize(out_.words.size() - letters_);
      out_.words.push_back(
          {static_cast<std::uint32_t>(letters_at_), static_cast<std::uint32_t>(letters_source_), true, true});
      out_.text += letters_text_;
      out_.text += behind;
    }
    letters_ = 0;
    letters_text_.clear();
  }

  [[nodiscard]] std::size_t last_letter_bytes(std::size_t at) const {
    return mail::code_point_at(out_.text, at).bytes;
  }

  bool undo_lookalikes() {
    const bool latin = std::ranges::any_of(word_, is_latin);
    const auto foreign = [](char32_t c) { return is_cyrillic(c) || is_greek(c); };
    const auto alike = [&](char32_t c) { return !foreign(c) || latin_lookalike(c) != '\0'; };
    if (!std::ranges::any_of(word_, foreign)) return false;
    if (!latin && !(mostly_latin_ && std::ranges::all_of(word_, alike))) return false;
    for (char32_t& c : word_) {
      if (const char letter = latin_lookalike(c); letter != '\0') c = static_cast<char32_t>(letter);
    }
    return true;
  }

  bool undo_digits() {
    const auto disguise = [](char32_t c) { return letter_for(c) != c; };
    if (!std::ranges::any_of(word_, disguise) || std::ranges::count_if(word_, is_latin) < 2) return false;
    for (char32_t& c : word_) c = letter_for(c);
    return true;
  }

  std::string_view source_;
  Folded out_;
  std::u32string word_;
  std::size_t word_source_ = 0;
  std::string gap_;  // since the last word
  bool styled_ = false;
  bool invisible_ = false;
  bool mostly_latin_ = true;
  std::size_t letters_ = 0;
  std::size_t letters_at_ = 0;
  std::size_t letters_source_ = 0;
  std::string letters_text_;
};

}  // namespace

bool has_no_width(char32_t c) {
  return c == 0xad || c == 0x34f || c == 0x61c || c == 0x115f || c == 0x1160 || c == 0x17b4 || c == 0x17b5 ||
         (c >= 0x180b && c <= 0x180f) || (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || c == 0x3164 || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff ||
         c == 0xffa0 || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0x1d173 && c <= 0x1d17a) ||
         (c >= 0xe0000 && c <= 0xe01ef);
}

char latin_lookalike(char32_t c) {
  static constexpr std::u32string_view kForeign =
      U"авсԁеѕіјӏкмнорԛтухԝгԍһո"
      U"αβεικνορτυχγηωϲ";
  static constexpr std::string_view kLatin =
      "abcdesijlkmhopqtyxwrghn"
      "abeiknoptuxynwc";
  static_assert(kForeign.size() == kLatin.size());
  const auto at = kForeign.find(c);
  return at == kForeign.npos ? '\0' : kLatin[at];
}

const Folded::Word* Folded::word_at(std::size_t position) const {
  const auto after = std::ranges::upper_bound(words, position, {}, &Word::at);
  return after == words.begin() ? nullptr : &*std::prev(after);
}

bool Folded::disguised(std::size_t begin, std::size_t end) const {
  const Word* word = word_at(begin);
  if (word == nullptr) return false;
  for (; word != words.data() + words.size() && word->at < end; ++word) {
    if (word->disguised) return true;
  }
  return false;
}

std::size_t Folded::source_of(std::size_t position) const {
  const Word* word = word_at(position);
  return word == nullptr ? 0 : word->source;
}

Folded fold(std::string_view text) { return Folder(text).run(); }

std::string visible_excerpt(std::string_view text, std::size_t bytes_max) {
  constexpr std::size_t kEscapeMax = 10;
  std::string out;
  bool blank = true;  // none at the beginning
  for (std::size_t i = 0; i < text.size();) {
    const mail::CodePoint c = mail::code_point_at(text, i);
    i += c.bytes;
    if (is_blank(c.value)) {
      if (!blank) out.push_back(' ');
      blank = true;
      continue;
    }
    if (out.size() + kEscapeMax > bytes_max) {
      out += "…";
      break;
    }
    blank = false;
    if (has_no_width(c.value) || mail::is_control(c.value)) {
      out += fmt::format("\\u{{{:04X}}}", static_cast<std::uint32_t>(c.value));
    } else {
      mail::append_utf8(out, c.value);
    }
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace countersign::screen
