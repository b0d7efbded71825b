#include "mailauth/dkim_judge.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mailauth/dkim.hpp"

namespace countersign::mailauth {
namespace {

constexpr std::size_t kKeysKeptMax = 4096;

// What a record says depends on its text alone, so that sharing what was decoded shows nowhere but in the
// time that it takes.
KeyCache& decoded_keys() {
  static KeyCache cache(kKeysKeptMax);
  return cache;
}

// RFC 6376 §6.1.2 and RFC 8301 §3.2: may this key be used for such a signature at all?
std::optional<Judgement> unusable(const KeyRecord& record, KeyType type) {
  if (record.type != type) return Judgement{DkimStatus::permerror, "the key is for another algorithm (k=)"};
  if (!record.sha256) return Judgement{DkimStatus::permerror, "the key is not for SHA-256 (h=)"};
  if (!record.email) return Judgement{DkimStatus::permerror, "the key is not for mail (s=)"};
  if (!record.key) return Judgement{DkimStatus::permerror, "the key is revoked (p= is empty)"};
  if (type != KeyType::rsa) return std::nullopt;
  if (record.key->bits() < kRsaBitsMin) {
    return Judgement{DkimStatus::permerror, "the RSA key is shorter than 1024 bits (RFC 8301)"};
  }
  if (record.key->bits() > kRsaBitsMax) {
    return Judgement{DkimStatus::policy, "the RSA key is longer than 4096 bits"};
  }
  return std::nullopt;
}

std::string_view bytes_of(const Sha256& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// RFC 6376 §6.1.2 (t=s) and §6.1.3, for one key that is fit for the signature.
class SignatureJudge final : public KeyJudge {
 public:
  SignatureJudge(SignedMessage& message, const Signature& signature, std::size_t own)
      : message_(message), signature_(signature), own_(own) {}

  Judgement judge(const KeyRecord& record) override {
    if (record.strict && signature_.identity_domain != *signature_.domain) {
      return {DkimStatus::permerror, "the key allows no subdomain in i= (t=s)"};
    }
    const BodyDigest& body = message_.body_digest(signature_.body_form, signature_.length);
    if (signature_.length.value_or(0) > body.canonical_bytes) {
      return {DkimStatus::permerror, "l= is longer than the body"};
    }
    std::string mismatch;
    if (bytes_of(body.digest) != signature_.body_hash) {
      mismatch = "the body was changed (bh=)";
    } else if (!record.key->verify(header_digest(), signature_.octets)) {
      mismatch = "the header was changed, or the signature is another key's (b=)";
    }
    if (!mismatch.empty()) {
      if (record.testing) return {DkimStatus::neutral, mismatch + "; the domain is testing (t=y)"};
      return {DkimStatus::fail, mismatch};
    }
    return reservations(body, record);
  }

 private:
  const Sha256& header_digest() {
    if (!header_digest_) header_digest_ = message_.header_digest(signature_, own_);
    return *header_digest_;
  }

  // Valid; what speaks against counting on it?
  [[nodiscard]] Judgement reservations(const BodyDigest& body, const KeyRecord& record) const {
    if (const std::string_view name = message_.partly_signed(signature_); !name.empty()) {
      return {DkimStatus::policy,
              fmt::format("there is more than one {} field, and not all are signed", name)};
    }
    if (signature_.length && *signature_.length < body.canonical_bytes) {
      return {DkimStatus::policy, fmt::format("only {} of {} octets of the body are signed (l=)",
                                              *signature_.length, body.canonical_bytes)};
    }
    if (record.testing) return {DkimStatus::pass, "the domain is testing (t=y)"};
    if (signature_.length) return {DkimStatus::pass, "text could be added unnoticed (l=)"};
    return {DkimStatus::pass, ""};
  }

  SignedMessage& message_;
  const Signature& signature_;
  const std::size_t own_;
  std::optional<Sha256> header_digest_;
};

}  // namespace

boost::asio::awaitable<net::DnsAnswer<std::string>> KeyFinder::records(std::string name) {
  if (const auto found = answers_.find(name); found != answers_.end()) co_return found->second;
  net::DnsAnswer<std::string> answer = co_await dns_.txt(name);
  answers_.emplace(std::move(name), answer);
  co_return answer;
}

boost::asio::awaitable<Judgement> judge_by_key(KeyFinder& keys, std::string name, KeyType type,
                                               KeyJudge& judge) {
  const net::DnsAnswer<std::string> answer = co_await keys.records(std::move(name));
  if (answer.status == net::DnsStatus::failed) {
    co_return Judgement{DkimStatus::temperror, "the DNS did not answer for the key"};
  }
  std::optional<Judgement> first;
  const std::size_t count = std::min(answer.records.size(), kKeyRecordsMax);
  for (std::size_t i = 0; i < count; ++i) {
    const std::shared_ptr<const ReadKey> read = decoded_keys().get(answer.records[i]);
    Judgement said;
    if (!*read) {
      if (read->error().foreign) continue;
      said.text = read->error().text;
    } else if (auto reason = unusable(**read, type)) {
      said = std::move(*reason);
    } else {
      said = judge.judge(**read);
      if (said.status == DkimStatus::pass) co_return said;
    }
    if (!first) first = std::move(said);
  }
  if (!first) co_return Judgement{DkimStatus::permerror, "there is no key under this name"};
  co_return *first;
}

boost::asio::awaitable<Judgement> judge_signature(KeyFinder& keys, SignedMessage& message,
                                                  const Signature& signature, std::size_t own) {
  SignatureJudge judge(message, signature, own);
  Judgement said = co_await judge_by_key(keys, signature.key_name(), signature.key_type, judge);
  co_return said;
}

}  // namespace countersign::mailauth
