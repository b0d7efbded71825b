// `countersign bootstrap`: the only way to the first account (contract §4.3).
#include <fmt/format.h>

#include "account/principal.hpp"
#include "base/crypto.hpp"
#include "base/error.hpp"
#include "daemon/commands.hpp"
#include "daemon/open_store.hpp"
#include "mail/address.hpp"

namespace countersign::daemon {

int bootstrap(const Config& config, std::string_view email, std::ostream& out, std::ostream& err) {
  const auto mailbox = mail::parse_mailbox(email);
  if (!mailbox || !mailbox->display_name.empty()) {
    err << "bootstrap: '" << email << "' is not an e-mail address; expected something like you@example.com\n";
    return kExitRefused;
  }
  const std::string address = mail::normalise(mailbox->address);
  const UserId user(random_hex(32));
  const std::string plaintext = account::key_plaintext(account::Scope::account, random_hex(64));
  const account::NewApiKey key{
      ApiKeyId(random_id("apk_")), user, "bootstrap", sha256_hex(plaintext), plaintext.substr(0, 16),
      account::Scope::account,     "",   {}};
  const UtcTime now = SystemClock().now();

  const auto database = open_store(config);
  const bool created = database->write([&](store::Tx& tx) {
    if (!account::create_user(tx, user, address, now, config.limits.plan_code)) return false;
    account::create_key(tx, key, now);
    return true;
  });
  database->stop();
  if (!created) {
    err << "bootstrap: there is an account for " << address << " already; its keys cannot be shown again. "
        << "Let its owner into the console with `countersign account set-password " << address
        << "`, make a new key there, or bootstrap another address\n";
    return kExitRefused;
  }
  out << plaintext << '\n' << std::flush;
  if (!out) {
    // It is kept nowhere else.
    throw EnvironmentError(
        fmt::format(
            "the account {} was made, and its key could not be written; let its owner into the console "
            "with `countersign account set-password {}`, and make a new key there",
            address, address),
        false);
  }
  return kExitOk;
}

}  // namespace countersign::daemon
