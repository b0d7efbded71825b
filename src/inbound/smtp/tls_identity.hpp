// The server's certificate and key, reloaded when their files change.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

struct ssl_ctx_st;

namespace countersign::inbound::smtp {

/// Thread-safe. New handshakes get the newest certificate that could be loaded; sessions under way keep
/// theirs.
class TlsIdentity {
 public:
  /// Throws EnvironmentError (not retryable) when the files cannot be used.
  TlsIdentity(std::string certificate_file, std::string key_file);

  /// For one handshake. Looks at the files at most once a second; when they changed and cannot be used, the
  /// present certificate stays, and the fault is logged once per change.
  [[nodiscard]] std::shared_ptr<ssl_ctx_st> context(std::chrono::steady_clock::time_point now);
  /// Looks at the files now. False: they cannot be used, and the present certificate stays.
  bool reload();

 private:
  [[nodiscard]] std::string state_of_files() const;
  bool load(const std::string& state);

  const std::string certificate_file_;
  const std::string key_file_;
  std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> context_;
  std::string loaded_state_;  // of the files when they were last tried
  std::chrono::steady_clock::time_point looked_at_;
};

}  // namespace countersign::inbound::smtp
