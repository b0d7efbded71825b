#include "mail/decode.hpp"

#include <gmime/gmime.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>

#include "base/text.hpp"
#include "mail/utf8.hpp"

namespace countersign::mail {
namespace {

constexpr std::size_t kChunk = 16 * 1024;
constexpr std::size_t kAddressEntriesMax = 4000;  // per field, usable or not
constexpr std::size_t kUnendedMax = 16;           // openings in one value that may have no end
constexpr std::size_t kShortValue = 512;          // here they cannot be many
constexpr std::size_t kInnerSeparatorsMax = 64;   // of one entry, inside quotes, comments and angle brackets
constexpr std::size_t kIdMax = 998;  // octets of a line (RFC 5322 §2.1.1), and so of a message id

void start_gmime() {
  static std::once_flag once;
  std::call_once(once, [] { g_mime_init(); });
}

// The charset that a label stands for in mail: senders name a standard and mean what their system extends it
// to (WHATWG Encoding §4.2). Nothing for labels that mean what they say.
std::string_view charset_meant(std::string_view label) {
  struct Meant {
    std::string_view charset;
    std::string_view labels;
  };
  static constexpr std::array kMeant = std::to_array<Meant>({
      {"windows-1252",
       " cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 "
       "latin1 x-cp1252 "},
      {"windows-1254",
       " csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5 "},
      {"windows-874", " dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 "},
      {"iso-8859-8", " csiso88598i iso-8859-8-i logical "},
      {"gb18030", " chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk "},
      {"cp949",
       " cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 "
       "windows-949 "},
      {"cp932", " csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis "},
      {"euc-jp-ms", " cseucpkdfmtjapanese euc-jp x-euc-jp "},
      {"big5-hkscs", " big5 cn-big5 csbig5 x-x-big5 "},
  });
  if (label.empty() || label.find(' ') != std::string_view::npos) return {};
  const std::string word = " " + ascii_lower(label) + " ";
  const auto found = std::ranges::find_if(
      kMeant, [&](const Meant& one) { return one.labels.find(word) != std::string_view::npos; });
  return found == kMeant.end() ? std::string_view() : found->charset;
}

// Where the charset of the encoded-word (RFC 2047 §2) at the beginning of `text` ends, if its encoding is
// `encoding`, `b` or `q`.
std::optional<std::size_t> charset_end_at(std::string_view text, char encoding) {
  static constexpr std::size_t kCharsetMax = 80;  // with a language (RFC 2231 §5)
  const auto end = text.substr(0, kCharsetMax).find_first_of("? ", 2);
  const std::array<char, 3> expected{'?', encoding, '?'};
  if (end == std::string_view::npos ||
      ascii_lower(text.substr(end, 3)) != std::string_view(expected.data(), expected.size()))
    return std::nullopt;
  return end;
}

// `=?` and the charset of an encoded-word, by the name of what is meant.
std::string with_charset_meant(std::string_view start) {
  const std::string_view label = start.substr(2, start.find('*') - 2);
  const std::string_view meant = charset_meant(label);
  if (meant.empty()) return std::string(start);
  return fmt::format("=?{}{}", meant, start.substr(2 + label.size()));
}

// The B-word (RFC 2047 §4.1) at the beginning of `text`: where its charset ends and where it ends itself.
struct BWord {
  std::size_t charset_end = 0;
  std::size_t end = 0;
};
std::optional<BWord> b_word_at(std::string_view text) {
  const auto found = charset_end_at(text, 'b');
  if (!found) return std::nullopt;
  const std::size_t charset_end = *found;
  const auto end = text.find_first_of("? ", charset_end + 3);
  if (end == std::string_view::npos || text.substr(end, 2) != "?=") return std::nullopt;
  return BWord{charset_end, end + 2};
}

// The value with every B-word as Q-word of the same bytes, in the charset that is meant. GMime 3.2 joins
// adjacent words before it decodes them, and drops what follows the padding of a B-word.
std::string with_q_words(std::string_view value) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  while (!value.empty()) {
    const auto start = std::min(value.find("=?"), value.size());
    out += value.substr(0, start);
    value.remove_prefix(start);
    if (value.empty()) break;
    const auto word = b_word_at(value);
    if (!word) {
      const std::size_t charset_end = charset_end_at(value, 'q').value_or(2);
      out += with_charset_meant(value.substr(0, charset_end));
      value.remove_prefix(charset_end);
      continue;
    }
    const std::string_view payload = value.substr(word->charset_end + 3, word->end - word->charset_end - 5);
    out += with_charset_meant(value.substr(0, word->charset_end));
    out += "?q?";
    for (const char c : decode_transfer(payload, "base64", payload.size())) {
      const auto octet = static_cast<unsigned char>(c);
      out.push_back('=');
      out.push_back(kHex[octet >> 4]);
      out.push_back(kHex[octet & 15]);
    }
    out += "?=";
    value.remove_prefix(word->end);
  }
  return out;
}

// `text` with the opening blotted out from the kUnendedMax-th on, at or behind `from`: `index` is the place
// of the character in it. GMime looks for the end of each, to the end of the value where there is none.
std::string with_few(std::string text, std::string_view opening, std::size_t from, std::size_t index) {
  std::size_t count = 0;
  for (std::size_t at = text.find(opening, from); at != std::string::npos; at = text.find(opening, at + 1)) {
    if (++count > kUnendedMax) text[at + index] = '_';
  }
  return text;
}

// A value as GMime is given it: no B-words, and few encoded-words that never end.
std::string for_gmime(std::string_view value) {
  std::string words = with_q_words(value);
  const auto last_end = words.rfind("?=");
  return with_few(std::move(words), "=?", last_end == std::string::npos ? 0 : last_end, 1);
}

// The same with parameters, of which few hold comments. A boundary may consist of parentheses (RFC 2046
// §5.1.1).
std::string parameters_for_gmime(std::string_view value) {
  std::string out = for_gmime(value);
  return out.size() <= kShortValue ? out : with_few(std::move(out), "(", 0, 0);
}

template <auto release>
struct Release {
  template <typename T>
  void operator()(T* pointer) const {
    release(pointer);
  }
};
template <typename T>
using Object = std::unique_ptr<T, Release<g_object_unref>>;
using Chars = std::unique_ptr<char, Release<g_free>>;

std::string text_or_empty(const char* text) { return text == nullptr ? std::string() : header_text(text); }

GMimeContentEncoding encoding_of(std::string_view name) {
  const std::string lower = normalise(name);
  if (lower == "base64") return GMIME_CONTENT_ENCODING_BASE64;
  if (lower == "quoted-printable") return GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
  return GMIME_CONTENT_ENCODING_DEFAULT;
}

// Hands the decoded bytes to `sink` in pieces until it returns false.
template <typename Sink>
void decode_pieces(std::string_view body, GMimeContentEncoding encoding, Sink sink) {
  GMimeEncoding state;
  g_mime_encoding_init_decode(&state, encoding);
  std::string piece(g_mime_encoding_outlen(&state, kChunk), '\0');
  while (!body.empty()) {
    const std::string_view chunk = body.substr(0, kChunk);
    const std::size_t length = g_mime_encoding_step(&state, chunk.data(), chunk.size(), piece.data());
    if (!sink(std::string_view(piece).substr(0, length))) return;
    body.remove_prefix(chunk.size());
  }
  if (encoding != GMIME_CONTENT_ENCODING_BASE64) return;
  // Padding that the sender left out; without it the last one or two bytes would be lost.
  const std::size_t length = g_mime_encoding_step(&state, "==", 2, piece.data());
  sink(std::string_view(piece).substr(0, length));
}

void add_mailbox(AddressList& out, InternetAddress* address, std::size_t mailboxes_max) {
  if (!INTERNET_ADDRESS_IS_MAILBOX(address) || out.mailboxes.size() >= mailboxes_max) return;
  const std::string spec =
      text_or_empty(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address)));
  auto mailbox = parse_received_mailbox(spec);
  if (!mailbox || mailbox->address != spec) return;
  mailbox->display_name = text_or_empty(internet_address_get_name(address));
  out.mailboxes.push_back(*std::move(mailbox));
}

