// Text as it is compared: what disguises it is taken off. Compatibility forms, capitals, accents, look-alike
// letters of other scripts, digits in place of letters, letters set apart and invisible characters all lead
// to the same folded text. Internal to the screen module.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::screen {

struct Folded {
  struct Word {
    std::uint32_t at = 0;      // in `text`
    std::uint32_t source = 0;  // in what was folded
    bool disguised = false;    // look-alikes, digits for letters, invisible characters, letters set apart
    bool joined = false;       // put together from pieces: words inside it have no borders
  };

  /// UTF-8; blanks are single, `\n` where a line ended; ASCII punctuation stays, other signs are blanks.
  std::string text;
  std::vector<Word> words;  // in order

  /// The word at or before a position in `text`; nothing before the first.
  [[nodiscard]] const Word* word_at(std::size_t position) const;
  [[nodiscard]] bool disguised(std::size_t begin, std::size_t end) const;
  /// Where a position in `text` comes from, to the word.
  [[nodiscard]] std::size_t source_of(std::size_t position) const;
};

/// Valid UTF-8 in, linear.
[[nodiscard]] Folded fold(std::string_view text);

/// The Latin letter that a Cyrillic or Greek letter can be taken for; 0 when none.
[[nodiscard]] char latin_lookalike(char32_t c);
/// Characters without width: joiners, direction marks, tags, variation selectors, soft hyphen, combining
/// grapheme joiner.
[[nodiscard]] bool has_no_width(char32_t c);
/// The text in at most `bytes_max` bytes, with what is invisible written as `\u{200B}`.
[[nodiscard]] std::string visible_excerpt(std::string_view text, std::size_t bytes_max = 200);

}  // namespace countersign::screen
