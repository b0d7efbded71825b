#include "mailauth/spf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "mailauth/domain.hpp"
#include "mailauth/spf_record.hpp"

namespace countersign::mailauth {
namespace {

namespace asio = boost::asio;
using asio::ip::address;
using net::DnsStatus;

constexpr std::size_t kReasonBytesMax = 300;
constexpr std::size_t kExplanationBytesMax = 500;

/// IPv4 in IPv6 form is IPv4 (§5).
address unmapped(const address& client) {
  if (client.is_v6() && client.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, client.to_v6());
  }
  return client;
}

struct Identity {
  std::string local_part;
  std::string domain;
};

/// Whose policy is asked (§2.4, §4.3): MAIL FROM, or postmaster at HELO for the null sender.
Identity identity_of(const Origin& origin) {
  if (origin.mail_from.empty()) return {"postmaster", origin.helo};
  const auto at = origin.mail_from.rfind('@');
  if (at == std::string::npos) return {origin.mail_from, ""};
  Identity identity{origin.mail_from.substr(0, at), origin.mail_from.substr(at + 1)};
  if (identity.local_part.empty()) identity.local_part = "postmaster";
  return identity;
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0; });
}

/// One evaluation: what it asks with and what it may still ask.
class Check {
 public:
  Check(net::DnsResolver& dns, const Origin& origin, const SpfContext& context)
      : dns_(dns), timers_(context.timers), end_(timers_.now() + kSpfTime) {
    const auto identity = identity_of(origin);
    values_.client = unmapped(origin.client);
    values_.local_part = identity.local_part;
    values_.sender_domain = identity.domain;
    values_.sender = identity.local_part + "@" + identity.domain;
    values_.helo = origin.helo;
    values_.receiver = context.receiver;
    values_.time_s = to_us(context.now) / 1'000'000;
  }

  /// check_host() (§4) for a domain; `explains` is false inside include, whose exp= is not used (§6.2).
  asio::awaitable<SpfStatus> domain(std::string asked, bool explains);

  [[nodiscard]] SpfVerdict verdict(SpfStatus status) const {
    return {status, printable(reason_, kReasonBytesMax), printable(explanation_, kExplanationBytesMax)};
  }

 private:
  enum class Match : std::uint8_t { no, yes, temperror, permerror };

  asio::awaitable<SpfStatus> evaluate(const SpfRecord& record, const std::string& domain, bool explains);
  asio::awaitable<Match> matches(const Mechanism& mechanism, const std::string& domain);
  asio::awaitable<Match> include(const Mechanism& mechanism, std::string target);
  asio::awaitable<Match> address_of(const Mechanism& mechanism, std::string target);
  asio::awaitable<Match> mx(const Mechanism& mechanism, std::string target);
  asio::awaitable<Match> ptr(std::string target);
  asio::awaitable<Match> exists(std::string target);
  asio::awaitable<void> find_validated(std::string domain);
  asio::awaitable<std::optional<std::string>> expanded(const MacroString& text, std::string domain);
  asio::awaitable<void> explain(const MacroString& where, std::string domain);
  asio::awaitable<net::DnsAnswer<address>> addresses(std::string name);
  asio::awaitable<void> name_client();

  /// Says why and gives the status back.
  SpfStatus because(SpfStatus status, std::string reason) {
    reason_ = std::move(reason);
    return status;
  }
  Match wrong(std::string reason) {
    reason_ = std::move(reason);
    return Match::permerror;
  }
  /// False when no more may be asked; the status is in `refused_`.
  bool may_ask() {
    if (timers_.now() < end_) return true;
    reason_ = "it took too long";
    return false;
  }
  bool count_term() { return ++terms_ <= kSpfTermsMax; }
  /// Counts answers without records, of which there are few in an honest policy (§4.6.4).
  template <class Record>
  bool count_void(const net::DnsAnswer<Record>& answer) {
    if (answer.status != DnsStatus::no_data && answer.status != DnsStatus::no_such_name) return true;
    return ++voids_ <= kSpfVoidMax;
  }

  net::DnsResolver& dns_;
  net::Timers& timers_;
  std::chrono::steady_clock::time_point end_;
  MacroValues values_;
  int terms_ = 0;
  int voids_ = 0;
  bool explaining_ = false;                               // limits end where the verdict is there (§4.6.4)
  std::optional<std::vector<std::string>> client_names_;  // validated names of the client (§5.5)
  bool names_refused_ = false;                            // too many voids on the way to them
  std::string reason_;
  std::string explanation_;
};

