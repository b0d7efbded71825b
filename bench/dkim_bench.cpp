// Verifications of DKIM per second with keys that were seen before, next to what OpenSSL alone needs: one
// verify of the signature, and that with SHA-256 of the body.
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "base/assert.hpp"
#include "mailauth/dkim.hpp"
#include "mailauth/dkim_key.hpp"
#include "mailauth/dkim_tags.hpp"
#include "mailauth/signer.hpp"

namespace {

using namespace countersign;
using namespace countersign::mailauth;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kSlice{50};
constexpr int kSlices = 30;
const UtcTime kAt = from_us(1'795'000'000'000'000);

class OneRecord final : public net::DnsResolver {
 public:
  explicit OneRecord(std::string text) : text_(std::move(text)) {}
  boost::asio::awaitable<net::DnsAnswer<std::string>> txt(std::string) override {
    co_return net::DnsAnswer<std::string>{net::DnsStatus::found, {text_}};
  }
  boost::asio::awaitable<net::DnsAnswer<boost::asio::ip::address>> a(std::string) override {
    co_return none();
  }
  boost::asio::awaitable<net::DnsAnswer<boost::asio::ip::address>> aaaa(std::string) override {
    co_return none();
  }
  boost::asio::awaitable<net::DnsAnswer<net::MxRecord>> mx(std::string) override {
    co_return net::DnsAnswer<net::MxRecord>();
  }
  boost::asio::awaitable<net::DnsAnswer<std::string>> ptr(boost::asio::ip::address) override {
    co_return net::DnsAnswer<std::string>();
  }

 private:
  static net::DnsAnswer<boost::asio::ip::address> none() { return {}; }
  std::string text_;
};

// Per second, each in turn for a slice of time, so that all see the same load of the machine.
std::vector<double> rates(const std::vector<std::function<void()>>& contestants) {
  std::vector<double> counts(contestants.size());
  std::vector<double> seconds(contestants.size());
  for (int slice = 0; slice < kSlices; ++slice) {
    for (std::size_t i = 0; i < contestants.size(); ++i) {
      const auto begun = steady_clock::now();
      do {
        contestants[i]();
        ++counts[i];
      } while (steady_clock::now() - begun < kSlice);
      seconds[i] += std::chrono::duration<double>(steady_clock::now() - begun).count();
    }
  }
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] /= seconds[i];
  return counts;
}

std::string mail_of(std::size_t body_bytes) {
  std::string mail =
      "From: Ada <ada@example.com>\r\nTo: Grace <grace@example.net>\r\nSubject: The analytical engine\r\n"
      "Date: Thu, 19 Nov 2026 02:26:40 +0000\r\nMessage-ID: <1@example.com>\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\n\r\n";
  const std::size_t header = mail.size();
  while (mail.size() - header < body_bytes) {
    mail += "The quick brown fox jumps over the lazy dog, and it does so again and again.\r\n";
  }
  return mail;
}

void verify(boost::asio::io_context& io, net::DnsResolver& dns, const std::string& raw) {
  auto work = [&]() -> boost::asio::awaitable<void> {
    const auto results = co_await verify_dkim(dns, raw, kAt);
    CS_ASSERT(results.size() == 1 && results[0].status == DkimStatus::pass);
  };
  boost::asio::co_spawn(io, work, boost::asio::detached);
  io.restart();
  io.run();
}

// OpenSSL's verify as a program that does nothing else would call it: one context, made once.
std::function<void()> bare_verify(const SigningKey& key, const Sha256& digest) {
  const std::string der = key.to_der();
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const std::shared_ptr<EVP_PKEY> handle(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())),
                                         EVP_PKEY_free);
  const std::string signature = key.sign(digest);
  const auto octets = [](const std::string& bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
  };
  if (key.algorithm() == SigningAlgorithm::ed25519) {
    const std::shared_ptr<EVP_MD_CTX> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    return [=] {
      CS_ASSERT(EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, handle.get()) == 1);
      CS_ASSERT(EVP_DigestVerify(context.get(), octets(signature), signature.size(), digest.data(),
                                 digest.size()) == 1);
    };
  }
  const std::shared_ptr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new(handle.get(), nullptr), EVP_PKEY_CTX_free);
  CS_ASSERT(EVP_PKEY_verify_init(context.get()) == 1);
  CS_ASSERT(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1);
  CS_ASSERT(EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1);
  return [=] {
    CS_ASSERT(EVP_PKEY_verify(context.get(), octets(signature), signature.size(), digest.data(),
                              digest.size()) == 1);
  };
}

}  // namespace

int main() {
  fmt::print("{:<10} {:>8}  {:>12} {:>12} {:>14} {:>8} {:>8}\n", "key", "body", "verify_dkim", "bare verify",
             "with SHA-256", "ratio", "ratio");
  boost::asio::io_context io;
  for (const SigningAlgorithm algorithm : {SigningAlgorithm::rsa, SigningAlgorithm::ed25519}) {
    const SigningIdentity identity{"example.com", "s", SigningKey::generate(algorithm)};
    OneRecord dns(identity.key.dns_record());
    for (const std::size_t bytes : {std::size_t{5'000}, std::size_t{1'000'000}}) {
      const std::string mail = mail_of(bytes);
      const std::string raw = sign(mail, std::span(&identity, 1), kAt) + mail;
      const auto bare = bare_verify(identity.key, sha256("digest"));
      const auto hashed_too = [&] {
        bare();
        CS_ASSERT(sha256(mail)[0] + 1U > 0);
      };
      const std::vector<double> found = rates({[&] { verify(io, dns, raw); }, bare, hashed_too});
      const double ours = found[0];
      const double alone = found[1];
      const double hashed = found[2];
      fmt::print("{:<10} {:>8}  {:>10.0f}/s {:>10.0f}/s {:>12.0f}/s {:>8.2f} {:>8.2f}\n",
                 to_string(algorithm), bytes, ours, alone, hashed, ours / alone, ours / hashed);
    }
  }
  return 0;
}
