// `countersign dkim`: the keys that outgoing mail is signed with, and the DNS records that go with them.
#include <fmt/format.h>

#include "account/domain_key.hpp"
#include "daemon/commands.hpp"
#include "daemon/domain_signer.hpp"
#include "daemon/open_store.hpp"
#include "mailauth/signer.hpp"

namespace countersign::daemon {
namespace {

using account::DomainKey;

// Selectors tried in one month before it is given up: e2a202611, e2a202611-2, …
constexpr int kSelectorsMax = 100;
constexpr std::size_t kTxtStringMax = 255;  // RFC 1035 §3.3.14

// As a zone file has it, in strings of at most 255 octets.
std::string zone_line(const DomainKey& key) {
  std::string line = mailauth::dns_name(key.selector, key.domain) + ". IN TXT";
  for (std::string_view left = key.dns_record; !left.empty();) {
    line += fmt::format(" \"{}\"", left.substr(0, kTxtStringMax));
    left.remove_prefix(std::min(left.size(), kTxtStringMax));
  }
  return line;
}

bool is_domain(std::string_view name) {
  if (name.size() > 253 || name.find('.') == std::string_view::npos) return false;
  std::size_t length = 0;
  for (const char c : name) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    if (c == '.' ? length == 0 : !fits) return false;
    length = c == '.' ? 0 : length + 1;
    if (length > 63) return false;
  }
  return length > 0;
}

}  // namespace

int create_dkim_key(const Config& config, const CreateDkimKey& command, std::ostream& out,
                    std::ostream& err) {
  const auto algorithm = mailauth::parse_signing_algorithm(command.algorithm);
  if (!algorithm) {
    err << fmt::format("dkim: '{}' is no algorithm; use rsa or ed25519\n", command.algorithm);
    return kExitUsage;
  }
  if (!is_domain(command.domain)) {
    err << fmt::format("dkim: '{}' is not a domain in ASCII and lower case, such as example.com\n",
                       command.domain);
    return kExitUsage;
  }
  // Before a secret is made where no server looks for it.
  const auto database = open_existing_store(config);
  err << store_line(config);
  const UtcTime now = SystemClock().now();
  const mailauth::SigningKey secret = mailauth::SigningKey::generate(*algorithm);
  const Sealer sealer = domain_key_sealer(config);
  const std::string der = secret.to_der();

  DomainKey key;
  key.domain = command.domain;
  key.algorithm = mailauth::to_string(*algorithm);
  key.dns_record = secret.dns_record();
  key.created_at = now;
  Result<std::monostate, account::KeyRefusal> created = unexpected(account::KeyRefusal::selector_taken);
  const std::string selector = mailauth::selector_for(now);
  for (int i = 1; i <= kSelectorsMax && !created; ++i) {
    key.selector = i == 1 ? selector : fmt::format("{}-{}", selector, i);
    key.sealed_private_key = sealer.seal(der, domain_key_context(key.domain, key.selector));
    created = database->write([&](store::Tx& tx) {
      key.user = account::owner_of_domain(tx, key.domain);
      return account::create_domain_key(tx, key);
    });
    if (!created && created.error() == account::KeyRefusal::too_many) break;
  }
  database->stop();
  if (!created) {
    err << fmt::format("dkim: {} has {} keys already; retire one first (`countersign dkim list {}`)\n",
                       key.domain, account::kSigningKeysMax, key.domain);
    return kExitRefused;
  }
  out << zone_line(key) << '\n';
  return kExitOk;
}

int list_dkim_keys(const Config& config, std::string_view domain, std::ostream& out, std::ostream& err) {
  const auto database = open_existing_store(config);
  err << store_line(config);
  const auto keys = database->read([&](store::ReadTx& tx) { return account::list_domain_keys(tx, domain); });
  database->stop();
  for (const DomainKey& key : keys) {
    const std::string state = key.retired_at ? "retired " + to_rfc3339(*key.retired_at) : "signs";
    out << fmt::format("; {} {} since {}, {}\n{}\n", key.domain, key.algorithm, to_rfc3339(key.created_at),
                       state, zone_line(key));
  }
  if (keys.empty()) err << "dkim: no keys; `countersign dkim create DOMAIN` makes one\n";
  return kExitOk;
}

int retire_dkim_key(const Config& config, std::string_view domain, std::string_view selector,
                    std::ostream& out, std::ostream& err) {
  const auto database = open_existing_store(config);
  err << store_line(config);
  const UtcTime now = SystemClock().now();
  const bool retired =
      database->write([&](store::Tx& tx) { return account::retire_domain_key(tx, domain, selector, now); });
  database->stop();
  if (!retired) {
    err << fmt::format("dkim: {} has no key {} that signs; `countersign dkim list {}` shows them\n", domain,
                       selector, domain);
    return kExitRefused;
  }
  out << fmt::format(
      "{} signs nothing more, on a running server within a minute. Leave its DNS record for a "
      "week: mail on its way is still checked against it\n",
      mailauth::dns_name(selector, domain));
  return kExitOk;
}

}  // namespace countersign::daemon