// What one entry of a list holds: a mailbox, or a group with members (groups do not nest, RFC 5322 §3.4).
void add_addresses(AddressList& out, InternetAddressList* list, std::size_t mailboxes_max) {
  const int count = internet_address_list_length(list);
  for (int i = 0; i < count; ++i) {
    InternetAddress* address = internet_address_list_get_address(list, i);
    add_mailbox(out, address, mailboxes_max);
    if (!INTERNET_ADDRESS_IS_GROUP(address)) continue;
    out.has_group = true;
    InternetAddressList* members = internet_address_group_get_members(INTERNET_ADDRESS_GROUP(address));
    const int member_count = members == nullptr ? 0 : internet_address_list_length(members);
    for (int k = 0; k < member_count; ++k) {
      add_mailbox(out, internet_address_list_get_address(members, k), mailboxes_max);
    }
  }
}

// Length of the first entry of an address list: up to the comma or semicolon outside quotes, comments and
// angle brackets. GMime reads one entry at a time, since it takes quadratic time over a list of broken ones;
// what is never closed would be such a list again, so that the last of many separators inside ends the entry.
std::size_t entry_length(std::string_view list) {
  int comments = 0;
  bool quoted = false;
  bool angled = false;
  std::size_t inner = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const char c = list[i];
    if (c == ',' || c == ';') {
      const bool inside = quoted || comments > 0 || angled;
      if (!inside || ++inner > kInnerSeparatorsMax) return i;
    } else if (c == '\\') {
      ++i;
    } else if (quoted) {
      quoted = c != '"';
    } else if (c == '(') {
      ++comments;
    } else if (comments > 0) {
      if (c == ')') --comments;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '<' || c == '>') {
      angled = c == '<';
    }
  }
  return list.size();
}