asio::awaitable<SpfStatus> Check::domain(std::string asked, bool explains) {
  const auto domain = to_ascii_domain(asked);
  if (!domain || !domain->contains('.')) {
    co_return because(SpfStatus::none, fmt::format("'{}' is no domain that can have a policy", asked));
  }
  if (!may_ask()) co_return SpfStatus::temperror;
  const auto answer = co_await dns_.txt(*domain);
  if (answer.status == DnsStatus::failed) {
    co_return because(SpfStatus::temperror, fmt::format("the DNS did not answer for TXT of {}", *domain));
  }
  const std::string* text = nullptr;
  for (const auto& record : answer.records) {
    if (!is_spf_record(record)) continue;
    if (text != nullptr) {
      co_return because(SpfStatus::permerror, fmt::format("{} has several SPF records", *domain));
    }
    text = &record;
  }
  if (text == nullptr) co_return because(SpfStatus::none, fmt::format("{} has no SPF record", *domain));
  const auto record = parse_spf_record(*text);
  if (!record) {
    co_return because(SpfStatus::permerror,
                      fmt::format("syntax error in the record of {}: '{}'", *domain, record.error()));
  }
  co_return co_await evaluate(*record, *domain, explains);
}

asio::awaitable<SpfStatus> Check::evaluate(const SpfRecord& record, const std::string& domain,
                                           bool explains) {
  for (const auto& mechanism : record.mechanisms) {
    switch (co_await matches(mechanism, domain)) {
      case Match::no:
        continue;
      case Match::temperror:
        co_return SpfStatus::temperror;
      case Match::permerror:
        co_return SpfStatus::permerror;
      case Match::yes:
        break;
    }
    reason_ = fmt::format("'{}' of {} matched", mechanism.text, domain);
    if (mechanism.qualifier == SpfStatus::fail && explains && record.explanation) {
      co_await explain(*record.explanation, domain);
    }
    co_return mechanism.qualifier;
  }
  if (!record.redirect) co_return because(SpfStatus::neutral, fmt::format("nothing of {} matched", domain));
  if (!count_term()) co_return because(SpfStatus::permerror, "too many terms that ask the DNS");
  const auto target = co_await expanded(*record.redirect, domain);
  if (!target) co_return SpfStatus::permerror;
  const auto status = co_await this->domain(*target, explains);
  // §6.1: a redirect to a domain without policy is an error of the record.
  co_return status == SpfStatus::none ? SpfStatus::permerror : status;
}

asio::awaitable<Check::Match> Check::matches(const Mechanism& mechanism, const std::string& domain) {
  if (mechanism.kind == MechanismKind::all) co_return Match::yes;
  if (mechanism.kind == MechanismKind::ip4 || mechanism.kind == MechanismKind::ip6) {
    const bool inside = in_network(values_.client, mechanism.network, mechanism.prefix4, mechanism.prefix6);
    co_return inside ? Match::yes : Match::no;
  }
  if (!count_term()) co_return wrong("too many terms that ask the DNS");
  std::string target = domain;
  if (mechanism.domain) {
    const auto name = co_await expanded(*mechanism.domain, domain);
    if (!name) co_return Match::permerror;
    target = *name;
  }
  if (!may_ask()) co_return Match::temperror;
  // RFC 8616 §4: what a local part outside ASCII expands to matches nothing.
  if (!is_ascii(target)) co_return Match::no;
  switch (mechanism.kind) {
    case MechanismKind::include:
      co_return co_await include(mechanism, target);
    case MechanismKind::a:
      co_return co_await address_of(mechanism, target);
    case MechanismKind::mx:
      co_return co_await mx(mechanism, target);
    case MechanismKind::ptr:
      co_return co_await ptr(target);
    case MechanismKind::exists:
      co_return co_await exists(target);
    case MechanismKind::all:
    case MechanismKind::ip4:
    case MechanismKind::ip6:
      break;
  }
  co_return Match::no;
}

asio::awaitable<Check::Match> Check::include(const Mechanism& mechanism, std::string target) {
  const auto status = co_await domain(std::move(target), false);
  switch (status) {  // §5.2
    case SpfStatus::pass:
      co_return Match::yes;
    case SpfStatus::fail:
    case SpfStatus::softfail:
    case SpfStatus::neutral:
      co_return Match::no;
    case SpfStatus::temperror:
      co_return Match::temperror;
    case SpfStatus::none:
    case SpfStatus::permerror:
      break;
  }
  co_return wrong(fmt::format("in '{}': {}", mechanism.text, reason_));
}

asio::awaitable<net::DnsAnswer<address>> Check::addresses(std::string name) {
  if (values_.client.is_v4()) co_return co_await dns_.a(std::move(name));
  co_return co_await dns_.aaaa(std::move(name));
}

asio::awaitable<Check::Match> Check::address_of(const Mechanism& mechanism, std::string target) {
  if (!may_ask()) co_return Match::temperror;
  const auto answer = co_await addresses(target);
  if (answer.status == DnsStatus::failed) {
    reason_ = fmt::format("the DNS did not answer for the addresses of {}", target);
    co_return Match::temperror;
  }
  if (!count_void(answer)) co_return wrong("too many questions without an answer");
  const bool inside = std::ranges::any_of(answer.records, [&](const address& network) {
    return in_network(values_.client, network, mechanism.prefix4, mechanism.prefix6);
  });
  co_return inside ? Match::yes : Match::no;
}

