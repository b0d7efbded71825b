#include "mail/test_support.hpp"

#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "base/crypto.hpp"
#include "mail/utf8.hpp"

namespace countersign::mail::testing_support {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value ? std::string(value->as_string()) : std::string();
}

std::vector<std::string> texts_of(const json::object& object, std::string_view key) {
  std::vector<std::string> out;
  if (const json::value* value = object.if_contains(key)) {
    for (const json::value& item : value->as_array()) out.emplace_back(item.as_string());
  }
  return out;
}

json::array array_of(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

const std::vector<std::string> kPieces = {"a",
                                          "Word ",
                                          " ",
                                          "longer-word ",
                                          "ö",
                                          "漢字",
                                          "😀",
                                          "e\xcc\x81",
                                          ",",
                                          "\"",
                                          "\\",
                                          "<",
                                          ">",
                                          "@",
                                          "(",
                                          ")",
                                          ":",
                                          ";",
                                          "=?",
                                          "?=",
                                          "_",
                                          "=",
                                          ".",
                                          "/",
                                          "%",
                                          "'",
                                          "*",
                                          "\xe2\x80\xae",
                                          "https://a.example/x?y=z&",
                                          "From ",
                                          "--",
                                          "  ",
                                          "=?utf-8?q?x?=",
                                          "\xc2\xa0",
                                          "Ж",
                                          "שלום ",
                                          "0",
                                          "~",
                                          "[x] "};

std::string words(std::mt19937_64& random, std::size_t count_max) {
  return random_text(random, kPieces, count_max);
}

std::string hostile(std::mt19937_64& random, std::string text) {
  static const std::vector<std::string> kHostile = {"\r\nBcc: x@evil.example\r\n",
                                                    "\n",
                                                    "\r",
                                                    std::string(1, '\0'),
                                                    "\t",
                                                    "\x7f",
                                                    "\xc2\x85",
                                                    "\r\n\r\nbody",
                                                    "\xe2\x80\xa8"};
  if (random() % 4 != 0) return text;
  const std::size_t at = cut_utf8(text, random() % (text.size() + 1)).size();
  text.insert(at, kHostile[random() % kHostile.size()]);
  return text;
}

std::string body(std::mt19937_64& random) {
  static const std::vector<std::string> kEnds = {"\n",       "\r\n", "\r",   "\n\n",    ".\n",      "\n.",
                                                 "\nFrom x", " \n",  "\t\n", "\n--=_m", "\n--=_a\n"};
  std::string text;
  const std::size_t lines = random() % 20;
  for (std::size_t i = 0; i < lines; ++i) text += words(random, 30) + kEnds[random() % kEnds.size()];
  if (random() % 8 == 0) text += std::string(random() % 3000, 'x');
  return text;
}

std::string address(std::mt19937_64& random) {
  static const std::vector<std::string> kAddresses = {
      "a@b.example", "first.last+tag@sub.domain.example", "\"odd local\"@b.example", "用户@例え.jp",
      std::string(64, 'l') + "@" + std::string(63, 'd') + ".example"};
  return kAddresses[random() % kAddresses.size()];
}

std::vector<std::string> mailbox_texts(std::mt19937_64& random) {
  std::vector<std::string> out(random() % 8);
  for (std::string& text : out) {
    do {
      text = to_header({words(random, 8), address(random)});
    } while (!parse_mailbox(text));
  }
  return out;
}

std::string bytes(std::mt19937_64& random, std::size_t size_max) {
  std::string out(random() % (size_max + 1), '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

}  // namespace

void Sample::attach(std::string filename, std::string content_type, std::string content) {
  contents.push_back(std::move(content));
  composition.attachments.push_back({std::move(filename), std::move(content_type), contents.back()});
}

Sample sample_from_json(const json::object& json) {
  Sample sample;
  Composition& out = sample.composition;
  out.from = parse_mailbox(text_of(json, "from")).value();
  out.to = texts_of(json, "to");
  out.cc = texts_of(json, "cc");
  out.reply_to = text_of(json, "reply_to");
  out.subject = text_of(json, "subject");
  out.text = text_of(json, "text");
  out.html = text_of(json, "html");
  out.message_id = text_of(json, "message_id");
  out.date = parse_rfc3339(text_of(json, "date")).value();
  out.in_reply_to = text_of(json, "in_reply_to");
  out.references = texts_of(json, "references");
  if (const json::value* headers = json.if_contains("extra_headers")) {
    for (const json::value& pair : headers->as_array()) {
      out.extra_headers.emplace_back(pair.as_array().at(0).as_string(), pair.as_array().at(1).as_string());
    }
  }
  if (const json::value* attachments = json.if_contains("attachments")) {
    for (const json::value& item : attachments->as_array()) {
      const json::object& entry = item.as_object();
      std::string content = text_of(entry, "content");
      if (entry.contains("content_base64")) content = base64_decode(text_of(entry, "content_base64")).value();
      sample.attach(text_of(entry, "filename"), text_of(entry, "content_type"), std::move(content));
    }
  }
  return sample;
}

json::object to_json(const Sample& sample) {
  const Composition& in = sample.composition;
  json::array headers;
  for (const auto& [name, value] : in.extra_headers) headers.push_back(json::array{name, value});
  json::array attachments;
  for (const AttachmentPart& part : in.attachments) {
    attachments.push_back(json::object{{"filename", part.filename},
                                       {"content_type", part.content_type},
                                       {"content_base64", base64_encode(part.content)}});
  }
  return {{"from", json::array{in.from.display_name, in.from.address}},
          {"to", array_of(in.to)},
          {"cc", array_of(in.cc)},
          {"reply_to", in.reply_to},
          {"subject", in.subject},
          {"text", in.text},
          {"html", in.html},
          {"message_id", in.message_id},
          {"date", to_rfc3339(in.date)},
          {"in_reply_to", in.in_reply_to},
          {"references", array_of(in.references)},
          {"extra_headers", std::move(headers)},
          {"attachments", std::move(attachments)}};
}

Sample random_sample(std::mt19937_64& random) {
  static const std::vector<std::string> kTypes = {"application/pdf",
                                                  "image/png",
                                                  "text/plain; charset=utf-8",
                                                  "text/csv",
                                                  "message/rfc822",
                                                  "multipart/mixed",
                                                  "nonsense",
                                                  "",
                                                  "text/plain; charset=\"odd; value\"; format=flowed",
                                                  "a/b; name=evil.exe",
                                                  "a/b\r\nX-Evil: 1"};
  Sample sample;
  Composition& out = sample.composition;
  out.from = {hostile(random, words(random, 12)), address(random)};
  out.to = mailbox_texts(random);
  out.cc = mailbox_texts(random);
  if (random() % 2) out.reply_to = address(random);
  out.subject = hostile(random, words(random, 40));
  if (random() % 16 == 0) out.subject += std::string(random() % 2500, 's');
  if (random() % 4) out.text = body(random);
  if (random() % 2) out.html = body(random);
  out.message_id = "m." + std::to_string(random()) + "@countersign.example";
  out.date = from_us(static_cast<std::int64_t>(random() % 4'000'000'000) * 1'000'000);
  if (random() % 2) {
    out.references.resize(1 + random() % 150);
    for (std::string& id : out.references)
      id = std::to_string(random()) + "@" + std::string(random() % 80, 'r') + ".example";
    out.in_reply_to = hostile(random, out.references.back());
  }
  out.extra_headers.emplace_back("X-E2A-Message-ID", "msg_0123456789abcdef0123456789abcdef");
  out.extra_headers.emplace_back("X-E2A-Conversation-ID", hostile(random, words(random, 30)));
  if (random() % 8 == 0) out.extra_headers.emplace_back("Bcc", "secret@b.example");
  if (random() % 8 == 0) out.extra_headers.emplace_back("X-Bad\r\nBcc", "secret@b.example");
  for (std::size_t i = random() % 4; i > 0; --i) {
    sample.attach(hostile(random, words(random, random() % 4 ? 5 : 60)), kTypes[random() % kTypes.size()],
                  bytes(random, 400));
  }
  return sample;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

std::string random_text(std::mt19937_64& random, std::span<const std::string> pieces, std::size_t count_max) {
  std::string text;
  const std::size_t count = random() % (count_max + 1);
  for (std::size_t i = 0; i < count; ++i) text += pieces[random() % pieces.size()];
  return text;
}

}  // namespace countersign::mail::testing_support