bool is_charset_name(std::string_view name) {
  return !name.empty() && name.size() <= 40 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == ':';
  });
}

// From `charset` (lower case) to UTF-8, U+FFFD for what cannot be read; nothing when there is no such
// charset.
std::optional<std::string> convert(std::string_view bytes, const std::string& charset) {
  if (!is_charset_name(charset)) return std::nullopt;
  const auto close = [](iconv_t open) { g_mime_iconv_close(open); };
  const std::unique_ptr<std::remove_pointer_t<iconv_t>, decltype(close)> converter(
      g_mime_iconv_open("UTF-8", charset.c_str()), close);
  if (converter.get() == reinterpret_cast<iconv_t>(-1)) return std::nullopt;  // g_mime_iconv_close takes it

  std::string out;
  std::array<char, 4096> buffer;
  char* from = const_cast<char*>(bytes.data());  // iconv does not write there
  std::size_t left = bytes.size();
  const auto step = [&](char** input) {
    char* to = buffer.data();
    std::size_t room = buffer.size();
    const std::size_t result = iconv(converter.get(), input, &left, &to, &room);
    const bool unreadable = result == static_cast<std::size_t>(-1) && errno != E2BIG;
    out.append(buffer.data(), static_cast<std::size_t>(to - buffer.data()));
    return !unreadable;
  };
  while (left > 0) {
    if (step(&from) || left == 0) continue;
    append_utf8(out, kReplacement);
    ++from;
    --left;
  }
  step(nullptr);  // what a stateful charset still holds
  return out;
}

// ISO-2022-JP (RFC 1468) in EUC. Its senders mean code page 50221, with rows and halfwidth katakana that
// iconv knows in EUC only.
std::string euc_of_iso_2022_jp(std::string_view bytes) {
  enum class Set : unsigned char { ascii, kanji, katakana };
  Set set = Set::ascii;
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::string_view escape = bytes.substr(i, 3);
    if (escape == "\x1b(B" || escape == "\x1b(J" || escape == "\x1b(I" || escape == "\x1b$@" ||
        escape == "\x1b$B") {
      set = escape[1] == '$' ? Set::kanji : escape[2] == 'I' ? Set::katakana : Set::ascii;
      i += 2;
      continue;
    }
    const bool in_set = bytes[i] >= 0x21 && ((set == Set::kanji && bytes[i] <= 0x7e) ||
                                             (set == Set::katakana && bytes[i] <= 0x5f));
    if (in_set && set == Set::katakana) out.push_back('\x8e');
    out.push_back(static_cast<char>(in_set ? bytes[i] | 0x80 : bytes[i]));
  }
  return out;
}

}  // namespace

std::string unfold(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (const char c : trim(value)) {
    if (c == '\r' || c == '\n') continue;
    if (c == '\0') {
      append_utf8(out, kReplacement);
    } else {
      out.push_back(c);
    }
  }
  return out;
}

