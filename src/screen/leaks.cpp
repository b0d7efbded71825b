#include "screen/leaks.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "screen/fold.hpp"

namespace countersign::screen {
namespace {

constexpr std::size_t kUrlMax = 2048;
constexpr std::size_t kLabelMax = 200;  // of a link in Markdown
constexpr std::string_view kLink = "](http";

// The name between the braces of the first placeholder in a URL's query; "" when there is none.
std::string placeholder(std::string_view url) {
  const auto query = url.find_first_of("?#");
  if (query == std::string_view::npos) return {};
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kPairs{
      {{"{{", "}}"}, {"${", "}"}, {"{", "}"}, {"[", "]"}, {"<", ">"}, {"%7b", "%7d"}, {"$(", ")"}}};
  const std::string lower = ascii_lower(url.substr(query, kUrlMax));
  for (const auto& [open, close] : kPairs) {
    const auto start = lower.find(open);
    if (start == std::string::npos) continue;
    const auto end = lower.find(close, start + open.size());
    if (end != std::string::npos && end > start + open.size())
      return lower.substr(start + open.size(), end - start - open.size());
  }
  return {};
}

bool names_data(std::string_view name) {
  static constexpr std::array<std::string_view, 22> kData{
      "data",    "secret",  "conversation", "history",  "context", "prompt", "email",  "inbox",
      "message", "content", "summary",      "password", "token",   "key",    "memory", "chat",
      "contact", "user",    "insert",       "base64",   "answer",  "subject"};
  return std::ranges::any_of(
      kData, [&](std::string_view word) { return name.find(word) != std::string_view::npos; });
}

void add_best(std::vector<Finding>& out, Finding finding) {
  for (Finding& one : out) {
    if (one.code != finding.code) continue;
    if (one.score < finding.score) one = std::move(finding);
    return;
  }
  out.push_back(std::move(finding));
}

constexpr std::size_t kTokensMax = 100;

struct SecretForm {
  std::string_view prefix;
  std::size_t length;  // of the characters behind it, at least
  std::string_view name;
};

}  // namespace

std::vector<Finding> find_placeholders(std::string_view text, const std::vector<Link>& links) {
  std::vector<Finding> out;
  const auto look = [&](std::string_view url, bool image) {
    const std::string name = placeholder(url);
    if (name.empty()) return;
    const double score = image ? (names_data(name) ? 0.66 : 0.35) : (names_data(name) ? 0.3 : 0.12);
    add_best(out, {image ? "exfiltration.image_placeholder" : "exfiltration.link_placeholder",
                   Category::exfiltration, score,
                   image ? "An image's URL has a place for data to be filled in."
                         : "A URL has a place for data to be filled in.",
                   visible_excerpt(url)});
  };
  for (std::size_t at = text.find(kLink); at != std::string_view::npos;) {
    const std::size_t begin = at > kLabelMax ? at - kLabelMax : 0;
    const std::size_t bracket = text.substr(begin, at - begin).rfind('[');
    const bool image =
        bracket != std::string_view::npos && begin + bracket > 0 && text[begin + bracket - 1] == '!';
    // To the next link, whose URL is its own, so that each byte is looked at once.
    const std::size_t start = at + 2;
    const std::size_t next = text.find(kLink, start);
    const std::string_view url = text.substr(start, std::min(next - start, kUrlMax));
    look(url.substr(0, url.find_first_of(" \n\"")), image);
    at = next;
  }
  for (const Link& link : links) look(link.url, false);
  return out;
}

std::vector<AccessToken> access_tokens(std::string_view text) {
  static constexpr std::array<SecretForm, 24> kForms{{
      {"AKIA", 16, "an AWS access key"},     {"ASIA", 16, "an AWS access key"},
      {"ghp_", 30, "a GitHub token"},        {"github_pat_", 30, "a GitHub token"},
      {"glpat-", 18, "a GitLab token"},      {"xoxb-", 20, "a Slack token"},
      {"xoxp-", 20, "a Slack token"},        {"sk-", 32, "an API key"},
      {"sk_live_", 20, "a Stripe key"},      {"e2a_acct_", 32, "an account key"},
      {"e2a_agt_", 32, "an agent key"},      {"AIza", 35, "a Google API key"},
      {"gho_", 30, "a GitHub token"},        {"ghs_", 30, "a GitHub token"},
      {"ghu_", 30, "a GitHub token"},        {"rk_live_", 20, "a Stripe key"},
      {"hf_", 30, "a Hugging Face token"},   {"npm_", 36, "an npm token"},
      {"pypi-", 40, "a PyPI token"},         {"dop_v1_", 60, "a DigitalOcean token"},
      {"xapp-", 20, "a Slack token"},        {"shpat_", 30, "a Shopify token"},
      {"AGE-SECRET-KEY-", 40, "an age key"}, {"whsec_", 24, "a webhook secret"},
  }};
  const auto in_token = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  std::vector<AccessToken> out;
  for (const SecretForm& form : kForms) {
    std::size_t end = 0;
    for (std::size_t at = text.find(form.prefix); at != std::string_view::npos && out.size() < kTokensMax;
         at = text.find(form.prefix, std::max(at + 1, end))) {
      end = at + form.prefix.size();
      if (at > 0 && in_token(text[at - 1])) continue;
      while (end < text.size() && in_token(text[end])) ++end;
      if (end - at - form.prefix.size() >= form.length) out.push_back({form.name, text.substr(at, end - at)});
    }
  }
  return out;
}

std::vector<Finding> find_secrets(std::string_view text) {
  std::vector<Finding> out;
  for (const AccessToken& one : access_tokens(text)) {
    const std::size_t prefix = one.token.find_first_of("_-");
    const std::size_t shown = std::min(prefix == std::string_view::npos ? 8 : prefix + 5, one.token.size());
    add_best(out, {"exfiltration.access_token", Category::exfiltration, 0.5,
                   fmt::format("Holds what looks like {}.", one.name),
                   fmt::format("{}…", one.token.substr(0, shown))});
  }
  const auto key = text.find("PRIVATE KEY-----");
  if (key != std::string_view::npos && text.rfind("-----BEGIN ", key) != std::string_view::npos) {
    add_best(out, {"exfiltration.private_key", Category::exfiltration, 0.7, "Holds a private key.",
                   "-----BEGIN … PRIVATE KEY-----"});
  }
  return out;
}

}  // namespace countersign::screen
