#include "provider/smtp/wire.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace countersign::provider::smtp {

bool is_ascii(std::string_view text) noexcept {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

bool is_wire_address(std::string_view address) noexcept {
  if (address.empty() || address.size() > kAddressBytesMax || !is_utf8(address)) return false;
  return std::ranges::none_of(address, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7f || c == '<' || c == '>';
  });
}

namespace {

// Calls `visit` with every blank-separated word.
template <class Visit>
void for_each_word(std::string_view text, Visit visit) {
  while (!(text = trim(text)).empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
    visit(text.substr(0, end));
    text.remove_prefix(end);
  }
}

void read_mechanisms(std::string_view words, Capabilities& out) {
  for_each_word(words, [&](std::string_view word) {
    if (word == "plain") out.auth_plain = true;
    if (word == "login") out.auth_login = true;
  });
}

}  // namespace

Capabilities read_capabilities(const Response& ehlo) {
  Capabilities out;
  for (std::size_t i = 1; i < ehlo.lines.size(); ++i) {  // the first line is the server's name
    const std::string lower = ascii_lower(ehlo.lines[i]);
    const std::string_view line = trim(lower);
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view keyword = line.substr(0, end);
    const std::string_view rest = trim(line.substr(end));
    if (keyword == "starttls") out.starttls = true;
    if (keyword == "pipelining") out.pipelining = true;
    if (keyword == "8bitmime") out.eight_bit = true;
    if (keyword == "smtputf8") out.smtputf8 = true;
    if (keyword == "auth") read_mechanisms(rest, out);
    if (line.starts_with("auth=")) read_mechanisms(line.substr(5), out);  // before RFC 2554
    if (keyword == "size") {
      out.size = true;
      const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), out.size_max);
      if (read.ec != std::errc{}) out.size_max = 0;
    }
  }
  return out;
}

ContentFacts examine(std::string_view raw) noexcept {
  ContentFacts facts;
  char before = '\n';
  for (const char c : raw) {
    facts.eight_bit = facts.eight_bit || static_cast<unsigned char>(c) >= 0x80;
    const bool lone_cr_before = before == '\r' && c != '\n';
    const bool lone_lf = c == '\n' && before != '\r';
    facts.octets += 1 + (lone_cr_before ? 1 : 0) + (lone_lf ? 1 : 0);
    before = c;
  }
  if (before == '\r') facts.octets += 1;
  if (before != '\r' && before != '\n') facts.octets += 2;
  return facts;
}

std::string mail_command(std::string_view from, const Capabilities& relay, const ContentFacts& content,
                         bool smtputf8) {
  std::string command = "MAIL FROM:<";
  command.append(from).append(">");
  if (relay.size) command.append(" SIZE=").append(std::to_string(content.octets));
  if (relay.eight_bit && (content.eight_bit || smtputf8)) command += " BODY=8BITMIME";
  if (smtputf8) command += " SMTPUTF8";
  return command;
}

void DotStuffer::write(std::string_view piece, std::string& out) {
  while (!piece.empty()) {
    if (after_cr_) {
      after_cr_ = false;
      line_start_ = true;
      out += '\n';
      if (piece.front() == '\n') {
        piece.remove_prefix(1);
        continue;
      }
    }
    if (line_start_ && piece.front() == '.') out += '.';
    const std::size_t line = std::min(piece.find('\n'), piece.size());
    const std::size_t run = std::min(piece.substr(0, line).find('\r'), line);
    out.append(piece.substr(0, run));
    line_start_ = line_start_ && run == 0;
    if (run == piece.size()) return;
    if (piece[run] == '\r') {
      out += '\r';
      after_cr_ = true;
    } else {
      out += "\r\n";
      line_start_ = true;
    }
    piece.remove_prefix(run + 1);
  }
}

void DotStuffer::finish(std::string& out) {
  if (after_cr_) {
    out += '\n';
  } else if (!line_start_) {
    out += "\r\n";
  }
  after_cr_ = false;
  line_start_ = true;
}

}  // namespace countersign::provider::smtp
