#include "screen/disclosure.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <string>
#include <unordered_set>

#include "base/text.hpp"
#include "screen/disclosed_numbers.hpp"
#include "screen/fold.hpp"
#include "screen/leaks.hpp"

namespace countersign::screen {
namespace {

constexpr std::size_t kAddressesMax = 5000;  // counted; more is the same finding
constexpr std::size_t kValueMax = 200;       // of a password or key that is looked at
constexpr std::size_t kStatementsMin = 20;   // INSERT statements that make a dump

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool in_token(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-'; }

Finding finding(std::string_view code, double score, std::string summary, std::string excerpt) {
  return {fmt::format("exfiltration.{}", code), Category::exfiltration, score, std::move(summary),
          std::move(excerpt)};
}

// What people write where a secret would stand, in documentation and in templates.
bool is_placeholder(std::string_view value) {
  if (value.find_first_of("<>${}[]()*%") != std::string_view::npos) return true;
  const std::string lower = ascii_lower(value);
  if (std::set<char>(lower.begin(), lower.end()).size() < 4) return true;
  static constexpr std::array<std::string_view, 14> kWords{
      "example", "password", "passwd", "changeme",    "your", "secret",  "dummy",
      "xxxx",    "redacted", "sample", "placeholder", "test", "1234567", "abcdef"};
  return std::ranges::any_of(kWords,
                             [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

// Something that nobody would write by chance: digits and letters, or mixed cases, without blanks.
bool looks_secret(std::string_view value) {
  if (value.size() < 8 || value.size() > kValueMax || is_placeholder(value)) return false;
  const bool digits = std::ranges::any_of(value, is_digit);
  const bool letters = std::ranges::any_of(value, is_letter);
  if (!digits || !letters) return false;
  const bool web = value.find("://") != std::string_view::npos || value.find('@') != std::string_view::npos;
  return !web && std::ranges::all_of(value, [](char c) { return c > ' ' && c < 0x7f; });
}

std::string masked(std::string_view value) { return fmt::format("{}…", value.substr(0, 4)); }

// Keys in the form of those who issue them.
void find_keys(std::string_view text, std::vector<Finding>& out) {
  for (const AccessToken& one : access_tokens(text)) {
    if (is_placeholder(one.token)) continue;
    keep_strongest(out, {finding("access_token", 0.7, fmt::format("Holds what looks like {}.", one.name),
                                 masked(one.token))});
  }
  const auto key = text.find("PRIVATE KEY-----");
  if (key == std::string_view::npos) return;
  const auto begin = text.rfind("-----BEGIN ", key);
  if (begin == std::string_view::npos || key - begin > 60) return;
  keep_strongest(out,
                 {finding("private_key", 0.85, "Holds a private key.", "-----BEGIN … PRIVATE KEY-----")});
}

// RFC 7519 §3: two parts in base64url that begin as JSON objects do, and a signature.
void find_web_tokens(std::string_view text, std::vector<Finding>& out) {
  for (std::size_t at = text.find("eyJ"); at != std::string_view::npos; at = text.find("eyJ", at + 3)) {
    if (at > 0 && in_token(text[at - 1])) continue;
    std::size_t end = at;
    std::size_t dots = 0;
    while (end < text.size() && (in_token(text[end]) || text[end] == '.')) dots += text[end++] == '.' ? 1 : 0;
    if (dots == 2 && end - at > 60) {
      return keep_strongest(out, {finding("web_token", 0.62, "Holds a signed token (JWT).", "eyJ…")});
    }
    at = std::max(at, end - 3);
  }
}

// `scheme://user:password@host` (RFC 3986 §3.2.1).
void find_url_passwords(std::string_view text, std::vector<Finding>& out) {
  for (std::size_t at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 3)) {
    const std::string_view rest = text.substr(at + 3, kValueMax);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/ \t\r\n\"'<>"));
    const auto host = authority.rfind('@');
    const auto colon = authority.find(':');
    if (host == std::string_view::npos || colon == std::string_view::npos || colon > host) continue;
    const std::string_view password = authority.substr(colon + 1, host - colon - 1);
    if (password.size() < 4 || is_placeholder(password)) continue;
    return keep_strongest(out,
                          {finding("url_password", 0.68, "Holds a URL with a password in it.",
                                   fmt::format("…:…@{}", visible_excerpt(authority.substr(host + 1), 60)))});
  }
}

bool names_secret(std::string_view name) {
  static constexpr std::array<std::string_view, 12> kWords{
      "secret", "token",     "password",   "passwd",  "passwort",    "api_key",
      "apikey", "accesskey", "access_key", "api-key", "private_key", "credential"};
  const std::string lower = ascii_lower(name);
  return std::ranges::any_of(kWords,
                             [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

std::string_view unquoted(std::string_view value) {
  value = trim(value);
  while (!value.empty() && (value.back() == ',' || value.back() == ';')) value.remove_suffix(1);
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front()) {
    return value.substr(1, value.size() - 2);
  }
  return value;
}

// `NAME=value`, `name: value`, `"name": "value"` with a name that speaks of secrets.
bool assigns_secret(std::string_view line) {
  line = trim(line);
  if (line.starts_with("export ")) line.remove_prefix(7);
  const auto cut = line.find_first_of("=:");
  if (cut == std::string_view::npos || cut == 0 || cut > 60) return false;
  const std::string_view name = unquoted(line.substr(0, cut));
  const bool one_word = std::ranges::all_of(name, [](char c) { return in_token(c) || c == '.'; });
  return one_word && names_secret(name) && looks_secret(unquoted(line.substr(cut + 1)));
}

void find_assignments(std::string_view text, std::vector<Finding>& out) {
  std::size_t found = 0;
  std::string_view first;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (line.size() < 400 && assigns_secret(line)) {
      if (found++ == 0) first = trim(line).substr(0, trim(line).find_first_of("=:"));
    }
    at = end + 1;
  }
  if (found == 0) return;
  const double score = found >= 4 ? 0.85 : found >= 2 ? 0.72 : 0.62;
  keep_strongest(out, {finding("credentials", score,
                               fmt::format("Holds {} that is named as a secret.",
                                           found == 1 ? "a value" : fmt::format("{} values, each", found)),
                               visible_excerpt(first, 60))});
}

// "The password is …", in a few languages.
void find_spoken_passwords(std::string_view text, std::vector<Finding>& out) {
  static constexpr std::array<std::string_view, 11> kLeads{
      "password is ",      "password: ",    "passcode is ",  "passwort: ",
      "passwort lautet ",  "passwort ist ", "kennwort: ",    "mot de passe : ",
      "mot de passe est ", "contraseña: ",  "contraseña es "};
  const std::string lower = ascii_lower(text);
  for (const std::string_view lead : kLeads) {
    for (std::size_t at = lower.find(lead); at != std::string::npos; at = lower.find(lead, at + 1)) {
      const std::string_view rest = text.substr(at + lead.size(), kValueMax);
      std::string_view value = unquoted(rest.substr(0, rest.find_first_of(" \t\r\n")));
      while (!value.empty() && (value.back() == '.' || value.back() == ',')) value.remove_suffix(1);
      if (!looks_secret(value)) continue;
      return keep_strongest(
          out, {finding("spoken_password", 0.62, "Tells a password.", fmt::format("{}…", trim(lead)))});
    }
  }
}

// Modular crypt format, and the first line of a system's list of users.
void find_password_hashes(std::string_view text, std::vector<Finding>& out) {
  static constexpr std::array<std::string_view, 8> kForms{"$2a$", "$2b$", "$2y$", "$argon2",
                                                          "$1$",  "$5$",  "$6$",  "$y$"};
  std::size_t found = 0;
  for (const std::string_view form : kForms) {
    for (std::size_t at = text.find(form); at != std::string_view::npos; at = text.find(form, at + 1)) {
      std::size_t end = at + form.size();
      while (end < text.size() &&
             (in_token(text[end]) || text[end] == '.' || text[end] == '/' || text[end] == '$' ||
              text[end] == '=' || text[end] == ',' || text[end] == '+')) {
        ++end;
      }
      if (end - at >= 28) ++found;
      at = end - 1;
    }
  }
  if (found > 0) {
    keep_strongest(out, {finding("password_hashes", found >= 3 ? 0.8 : 0.45, "Holds hashes of passwords.",
                                 fmt::format("{} of them", found))});
  }
  if (text.find("root:x:0:0:") != std::string_view::npos) {
    keep_strongest(out, {finding("system_file", 0.65, "Holds a system's list of users.", "root:x:0:0:…")});
  }
}

// RFC 5321 addresses, roughly: enough to tell a list of customers from a mail with a few people in it.
void find_address_lists(std::string_view text, std::vector<Finding>& out) {
  std::unordered_set<std::size_t> seen;
  for (std::size_t at = text.find('@'); at != std::string_view::npos && seen.size() < kAddressesMax;
       at = text.find('@', at + 1)) {
    const auto part = [](char c) { return in_token(c) || c == '.' || c == '+'; };
    std::size_t begin = at;
    while (begin > 0 && at - begin < 64 && part(text[begin - 1])) --begin;
    std::size_t end = at + 1;
    while (end < text.size() && end - at < 254 && part(text[end])) ++end;
    const std::string_view domain = text.substr(at + 1, end - at - 1);
    if (begin == at || domain.find('.') == std::string_view::npos) continue;
    seen.insert(std::hash<std::string>{}(ascii_lower(text.substr(begin, end - begin))));
  }
  const std::size_t count = seen.size();
  if (count < 25) return;
  const double score = count >= 500 ? 0.85 : count >= 60 ? 0.68 : 0.45;
  keep_strongest(out,
                 {finding("address_list", score, "Holds the addresses of many people.",
                          fmt::format("{}{} addresses", count, count >= kAddressesMax ? " or more" : ""))});
}

void find_database_dumps(std::string_view text, std::vector<Finding>& out) {
  static constexpr std::array<std::string_view, 6> kHeads{
      "PostgreSQL database dump",  "-- MySQL dump", "-- MariaDB dump",
      "-- Dumping data for table", "COPY public.",  "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;"};
  bool dump = std::ranges::any_of(
      kHeads, [&](std::string_view head) { return text.find(head) != std::string_view::npos; });
  std::size_t statements = 0;
  for (std::size_t at = text.find("INSERT INTO "); at != std::string_view::npos && !dump;
       at = text.find("INSERT INTO ", at + 1)) {
    dump = ++statements >= kStatementsMin;
  }
  if (dump) {
    keep_strongest(out, {finding("database_dump", 0.72, "Holds a dump of a database.", "")});
  }
}

}  // namespace

void keep_strongest(std::vector<Finding>& into, std::vector<Finding> more) {
  for (Finding& one : more) {
    const auto known = std::ranges::find(into, one.code, &Finding::code);
    if (known == into.end()) {
      into.push_back(std::move(one));
    } else if (known->score < one.score) {
      *known = std::move(one);
    }
  }
}

std::vector<Finding> find_disclosures(std::string_view text) {
  std::vector<Finding> out;
  find_keys(text, out);
  find_web_tokens(text, out);
  find_url_passwords(text, out);
  find_assignments(text, out);
  find_spoken_passwords(text, out);
  find_password_hashes(text, out);
  find_address_lists(text, out);
  find_database_dumps(text, out);
  keep_strongest(out, find_disclosed_numbers(text));
  return out;
}

std::vector<Finding> find_disclosing_file(std::string_view filename, std::string_view content) {
  static constexpr std::array<std::string_view, 11> kKeys{".p12",  ".pfx",      ".kdbx",  ".jks",
                                                          ".ppk",  ".keystore", "id_rsa", "id_ed25519",
                                                          ".ovpn", "id_ecdsa",  "shadow"};
  static constexpr std::array<std::string_view, 5> kDatabases{".sqlite", ".sqlite3", ".dump", ".mdb",
                                                              ".pgdump"};
  const std::string lower = ascii_lower(filename);
  const auto named = [&](std::string_view end) { return lower.ends_with(end); };
  std::vector<Finding> out;
  if (std::ranges::any_of(kKeys, named)) {
    out.push_back(
        finding("key_file", 0.7, "A file that holds keys is attached.", visible_excerpt(filename, 80)));
  }
  if (std::ranges::any_of(kDatabases, named) || content.starts_with("SQLite format 3") ||
      content.starts_with("PGDMP")) {
    out.push_back(finding("database_file", 0.65, "A database is attached.", visible_excerpt(filename, 80)));
  }
  return out;
}

}  // namespace countersign::screen
