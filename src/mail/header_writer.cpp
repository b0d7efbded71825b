#include "mail/header_writer.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mail/encode.hpp"
#include "mail/utf8.hpp"

namespace countersign::mail {
namespace {

constexpr std::size_t kQuotedNameMax = 60;       // longer names become encoded-words, which fold
constexpr std::size_t kNameWordMax = 60;         // fits behind every field name we write
constexpr std::size_t kEncodedLineMax = 76;      // a line that holds an encoded-word (RFC 2047 §2)
constexpr std::size_t kEncodedWordRoomMin = 30;  // less room than this starts a new line
constexpr std::size_t kAddressMax = 320;         // 64 + "@" + 255 (RFC 5321 §4.5.3.1)
constexpr std::size_t kMessageIdMax = 250;

bool is_atom_phrase(std::string_view name) {
  static constexpr std::string_view kMarks = "!#$%&'*+-/=?^_`{|}~ ";
  return !name.starts_with(' ') && !name.ends_with(' ') && name.find("  ") == std::string_view::npos &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  kMarks.find(c) != std::string_view::npos;
         });
}

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

// An address that parses stands as it is. From anything else only what cannot end the address is kept.
std::string safe_address(std::string_view address) {
  const auto mailbox = parse_mailbox(address);
  if (mailbox && mailbox->address == address) return std::string(address);
  static constexpr std::string_view kSpecials = "<>()[]\\,;:\"";
  std::string out;
  for (const char c : header_text(address)) {
    if (c != ' ' && kSpecials.find(c) == std::string_view::npos) out.push_back(c);
  }
  return std::string(cut_utf8(out, kAddressMax));
}

bool is_message_id(std::string_view id) {
  return !id.empty() && id.size() <= kMessageIdMax &&
         std::ranges::all_of(id, [](char c) { return c > ' ' && c < 0x7f && c != '<' && c != '>'; });
}

// Blank runs and words such that folding before a run changes nothing but the line end.
bool folds_as_it_stands(std::string_view value) {
  if (value.starts_with(' ') || value.ends_with(' ') || value.find("=?") != std::string_view::npos)
    return false;
  std::size_t piece = 0;
  bool in_word = false;
  for (const char c : value) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
    if (c == ' ' && in_word) piece = 0;
    in_word = c != ' ';
    if (++piece > kHeaderWordMax) return false;
  }
  return true;
}

}  // namespace

std::vector<std::string> mailbox_words(const Mailbox& mailbox) {
  std::vector<std::string> words;
  const std::string name = header_text(mailbox.display_name);
  if (name.find_first_not_of(' ') == std::string::npos) return {safe_address(mailbox.address)};
  if (is_ascii(name) && name.size() <= kQuotedNameMax && name.find("=?") == std::string::npos) {
    words.push_back(is_atom_phrase(name) ? name : quoted(name));
  } else {
    for (std::string_view rest = name; !rest.empty();) {
      EncodedWord next = next_encoded_word(rest, kNameWordMax);
      rest.remove_prefix(next.consumed);
      words.push_back(std::move(next.word));
    }
  }
  words.push_back('<' + safe_address(mailbox.address) + '>');
  return words;
}

void HeaderWriter::begin(std::string_view name) {
  line_start_ = out_.size();
  out_ += name;
  out_.push_back(':');
  first_ = true;
}

void HeaderWriter::fold() {
  if (column() == 0) return;  // an empty line would end the header
  out_ += "\r\n";
  line_start_ = out_.size();
}

void HeaderWriter::word(std::string_view word) {
  if (!first_ && column() + 1 + word.size() > kHeaderLineWanted) fold();
  out_.push_back(' ');
  out_ += word;
  first_ = false;
}

void HeaderWriter::verbatim(std::string_view name, std::string_view value) {
  begin(name);
  word(value);
  end();
}

void HeaderWriter::unstructured(std::string_view name, std::string_view value) {
  const std::string text = header_text(value);
  begin(name);
  if (!folds_as_it_stands(text)) {
    encoded_words(text);
    end();
    return;
  }
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto blanks = rest.find_first_not_of(' ');
    const auto length = std::min(rest.find(' ', blanks), rest.size());
    if (first_) {
      out_.push_back(' ');
      first_ = false;
    } else if (column() + length > kHeaderLineWanted) {
      fold();
    }
    out_ += rest.substr(0, length);
    rest.remove_prefix(length);
  }
  end();
}

void HeaderWriter::encoded_words(std::string_view value) {
  while (!value.empty()) {
    if (column() + 1 + kEncodedWordRoomMin > kEncodedLineMax) fold();
    const EncodedWord next =
        next_encoded_word(value, std::min(kEncodedWordMax, kEncodedLineMax - column() - 1));
    out_.push_back(' ');
    out_ += next.word;
    value.remove_prefix(next.consumed);
  }
}

void HeaderWriter::mailboxes(std::string_view name, std::span<const Mailbox> mailboxes) {
  if (mailboxes.empty()) return;
  begin(name);
  for (std::size_t i = 0; i < mailboxes.size(); ++i) {
    std::vector<std::string> words = mailbox_words(mailboxes[i]);
    if (i + 1 < mailboxes.size()) words.back().push_back(',');
    std::size_t length = 0;
    for (const std::string& piece : words) length += 1 + piece.size();
    // A mailbox that fits on one line is not torn.
    if (!first_ && column() + length > kHeaderLineWanted) fold();
    for (const std::string& piece : words) word(piece);
  }
  end();
}

void HeaderWriter::message_ids(std::string_view name, std::span<const std::string> ids) {
  bool begun = false;
  for (const std::string& id : ids) {
    if (!is_message_id(id)) continue;
    if (!begun) begin(name);
    begun = true;
    word('<' + id + '>');
  }
  if (begun) end();
}

}  // namespace countersign::mail