asio::awaitable<Check::Match> Check::mx(const Mechanism& mechanism, std::string target) {
  const auto answer = co_await dns_.mx(target);
  if (answer.status == DnsStatus::failed) {
    reason_ = fmt::format("the DNS did not answer for MX of {}", target);
    co_return Match::temperror;
  }
  if (!count_void(answer)) co_return wrong("too many questions without an answer");
  std::size_t hosts = 0;
  for (const auto& record : answer.records) {
    if (record.host.empty()) continue;  // the null MX (RFC 7505)
    if (++hosts > kSpfNamesMax) co_return wrong(fmt::format("{} has too many MX records", target));
    const auto match = co_await address_of(mechanism, record.host);
    if (match != Match::no) co_return match;
  }
  co_return Match::no;
}

/// The client's names that lead back to it (§5.5), found once. What the client's side of the DNS fails to
/// answer makes names fewer, never an error.
asio::awaitable<void> Check::name_client() {
  if (client_names_) co_return;
  client_names_.emplace();
  const auto answer = co_await dns_.ptr(values_.client);
  if (!count_void(answer) && !explaining_) names_refused_ = true;
  std::size_t looked_at = 0;
  for (const auto& name : answer.records) {
    if (names_refused_ || ++looked_at > kSpfNamesMax || !may_ask()) co_return;
    const auto found = co_await addresses(name);
    if (!count_void(found) && !explaining_) names_refused_ = true;
    if (std::ranges::find(found.records, values_.client) == found.records.end()) continue;
    if (auto ascii = to_ascii_domain(name)) client_names_->push_back(std::move(*ascii));
  }
}

asio::awaitable<Check::Match> Check::ptr(std::string target) {
  co_await name_client();
  if (names_refused_) co_return wrong("too many questions without an answer");
  const auto parent = to_ascii_domain(target);
  if (!parent) co_return Match::no;
  const bool within =
      std::ranges::any_of(*client_names_, [&](const std::string& name) { return is_within(name, *parent); });
  co_return within ? Match::yes : Match::no;
}

asio::awaitable<Check::Match> Check::exists(std::string target) {
  const auto answer = co_await dns_.a(target);  // A also for an IPv6 client (§5.7)
  if (answer.status == DnsStatus::failed) {
    reason_ = fmt::format("the DNS did not answer for A of {}", target);
    co_return Match::temperror;
  }
  if (!count_void(answer)) co_return wrong("too many questions without an answer");
  co_return answer.status == DnsStatus::found ? Match::yes : Match::no;
}

/// The macro p: the domain itself, else one below it, else any (§7.3).
asio::awaitable<void> Check::find_validated(std::string domain) {
  co_await name_client();
  values_.validated = "unknown";
  if (client_names_->empty()) co_return;
  const auto below =
      std::ranges::find_if(*client_names_, [&](const std::string& name) { return is_within(name, domain); });
  const auto same = std::ranges::find(*client_names_, domain);
  values_.validated = same != client_names_->end()    ? *same
                      : below != client_names_->end() ? *below
                                                      : client_names_->front();
}

/// The name that a domain-spec stands for; nothing when a limit was met on the way to it.
asio::awaitable<std::optional<std::string>> Check::expanded(const MacroString& text, std::string domain) {
  values_.domain = domain;
  if (uses(text, 'p')) {
    // The question behind p counts like that of the ptr mechanism (§4.6.4).
    if (!client_names_ && !explaining_ && !count_term()) {
      reason_ = "too many terms that ask the DNS";
      co_return std::nullopt;
    }
    co_await find_validated(domain);
    if (names_refused_ && !explaining_) {
      reason_ = "too many questions without an answer";
      co_return std::nullopt;
    }
  }
  co_return expand_domain(text, values_);
}

/// §6.2: whatever goes wrong here leaves the verdict without an explanation.
asio::awaitable<void> Check::explain(const MacroString& where, std::string domain) {
  explaining_ = true;
  const auto name = co_await expanded(where, domain);
  if (!name || !is_ascii(*name) || !may_ask()) co_return;
  const auto answer = co_await dns_.txt(*name);
  if (answer.records.size() != 1) co_return;
  const auto text = parse_macro_string(answer.records.front(), MacroUse::explanation);
  if (!text) co_return;
  if (uses(*text, 'p')) co_await find_validated(domain);
  explanation_ = expand(*text, values_);
}

}  // namespace

std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string shown(text.substr(0, bytes_max));
  std::ranges::replace_if(shown, [](char c) { return c < ' ' || c > '~'; }, '?');
  return shown;
}

asio::awaitable<SpfVerdict> check_host(net::DnsResolver& dns, Origin origin, SpfContext context) {
  Check check(dns, origin, context);
  const auto status = co_await check.domain(identity_of(origin).domain, true);
  co_return check.verdict(status);
}

asio::awaitable<SpfResult> check_spf(net::DnsResolver& dns, Origin origin, UtcTime now) {
  SpfContext context;
  context.now = now;
  SpfResult result;
  result.domain = to_ascii_domain(identity_of(origin).domain);
  auto verdict = co_await check_host(dns, std::move(origin), context);
  result.status = verdict.status;
  result.detail = std::move(verdict.reason);
  if (!verdict.explanation.empty()) {
    result.detail += fmt::format("; the domain explains: {}", verdict.explanation);
  }
  co_return result;
}

}  // namespace countersign::mailauth
