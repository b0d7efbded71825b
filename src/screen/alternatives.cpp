#include "screen/alternatives.hpp"

#include <algorithm>
#include <cstdint>

#include "screen/fold.hpp"

namespace countersign::screen {
namespace {

constexpr std::size_t kWordsMin = 40;  // fewer are a hint to look at the HTML
constexpr std::size_t kLetters = 4;    // bytes of a word that counts
constexpr std::size_t kWordsMax = 20000;
constexpr double kShared = 0.15;

std::vector<std::uint64_t> words_of(std::string_view text) {
  std::vector<std::uint64_t> out;
  const Folded folded = fold(text);
  for (std::size_t i = 0; i < folded.words.size() && out.size() < kWordsMax; ++i) {
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
    std::size_t length = 0;
    // Fold cuts a long word into several, with nothing in between.
    const std::size_t end = i + 1 < folded.words.size() ? folded.words[i + 1].at : folded.text.size();
    for (std::size_t at = folded.words[i].at; at < end; ++at, ++length) {
      const auto byte = static_cast<unsigned char>(folded.text[at]);
      if (byte < '0' || (byte > '9' && byte < 'a') || (byte > 'z' && byte < 0x80)) break;
      hash = (hash ^ byte) * 0x100000001b3;
    }
    if (length >= kLetters) out.push_back(hash);
  }
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

}  // namespace

std::vector<Finding> compare_alternatives(std::string_view text, std::string_view shown) {
  if (text.empty() || shown.empty()) return {};
  const auto plain = words_of(text);
  const auto html = words_of(shown);
  if (plain.size() < kWordsMin || html.size() < kWordsMin) return {};
  std::vector<std::uint64_t> both;
  std::ranges::set_intersection(plain, html, std::back_inserter(both));
  if (static_cast<double>(both.size()) >= kShared * static_cast<double>(std::min(plain.size(), html.size())))
    return {};
  return {{"hidden_text.alternatives_differ", Category::hidden_text, 0.3,
           "The plain text and the HTML say different things.", ""}};
}

}  // namespace countersign::screen
