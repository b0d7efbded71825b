#include "inbound/smtp/command.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/text.hpp"
#include "inbound/smtp/reply.hpp"

namespace countersign::inbound::smtp {
namespace {

// RFC 5321 §4.5.3.1.3, brackets included. A local part has no limit of its own: forwarders that write one
// return path into another (SRS) exceed the 64 octets that §4.5.3.1.1 wants of every receiver, who "should"
// impose none.
constexpr std::size_t kPathBytesMax = 256;
constexpr std::size_t kDomainBytesMax = 255;  // §4.5.3.1.2
constexpr std::size_t kLabelBytesMax = 63;    // RFC 1035 §2.3.4

constexpr std::array kCommands{
    CommandRule{"MAIL", Verb::mail, Argument::required, true, false, true},
    CommandRule{"RCPT", Verb::rcpt, Argument::required, true, true, true},
    CommandRule{"DATA", Verb::data, Argument::none, true, true, true},
    // BDAT is asked for its state only after its octets are accounted for (RFC 3030 §2).
    CommandRule{"BDAT", Verb::bdat, Argument::optional, false, false, true},
    CommandRule{"EHLO", Verb::ehlo, Argument::required, false, false, false},
    CommandRule{"HELO", Verb::helo, Argument::required, false, false, false},
    CommandRule{"LHLO", Verb::lhlo, Argument::required, false, false, false},
    CommandRule{"QUIT", Verb::quit, Argument::none, false, false, false},
    CommandRule{"RSET", Verb::rset, Argument::none, false, false, false},
    CommandRule{"NOOP", Verb::noop, Argument::optional, false, false, false},
    CommandRule{"STARTTLS", Verb::starttls, Argument::none, false, false, false},
    CommandRule{"VRFY", Verb::vrfy, Argument::required, true, false, false},
    CommandRule{"EXPN", Verb::expn, Argument::required, true, false, false},
    CommandRule{"HELP", Verb::help, Argument::optional, false, false, false},
    CommandRule{"AUTH", Verb::auth, Argument::optional, true, false, false},
    // Requests of other protocols, by which a page in a browser could make it speak SMTP.
    CommandRule{"GET", Verb::not_mail, Argument::optional, false, false, false},
    CommandRule{"POST", Verb::not_mail, Argument::optional, false, false, false},
    CommandRule{"PUT", Verb::not_mail, Argument::optional, false, false, false},
    CommandRule{"HEAD", Verb::not_mail, Argument::optional, false, false, false},
    CommandRule{"OPTIONS", Verb::not_mail, Argument::optional, false, false, false},
    CommandRule{"CONNECT", Verb::not_mail, Argument::optional, false, false, false},
};

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z'); }

// RFC 5322 §3.2.3, and any byte of UTF-8 (RFC 6531 §3.3).
bool is_atext(char c) {
  constexpr std::string_view kSigns = "!#$%&'*+-/=?^_`{|}~";
  return is_alnum(c) || static_cast<unsigned char>(c) >= 0x80 || kSigns.find(c) != std::string_view::npos;
}

bool is_dot_string(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.back() == '.') return false;
  if (text.find("..") != std::string_view::npos) return false;
  return std::ranges::all_of(text, [](char c) { return c == '.' || is_atext(c); });
}

// Letters, digits, hyphens, and the underscores that live in the world against the grammar.
bool is_label(std::string_view label) {
  if (label.empty() || label.size() > kLabelBytesMax) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(label, [](char c) {
    return is_alnum(c) || c == '-' || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  });
}

bool is_domain(std::string_view domain) {
  if (domain.empty() || domain.size() > kDomainBytesMax) return false;
  for (std::size_t from = 0;;) {
    const std::size_t dot = domain.find('.', from);
    const std::size_t end = dot == std::string_view::npos ? domain.size() : dot;
    if (!is_label(domain.substr(from, end - from))) return false;
    if (dot == std::string_view::npos) return true;
    from = dot + 1;
  }
}

// RFC 5321 §4.1.3; general literals are in use nowhere.
bool is_address_literal(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return false;
  std::string inner(text.substr(1, text.size() - 2));
  std::array<unsigned char, sizeof(in6_addr)> address{};
  constexpr std::string_view kTag = "IPv6:";
  if (equal_ignoring_case(std::string_view(inner).substr(0, kTag.size()), kTag)) {
    inner.erase(0, kTag.size());
    return inet_pton(AF_INET6, inner.c_str(), address.data()) == 1;
  }
  return inet_pton(AF_INET, inner.c_str(), address.data()) == 1;
}

// The quoted string at the start of `text`, unescaped in `content`; how many bytes it took, 0 when there is
// none.
std::size_t read_quoted(std::string_view text, std::string& content) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"') return i + 1;
    if (c == '\\' && ++i < text.size()) c = text[i];
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return 0;
    content.push_back(c);
  }
  return 0;
}

