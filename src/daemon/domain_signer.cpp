#include "daemon/domain_signer.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "account/domain_key.hpp"
#include "base/log.hpp"
#include "store/awaitable.hpp"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kPurpose = "countersign domain keys 1";
constexpr std::size_t kDomainsKeptMax = 10'000;

// Runs on the executor it is spawned on.
asio::awaitable<std::string> sign_there(
    std::shared_ptr<const std::string> raw,
    std::shared_ptr<const std::vector<mailauth::SigningIdentity>> identities, mailauth::Onward onward) {
  co_return mailauth::sign(*raw, *identities, mailauth::composed_at(*raw), onward);
}

}  // namespace

Sealer domain_key_sealer(const Config& config) {
  return Sealer(derive_key(load_signing_secret(config), kPurpose));
}

std::string domain_key_context(std::string_view domain, std::string_view selector) {
  return mailauth::dns_name(selector, domain);
}

std::optional<mailauth::Onward> onward_of(const Config& config) {
  switch (config.outbound.provider) {
    case Provider::resend:
      return std::nullopt;  // composes the message anew from its parts, and signs it
    case Provider::ses:
      return mailauth::Onward::new_date_and_id;
    case Provider::smtp:
      return config.smtp.ses ? mailauth::Onward::new_date_and_id : mailauth::Onward::unchanged;
    case Provider::maildir:
      break;
  }
  return mailauth::Onward::unchanged;
}

DomainSigner::DomainSigner(store::Database& database, asio::any_io_executor executor, Sealer sealer,
                           mailauth::Onward onward, std::chrono::steady_clock::duration keep)
    : database_(database), executor_(std::move(executor)), sealer_(sealer), onward_(onward), keep_(keep) {}

asio::awaitable<std::string> DomainSigner::sign(std::shared_ptr<const std::string> raw) {
  std::string domain = mailauth::from_domain(*raw);
  if (domain.empty()) co_return std::string();
  Identities identities = co_await identities_of(std::move(domain));
  if (identities->empty()) co_return std::string();
  auto work = sign_there(std::move(raw), std::move(identities), onward_);
  co_return co_await asio::co_spawn(executor_, std::move(work), asio::use_awaitable);
}

DomainSigner::Identities DomainSigner::kept(const std::string& domain) {
  const std::lock_guard lock(mutex_);
  const auto found = kept_.find(domain);
  if (found == kept_.end() || found->second.until < std::chrono::steady_clock::now()) return nullptr;
  return found->second.identities;
}

asio::awaitable<DomainSigner::Identities> DomainSigner::identities_of(std::string domain) {
  if (Identities found = kept(domain)) co_return found;
  auto load = [&domain](store::ReadTx& tx) { return account::signing_keys(tx, domain); };
  const std::vector<account::DomainKey> keys = co_await store::read(database_, std::move(load));
  auto identities = std::make_shared<std::vector<mailauth::SigningIdentity>>();
  for (const account::DomainKey& key : keys) {
    const auto der = sealer_.open(key.sealed_private_key, domain_key_context(key.domain, key.selector));
    auto opened = der ? mailauth::SigningKey::read(*der) : std::nullopt;
    if (!opened) {
      log::error("dkim.key_cannot_be_opened",
                 {{"domain", key.domain},
                  {"selector", key.selector},
                  {"note",
                   "it was sealed under another signing.secret; restore that secret, or retire the key and "
                   "create a new one"}});
      continue;
    }
    identities->push_back({key.domain, key.selector, std::move(*opened)});
  }
  const std::lock_guard lock(mutex_);
  if (kept_.size() >= kDomainsKeptMax) kept_.clear();
  kept_[domain] = {identities, std::chrono::steady_clock::now() + keep_};
  co_return identities;
}

}  // namespace countersign::daemon
