#include "support/sns_signer.hpp"

#include <array>
#include <fstream>

#include "base/assert.hpp"
#include "base/crypto.hpp"
#include "base/id.hpp"

namespace countersign::test {
namespace {

namespace json = boost::json;
using DigestContext = std::unique_ptr<EVP_MD_CTX, x509::Freeing<EVP_MD_CTX_free>>;

// "Verifying the signatures of Amazon SNS messages": what is signed, in byte order, as far as it is there.
constexpr std::array<const char*, 8> kSigned{"Message",   "MessageId", "Subject",  "SubscribeURL",
                                             "Timestamp", "Token",     "TopicArn", "Type"};

std::string signature_of(EVP_PKEY* key, const std::string& text, int version) {
  const DigestContext context(EVP_MD_CTX_new());
  const EVP_MD* digest = version == 1 ? EVP_sha1() : EVP_sha256();
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t length = 0;
  CS_ASSERT(EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key) == 1);
  CS_ASSERT(EVP_DigestSign(context.get(), nullptr, &length, bytes, text.size()) == 1);
  std::string signature(length, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(signature.data());
  CS_ASSERT(EVP_DigestSign(context.get(), out, &length, bytes, text.size()) == 1);
  signature.resize(length);
  return signature;
}

}  // namespace

SnsSigner::SnsSigner(const SnsLeaf& leaf) : leaf_key_(leaf.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256")) {
  const x509::Key root_key(EVP_EC_gen("P-256"));
  const x509::Certificate root = x509::blank("Test root " + random_hex(8), 1, root_key.get());
  x509::make_authority(root.get(), root.get());
  x509::sign(root.get(), root.get(), root_key.get());
  const x509::Key issuer_key(EVP_EC_gen("P-256"));
  issuer_ = x509::blank("Test issuer " + random_hex(8), 2, issuer_key.get());
  x509::make_authority(issuer_.get(), root.get());
  x509::sign(issuer_.get(), root.get(), root_key.get());
  leaf_ = x509::blank(leaf.name, 3, leaf_key_.get());
  X509_gmtime_adj(X509_getm_notBefore(leaf_.get()), leaf.valid_from_seconds);
  X509_gmtime_adj(X509_getm_notAfter(leaf_.get()), leaf.valid_until_seconds);
  x509::add_extension(leaf_.get(), issuer_.get(), NID_subject_alt_name, "DNS:" + leaf.name);
  x509::add_extension(leaf_.get(), issuer_.get(), NID_info_access,
                      "caIssuers;URI:" + std::string(kIssuerUrl));
  x509::sign(leaf_.get(), issuer_.get(), issuer_key.get());
  std::ofstream(ca_file()) << x509::to_pem(root.get());
}

std::string SnsSigner::sign(json::object envelope, int version) const {
  std::string text;
  for (const char* name : kSigned) {
    if (const json::value* value = envelope.if_contains(name)) {
      text += std::string(name) + "\n" + std::string(value->as_string()) + "\n";
    }
  }
  envelope["SignatureVersion"] = std::to_string(version);
  if (!envelope.contains("SigningCertURL")) envelope["SigningCertURL"] = kCertUrl;
  envelope["Signature"] = base64_encode(signature_of(leaf_key_.get(), text, version));
  return json::serialize(envelope);
}

json::object sns_notification(std::string_view topic_arn, std::string_view message_id,
                              std::string_view message, std::string_view timestamp) {
  return {{"Type", "Notification"},
          {"MessageId", message_id},
          {"TopicArn", topic_arn},
          {"Message", message},
          {"Timestamp", timestamp},
          {"UnsubscribeURL", "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe"}};
}

}  // namespace countersign::test
