#include "mailauth/signer.hpp"

#include <fmt/format.h>
#include <time.h>

#include <array>
#include <vector>

#include "mail/address.hpp"
#include "mailauth/canonical.hpp"
#include "mailauth/dkim_signature.hpp"

namespace countersign::mailauth {
namespace {

// RFC 6376 §5.4.1. In the order of h=.
constexpr std::array<std::string_view, 16> kSigned{"from",
                                                   "to",
                                                   "cc",
                                                   "subject",
                                                   "date",
                                                   "message-id",
                                                   "reply-to",
                                                   "in-reply-to",
                                                   "references",
                                                   "mime-version",
                                                   "content-type",
                                                   "content-transfer-encoding",
                                                   "content-disposition",
                                                   "list-unsubscribe",
                                                   "list-unsubscribe-post",
                                                   "auto-submitted"};
constexpr std::string_view kOurFields = "x-e2a-";
constexpr std::size_t kLineWanted = 76;

bool rewritten(std::string_view name, Onward onward) {
  return onward == Onward::new_date_and_id && (name == "date" || name == "message-id");
}

// h=: each name as often as the field is there.
std::vector<std::string> names_to_sign(const SignedMessage& message, Onward onward) {
  std::vector<std::string> names;
  for (const std::string_view name : kSigned) {
    if (rewritten(name, onward)) continue;
    names.insert(names.end(), message.all(std::string(name)).size(), std::string(name));
    if (name == "from") names.emplace_back(name);
  }
  for (const HeaderField& field : message.fields()) {
    if (field.name.starts_with(kOurFields)) names.push_back(field.name);
  }
  return names;
}

// Breaks lines between words, and inside one that may be broken anywhere.
class Folded {
 public:
  explicit Folded(std::string begun) : text_(std::move(begun)) {}

  // A word that stays whole. `blank`: a space stands before it.
  void word(std::string_view word, bool blank = true) {
    if (column() + word.size() + (blank ? 1 : 0) > kLineWanted) {
      fold();
    } else if (blank) {
      text_ += ' ';
    }
    text_ += word;
  }
  // base64, which may be folded between any two letters (RFC 6376 §2.10).
  void letters(std::string_view letters) {
    while (!letters.empty()) {
      if (column() >= kLineWanted) fold();
      const std::string_view piece = letters.substr(0, kLineWanted - column());
      text_ += piece;
      letters.remove_prefix(piece.size());
    }
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void fold() {
    text_ += "\r\n ";
    line_start_ = text_.size() - 1;
  }
  [[nodiscard]] std::size_t column() const { return text_.size() - line_start_; }

  std::string text_;
  std::size_t line_start_ = 0;
};

std::string sign_as(const SignedMessage& message, const SigningIdentity& identity,
                    const std::vector<std::string>& names, const std::string& body_hash,
                    std::optional<UtcTime> at) {
  Folded field("DKIM-Signature:");
  field.word("v=1;");
  field.word(fmt::format("a={}-sha256;", to_string(identity.key.algorithm())));
  field.word("c=relaxed/relaxed;");
  field.word(fmt::format("d={};", identity.domain));
  field.word(fmt::format("s={};", identity.selector));
  if (at) {
    field.word(
        fmt::format("t={};", std::chrono::floor<std::chrono::seconds>(at->time_since_epoch()).count()));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool last = i + 1 == names.size();
    field.word(fmt::format("{}{}{}", i == 0 ? "h=" : "", names[i], last ? ";" : ":"), i == 0);
  }
  field.word(fmt::format("bh={};", body_hash));
  field.word("b=");

  Signature signature;
  signature.header_form = Canonical::relaxed;
  signature.signed_names = names;
  field.letters(base64_encode(identity.key.sign(message.header_digest(signature, field.text()))));
  return field.text() + "\r\n";
}

}  // namespace

std::string sign(std::string_view raw, std::span<const SigningIdentity> identities, std::optional<UtcTime> at,
                 Onward onward) {
  if (identities.empty()) return {};
  SignedMessage message(raw);
  if (message.over_limits() || message.malformed() || message.all("from").empty()) return {};
  const std::vector<std::string> names = names_to_sign(message, onward);
  const Sha256 digest = message.body_digest(Canonical::relaxed, std::nullopt).digest;
  const std::string body_hash = base64_encode({reinterpret_cast<const char*>(digest.data()), digest.size()});
  std::string fields;
  for (const SigningIdentity& identity : identities) {
    fields += sign_as(message, identity, names, body_hash, at);
  }
  return fields;
}

std::string from_domain(std::string_view raw) {
  const SignedMessage message(raw);
  const auto& from = message.all("from");
  if (from.empty()) return {};
  std::string unfolded;
  append_canonical_field(unfolded, message.fields()[from.front()].text, Canonical::relaxed);
  return mail::domain_of(
      mail::bare_address(std::string_view(unfolded).substr(std::string_view("from:").size())));
}

std::optional<UtcTime> composed_at(std::string_view raw) {
  const SignedMessage message(raw);
  const auto& dates = message.all("date");
  if (dates.empty()) return std::nullopt;
  std::string text;
  append_canonical_field(text, message.fields()[dates.front()].text, Canonical::relaxed);
  std::tm parts{};
  const char* const end = ::strptime(text.c_str(), "date:%a, %d %b %Y %H:%M:%S +0000", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const std::time_t seconds = ::timegm(&parts);
  return UtcTime(std::chrono::seconds(seconds));
}

std::string selector_for(UtcTime created) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(created));
  return fmt::format("e2a{:04}{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()));
}

std::string dns_name(std::string_view selector, std::string_view domain) {
  return fmt::format("{}._domainkey.{}", selector, domain);
}

}  // namespace countersign::mailauth
