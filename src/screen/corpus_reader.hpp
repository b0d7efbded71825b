// Reads the labelled mails of tests/corpus: entries that begin with `==== `.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace countersign::screen {

/// `\u{200B}` stands for the character, so that what is invisible can be read in the corpus.
[[nodiscard]] std::string with_characters(std::string_view text);

struct CorpusEntry {
  std::string name;  // file and number
  std::string text;  // without `==== `
  bool held_out = false;
};
/// All entries of the `.mails` files of a folder, by file name. Every second of a file is held out.
[[nodiscard]] std::vector<CorpusEntry> read_corpus(const std::string& folder);

}  // namespace countersign::screen