// `@one,@two:` in front of a mailbox is ignored (RFC 5321 §4.1.1.3, appendix C).
bool skip_source_route(std::string_view& text) {
  if (!text.starts_with('@')) return true;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  std::string_view route = text.substr(0, colon);
  text.remove_prefix(colon + 1);
  while (!route.empty()) {
    const std::size_t comma = std::min(route.find(','), route.size());
    const std::string_view hop = route.substr(0, comma);
    if (!hop.starts_with('@') || !is_domain(hop.substr(1))) return false;
    route.remove_prefix(std::min(comma + 1, route.size()));
  }
  return true;
}

// One Path (RFC 5321 §4.1.2) at the start of `text`, which is moved behind it: what stands between the
// brackets, without the source route. Quotes that are not needed are taken off, since they mean nothing
// (§4.1.2).
std::optional<std::string> read_path(std::string_view& text) {
  if (!text.starts_with('<')) return std::nullopt;
  const std::string_view whole = text;
  text.remove_prefix(1);
  if (!skip_source_route(text)) return std::nullopt;
  std::string local;
  bool quoted = false;
  if (text.starts_with('"')) {
    const std::size_t used = read_quoted(text, local);
    if (used == 0) return std::nullopt;
    quoted = !is_dot_string(local);
    local = quoted ? std::string(text.substr(0, used)) : local;
    text.remove_prefix(used);
  } else {
    const std::size_t end = std::min(text.find_first_of("@>"), text.size());
    local = text.substr(0, end);
    text.remove_prefix(end);
  }
  std::string address = local;
  if (text.starts_with('@')) {
    const std::size_t end = text.find('>');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view domain = text.substr(1, end - 1);
    if (!is_domain(domain) && !is_address_literal(domain)) return std::nullopt;
    address += text.substr(0, end);
    text.remove_prefix(end);
  }
  if (!text.starts_with('>')) return std::nullopt;
  text.remove_prefix(1);
  if (whole.size() - text.size() > kPathBytesMax || !is_utf8(address)) return std::nullopt;
  if (address.empty()) return address;
  if (!quoted && !is_dot_string(local)) return std::nullopt;
  return address;
}

// Only a quoted local part may hold an @ of its own; a domain never holds a quote.
bool has_domain(std::string_view address) {
  const std::size_t from = address.starts_with('"') ? address.rfind('"') : 0;
  return address.find('@', from) != std::string_view::npos;
}

// What follows `keyword` (`FROM:`, `TO:`); blanks behind the colon are common, and harmless.
std::optional<std::string_view> behind(std::string_view argument, std::string_view keyword) {
  if (!equal_ignoring_case(argument.substr(0, keyword.size()), keyword)) return std::nullopt;
  return trim_blanks(argument.substr(keyword.size()));
}