MediaType decode_media_type(const std::string& value) {
  start_gmime();
  const auto slash = value.find('/');
  if (slash == 0 || slash == std::string::npos || slash > value.find(';')) return {};
  const Object<GMimeContentType> type(
      g_mime_content_type_parse(nullptr, parameters_for_gmime(value).c_str()));
  if (!type) return {};
  const auto parameter = [&](const char* name) {
    return text_or_empty(g_mime_content_type_get_parameter(type.get(), name));
  };
  const Chars name(g_mime_content_type_get_mime_type(type.get()));
  const char* boundary = g_mime_content_type_get_parameter(type.get(), "boundary");
  return {ascii_lower(text_or_empty(name.get())), boundary == nullptr ? "" : boundary,
          ascii_lower(parameter("charset")), parameter("name")};
}

Disposition decode_disposition(const std::string& value) {
  if (value.empty()) return {};
  start_gmime();
  const Object<GMimeContentDisposition> disposition(
      g_mime_content_disposition_parse(nullptr, parameters_for_gmime(value).c_str()));
  if (!disposition) return {};
  const std::string kind =
      ascii_lower(text_or_empty(g_mime_content_disposition_get_disposition(disposition.get())));
  return {kind == "attachment",
          text_or_empty(g_mime_content_disposition_get_parameter(disposition.get(), "filename"))};
}

std::string decode_header(const std::string& value) {
  start_gmime();
  const Chars text(g_mime_utils_header_decode_text(nullptr, for_gmime(value).c_str()));
  return text_or_empty(text.get());
}

AddressList decode_addresses(const std::string& value, std::size_t mailboxes_max) {
  AddressList out;
  start_gmime();
  const std::string words = for_gmime(value);
  std::string_view rest = words;
  for (std::size_t entries = 0; !rest.empty() && entries < kAddressEntriesMax; ++entries) {
    const std::size_t length = entry_length(rest);
    const std::string entry(trim(rest.substr(0, length)));
    rest.remove_prefix(std::min(length + 1, rest.size()));
    if (entry.empty()) continue;
    if (entry.find('@') != std::string::npos) ++out.addresses;
    const Object<InternetAddressList> list(internet_address_list_parse(nullptr, entry.c_str()));
    if (list) add_addresses(out, list.get(), mailboxes_max);
  }
  return out;
}

std::vector<std::string> message_ids(std::string_view value) {
  std::vector<std::string> ids;
  const auto add = [&](std::string_view id) {
    if (id.empty() || id.find_first_of(" \t<>") != id.npos) return;
    std::string text = header_text(id);
    if (text.size() <= kIdMax) ids.push_back(std::move(text));
  };
  for (std::size_t at = 0; (at = value.find('<', at)) != std::string_view::npos;) {
    const auto end = value.find_first_of("<>", at + 1);
    if (end == std::string_view::npos) break;
    const std::string_view id = trim(value.substr(at + 1, end - at - 1));
    if (value[end] == '>') add(id);
    at = end;
  }
  if (ids.empty()) add(trim(value.substr(0, value.find_first_of(" \t"))));
  return ids;
}

std::string decode_transfer(std::string_view body, std::string_view encoding, std::size_t bytes_max) {
  const GMimeContentEncoding kind = encoding_of(encoding);
  if (kind == GMIME_CONTENT_ENCODING_DEFAULT) return std::string(body.substr(0, bytes_max));
  start_gmime();
  std::string out;
  decode_pieces(body, kind, [&](std::string_view piece) {
    out += piece;
    return out.size() < bytes_max;
  });
  return out;
}

std::size_t decoded_size(std::string_view body, std::string_view encoding) {
  const GMimeContentEncoding kind = encoding_of(encoding);
  if (kind == GMIME_CONTENT_ENCODING_DEFAULT) return body.size();
  start_gmime();
  std::size_t size = 0;
  decode_pieces(body, kind, [&](std::string_view piece) {
    size += piece.size();
    return true;
  });
  return size;
}

std::string decode_charset(std::string_view bytes, const std::string& charset) {
  if (charset == "utf-8" || charset == "utf8") return repair_utf8(bytes);
  start_gmime();
  std::optional<std::string> text;
  const bool unsaid =
      charset.empty() || charset == "us-ascii" || charset == "ascii" || charset == "ansi_x3.4-1968";
  if (const auto meant = charset_meant(charset); !meant.empty()) text = convert(bytes, std::string(meant));
  if (charset == "iso-2022-jp") text = convert(euc_of_iso_2022_jp(bytes), "euc-jp-ms");
  if (!text && !unsaid) text = convert(bytes, charset);
  if (!text && is_utf8(bytes)) return repair_utf8(bytes);
  if (!text) text = convert(bytes, "windows-1252");
  return repair_utf8(text ? *text : bytes);
}

}  // namespace countersign::mail
