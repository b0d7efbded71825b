// An SNS for tests in process: its own authorities, a signing certificate and correctly signed envelopes.
#pragma once

#include <boost/json.hpp>
#include <string>

#include "support/temporary_directory.hpp"
#include "support/x509_parts.hpp"

namespace countersign::test {

/// The certificate that signs: who it is for, and when it is valid from now on.
struct SnsLeaf {
  std::string name = "sns.amazonaws.com";
  long valid_from_seconds = -3600;
  long valid_until_seconds = 24 * 3600;
  bool rsa = true;
};

/// A root authority, one below it that signs the leaf, and the leaf, as at Amazon: the file of the leaf holds
/// nothing else and says where its issuer's certificate is to be had.
class SnsSigner {
 public:
  explicit SnsSigner(const SnsLeaf& leaf = {});

  /// The root.
  [[nodiscard]] std::string ca_file() const { return (folder_.path() / "ca.pem").string(); }
  [[nodiscard]] std::string leaf_pem() const { return x509::to_pem(leaf_.get()); }
  [[nodiscard]] std::string issuer_pem() const { return x509::to_pem(issuer_.get()); }
  [[nodiscard]] std::string issuer_der() const { return x509::to_der(issuer_.get()); }
  static constexpr std::string_view kIssuerUrl = "http://crt.test.amazontrust.com/issuer.cer";
  static constexpr std::string_view kCertUrl =
      "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem";

  /// The envelope with SignatureVersion, SigningCertURL (where it has none) and Signature.
  [[nodiscard]] std::string sign(boost::json::object envelope, int version) const;

 private:
  TemporaryDirectory folder_;
  x509::Key leaf_key_;
  x509::Certificate issuer_;
  x509::Certificate leaf_;
};

/// A notification of that topic, unsigned.
[[nodiscard]] boost::json::object sns_notification(std::string_view topic_arn, std::string_view message_id,
                                                   std::string_view message, std::string_view timestamp);

}  // namespace countersign::test
