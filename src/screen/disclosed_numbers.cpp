#include "screen/disclosed_numbers.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "base/text.hpp"

namespace countersign::screen {
namespace {

constexpr std::size_t kNumbersMax = 1000;  // of a kind that are counted

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool in_word(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

Finding finding(std::string_view code, double score, std::string summary, std::string excerpt) {
  return {fmt::format("exfiltration.{}", code), Category::exfiltration, score, std::move(summary),
          std::move(excerpt)};
}

// ISO/IEC 7812-1, annex B.
bool luhn(std::string_view digits) {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int value = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) value = value * 2 > 9 ? value * 2 - 9 : value * 2;
    sum += value;
  }
  return sum % 10 == 0;
}

// Numbers that the schemes give out begin so and have this many digits.
bool is_card(std::string_view digits) {
  const int two = (digits[0] - '0') * 10 + (digits[1] - '0');
  const int four = two * 100 + (digits[2] - '0') * 10 + (digits[3] - '0');
  const bool sixteen = digits[0] == '4' || (two >= 51 && two <= 55) || (four >= 2221 && four <= 2720) ||
                       four == 6011 || two == 65;
  const bool fifteen = two == 34 || two == 37;
  return ((digits.size() == 16 && sixteen) || (digits.size() == 15 && fifteen)) && luhn(digits);
}

// In every payment service's documentation.
bool is_test_card(std::string_view digits) {
  static constexpr std::array<std::string_view, 12> kTests{
      "4242424242424242", "4111111111111111", "4012888888881881", "5555555555554444",
      "5105105105105100", "378282246310005",  "371449635398431",  "6011111111111117",
      "6011000990139424", "4000056655665556", "2223003122003222", "4000000000000002"};
  return std::ranges::find(kTests, digits) != kTests.end();
}

struct Run {
  std::string card;  // "" when there is none
  bool grouped = false;
  std::size_t end = 0;
};

// Digits from `at` on, set apart by single blanks or dashes; a card's number ends where a group does.
Run run_at(std::string_view text, std::size_t at) {
  constexpr std::size_t kDigitsMax = 16;
  Run run;
  std::string digits;
  bool grouped = false;
  run.end = at;
  for (std::size_t i = at; i < text.size(); ++i) {
    if (is_digit(text[i])) {
      if (digits.size() == kDigitsMax) break;
      digits += text[i];
      const bool ends = i + 1 >= text.size() || !in_word(text[i + 1]);
      if (run.card.empty() && digits.size() >= 15 && ends && is_card(digits)) {
        run = {digits, grouped, i + 1};
      }
    } else if ((text[i] == ' ' || text[i] == '-') && i + 1 < text.size() && is_digit(text[i + 1])) {
      grouped = true;
    } else {
      break;
    }
  }
  return run;
}

bool speaks_of_cards(std::string_view lower) {
  static constexpr std::array<std::string_view, 12> kWords{"card",  "visa",    "mastercard",  "amex",
                                                           "cvv",   "cvc",     "kreditkarte", "karte",
                                                           "carte", "tarjeta", "carta ",      "expir"};
  return std::ranges::any_of(
      kWords, [&](std::string_view word) { return lower.find(word) != std::string_view::npos; });
}

void find_cards(std::string_view text, std::string_view lower, std::vector<Finding>& out) {
  std::set<std::string> cards;
  bool grouped = false;
  for (std::size_t at = 0; at < text.size() && cards.size() < kNumbersMax;) {
    if (!is_digit(text[at]) || (at > 0 && (in_word(text[at - 1]) || text[at - 1] == '.'))) {
      ++at;
      continue;
    }
    const Run run = run_at(text, at);
    if (!run.card.empty() && !is_test_card(run.card)) {
      cards.insert(run.card);
      grouped |= run.grouped;
    }
    at = std::max(run.end, at + 1);
  }
  if (cards.empty()) return;
  // One of ten numbers of that form is a card's by chance; what stands around it tells.
  const bool sure = grouped || speaks_of_cards(lower);
  const double score = cards.size() >= 3 ? 0.85 : sure ? 0.68 : 0.3;
  out.push_back(finding("card_number", score,
                        cards.size() == 1
                            ? "Holds what looks like the number of a payment card."
                            : fmt::format("Holds the numbers of {} payment cards.", cards.size()),
                        fmt::format("…{}", cards.begin()->substr(cards.begin()->size() - 4))));
}

// ISO 13616: two letters, two check digits, up to 30 letters and digits; the whole modulo 97 is 1.
bool is_iban(std::string_view text) {
  if (text.size() < 15 || text.size() > 34) return false;
  int rest = 0;
  const auto feed = [&rest](char c) {
    if (is_digit(c)) {
      rest = (rest * 10 + (c - '0')) % 97;
    } else {
      rest = (rest * 100 + (c - 'A' + 10)) % 97;
    }
  };
  for (const char c : text.substr(4)) feed(c);
  for (const char c : text.substr(0, 4)) feed(c);
  return rest == 1;
}

void find_ibans(std::string_view text, std::vector<Finding>& out) {
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  std::set<std::string> found;
  for (std::size_t at = 0; at + 15 <= text.size() && found.size() < kNumbersMax; ++at) {
    const bool begins = upper(text[at]) && upper(text[at + 1]) && is_digit(text[at + 2]) &&
                        is_digit(text[at + 3]) && (at == 0 || !in_word(text[at - 1]));
    if (!begins) continue;
    std::string iban;
    for (std::size_t i = at; i < text.size() && iban.size() < 34; ++i) {
      const bool blank =
          text[i] == ' ' && i + 1 < text.size() && (upper(text[i + 1]) || is_digit(text[i + 1]));
      if (blank) continue;
      if (!upper(text[i]) && !is_digit(text[i])) break;
      iban += text[i];
      const bool group_ends = i + 1 == text.size() || (!upper(text[i + 1]) && !is_digit(text[i + 1]));
      if (group_ends && is_iban(iban)) found.insert(iban);
    }
  }
  // An invoice names one or two.
  if (found.size() < 5) return;
  out.push_back(finding("bank_accounts", found.size() >= 20 ? 0.8 : 0.65,
                        "Holds the bank accounts of several people.",
                        fmt::format("{} of them", found.size())));
}

// ddd-dd-dddd, as the United States write theirs.
void find_social_security(std::string_view text, std::string_view lower, std::vector<Finding>& out) {
  constexpr std::string_view kForm = "ddd-dd-dddd";
  std::set<std::string_view> found;
  for (std::size_t at = text.find('-'); at != std::string_view::npos && found.size() < kNumbersMax;
       at = text.find('-', at + 1)) {
    if (at < 3 || at - 3 + kForm.size() > text.size()) continue;
    const std::string_view part = text.substr(at - 3, kForm.size());
    bool fits = true;
    for (std::size_t i = 0; i < kForm.size(); ++i)
      fits &= kForm[i] == 'd' ? is_digit(part[i]) : part[i] == '-';
    const bool borders = (at == 3 || (!in_word(text[at - 4]) && text[at - 4] != '-')) &&
                         (at + 8 >= text.size() || (!in_word(text[at + 8]) && text[at + 8] != '-'));
    const bool given_out = !part.starts_with("000") && !part.starts_with("666") && part[0] != '9';
    if (fits && borders && given_out && part != "123-45-6789" && part != "078-05-1120") found.insert(part);
  }
  if (found.empty()) return;
  const bool named =
      lower.find("ssn") != std::string_view::npos || lower.find("social security") != std::string_view::npos;
  if (!named && found.size() < 5) return;
  out.push_back(finding("social_security", found.size() >= 5 ? 0.75 : 0.65,
                        "Holds what looks like social security numbers.",
                        fmt::format("{} of them", found.size())));
}

}  // namespace

std::vector<Finding> find_disclosed_numbers(std::string_view text) {
  const std::string lower = ascii_lower(text);
  std::vector<Finding> out;
  find_cards(text, lower, out);
  find_ibans(text, out);
  find_social_security(text, lower, out);
  return out;
}

}  // namespace countersign::screen