std::optional<std::uint64_t> read_number(std::string_view text) {
  constexpr std::size_t kDigitsMax = 20;  // RFC 1870 §5, RFC 3030 §2
  std::uint64_t value = 0;
  if (text.empty() || text.size() > kDigitsMax) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The next blank-separated word of `text`, which is moved behind it.
std::string_view next_word(std::string_view& text) {
  text = trim_blanks(text);
  const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

struct SeenParameters {
  bool size = false;
  bool body = false;
  bool smtputf8 = false;
};

// One parameter of MAIL; "" or the reply that refuses it.
std::string_view apply_parameter(std::string_view word, MailArguments& mail, SeenParameters& seen) {
  const std::size_t sign = word.find('=');
  const std::string_view name = word.substr(0, sign);
  const bool has_value = sign != std::string_view::npos;
  const std::string_view value = has_value ? word.substr(sign + 1) : std::string_view();
  if (equal_ignoring_case(name, "SIZE")) {
    mail.size = read_number(value);
    return !mail.size || std::exchange(seen.size, true) ? reply::kBadParameter : std::string_view();
  }
  if (equal_ignoring_case(name, "BODY")) {
    if (value.empty() || std::exchange(seen.body, true)) return reply::kBadParameter;
    const bool offered = equal_ignoring_case(value, "7BIT") || equal_ignoring_case(value, "8BITMIME");
    return offered ? std::string_view() : reply::kBodyNotOffered;
  }
  if (equal_ignoring_case(name, "SMTPUTF8")) {
    mail.smtputf8 = true;
    return has_value || std::exchange(seen.smtputf8, true) ? reply::kBadParameter : std::string_view();
  }
  return reply::kUnknownParameter;
}

}  // namespace

Command parse_command(std::string_view line) {
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view name = line.substr(0, end);
  const auto* rule = std::ranges::find_if(
      kCommands, [name](const CommandRule& known) { return equal_ignoring_case(known.name, name); });
  if (rule == kCommands.end()) return {};
  return {rule, trim_blanks(line.substr(end))};
}

bool is_helo_name(std::string_view name) {
  if (name.empty() || name.size() > kDomainBytesMax || !is_utf8(name)) return false;
  if (name.find_first_of("()<>\",;\\") != std::string_view::npos) return false;
  return std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f; });
}

Result<MailArguments, std::string_view> parse_mail(std::string_view argument) {
  auto rest = behind(argument, "FROM:");
  if (!rest) return unexpected(reply::kMailSyntax);
  auto path = read_path(*rest);
  const bool separated = rest->empty() || rest->front() == ' ' || rest->front() == '\t';
  if (!path || !separated) return unexpected(reply::kBadSender);
  if (!path->empty() && !has_domain(*path)) return unexpected(reply::kBadSender);
  MailArguments mail{.from = std::move(*path), .size = {}, .smtputf8 = false};
  SeenParameters seen;
  for (auto word = next_word(*rest); !word.empty(); word = next_word(*rest)) {
    if (const auto refusal = apply_parameter(word, mail, seen); !refusal.empty()) return unexpected(refusal);
  }
  if (!mail.smtputf8 && !is_ascii(mail.from)) return unexpected(reply::kNeedsSmtputf8);
  return mail;
}

Result<std::string, std::string_view> parse_rcpt(std::string_view argument, bool smtputf8,
                                                 std::string_view host_name) {
  auto rest = behind(argument, "TO:");
  if (!rest) return unexpected(reply::kRcptSyntax);
  auto path = read_path(*rest);
  if (!path || path->empty()) return unexpected(reply::kBadRecipient);
  if (!rest->empty()) {
    const bool parameter = rest->front() == ' ' || rest->front() == '\t';
    return unexpected(parameter ? reply::kUnknownParameter : reply::kBadRecipient);
  }
  if (!has_domain(*path)) {
    if (!equal_ignoring_case(*path, "postmaster")) return unexpected(reply::kBadRecipient);
    path->append("@").append(host_name);
  }
  if (!smtputf8 && !is_ascii(*path)) return unexpected(reply::kNeedsSmtputf8);
  return std::move(*path);
}

std::optional<ChunkArguments> parse_bdat(std::string_view argument) {
  const auto octets = read_number(next_word(argument));
  if (!octets) return std::nullopt;
  const std::string_view word = next_word(argument);
  if (word.empty()) return ChunkArguments{*octets, false};
  if (!equal_ignoring_case(word, "LAST") || !trim_blanks(argument).empty()) return std::nullopt;
  return ChunkArguments{*octets, true};
}

}  // namespace countersign::inbound::smtp
