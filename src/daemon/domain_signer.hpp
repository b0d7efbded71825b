// Signs outgoing mail with the keys of its From domain (contract §10).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "base/seal.hpp"
#include "daemon/config.hpp"
#include "mailauth/signer.hpp"
#include "provider/message_signer.hpp"
#include "store/database.hpp"

namespace countersign::daemon {

/// What the private keys in the store are sealed with (decision 0008), and the context of one key.
[[nodiscard]] Sealer domain_key_sealer(const Config& config);
[[nodiscard]] std::string domain_key_context(std::string_view domain, std::string_view selector);

/// Whether the configured way out carries our bytes at all, and which of them stay.
[[nodiscard]] std::optional<mailauth::Onward> onward_of(const Config& config);

class DomainSigner final : public provider::MessageSigner {
 public:
  /// Signing takes CPU time and runs on `executor`. References must outlive every call. A key made or retired
  /// counts after `keep` at the latest.
  DomainSigner(store::Database& database, boost::asio::any_io_executor executor, Sealer sealer,
               mailauth::Onward onward, std::chrono::steady_clock::duration keep = std::chrono::seconds(30));

  [[nodiscard]] boost::asio::awaitable<std::string> sign(std::shared_ptr<const std::string> raw) override;

 private:
  using Identities = std::shared_ptr<const std::vector<mailauth::SigningIdentity>>;
  struct Kept {
    Identities identities;
    std::chrono::steady_clock::time_point until;
  };

  [[nodiscard]] Identities kept(const std::string& domain);
  [[nodiscard]] boost::asio::awaitable<Identities> identities_of(std::string domain);

  store::Database& database_;
  boost::asio::any_io_executor executor_;
  Sealer sealer_;
  mailauth::Onward onward_;
  std::chrono::steady_clock::duration keep_;
  std::mutex mutex_;
  std::map<std::string, Kept> kept_;
};

}  // namespace countersign::daemon
