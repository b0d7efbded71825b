// Throwaway certificates for tests: an authority of its own, and server certificates signed by it.
#pragma once

#include <filesystem>
#include <string>

namespace countersign::test {

/// PEM files in a private folder that goes away with the object. Every object is another authority.
class TestCertificates {
 public:
  /// host: DNS name or IPv4 address that the server certificate is for.
  explicit TestCertificates(const std::string& host);
  ~TestCertificates();
  TestCertificates(const TestCertificates&) = delete;
  TestCertificates& operator=(const TestCertificates&) = delete;

  [[nodiscard]] std::string ca_file() const { return (folder_ / "ca.pem").string(); }
  [[nodiscard]] std::string certificate_file() const { return (folder_ / "server.pem").string(); }
  [[nodiscard]] std::string key_file() const { return (folder_ / "server.key").string(); }

 private:
  std::filesystem::path folder_;
};

}  // namespace countersign::test
