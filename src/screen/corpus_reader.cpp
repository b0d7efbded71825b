#include "screen/corpus_reader.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "mail/utf8.hpp"

namespace countersign::screen {

std::string with_characters(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.substr(at).starts_with("\\u{") ? text.find('}', at) : std::string_view::npos;
    if (end == std::string_view::npos) {
      out.push_back(text[at++]);
      continue;
    }
    mail::append_utf8(
        out, static_cast<char32_t>(std::stoul(std::string(text.substr(at + 3, end - at - 3)), nullptr, 16)));
    at = end + 1;
  }
  return out;
}

std::vector<CorpusEntry> read_corpus(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".mails") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::vector<CorpusEntry> out;
  for (const auto& file : files) {
    std::ifstream in(file);
    const std::string all{std::istreambuf_iterator<char>(in), {}};
    std::size_t number = 0;
    for (std::size_t at = all.find("==== "); at != std::string::npos;) {
      const std::size_t next = all.find("\n==== ", at);
      const std::size_t end = next == std::string::npos ? all.size() : next + 1;
      CorpusEntry entry{fmt::format("{}#{}", file.stem().string(), ++number),
                        all.substr(at + 5, end - at - 5), number % 2 == 0};
      out.push_back(std::move(entry));
      at = next == std::string::npos ? next : next + 1;
    }
  }
  return out;
}

}  // namespace countersign::screen
