// One TCP connection, in clear or under TLS, on which every wait has a deadline. Faults are values.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "provider/smtp/options.hpp"

namespace countersign::provider::smtp {

/// Why a connection is of no more use.
struct Fault {
  enum class Kind : std::uint8_t {
    unreachable,  // no address, refused, no route
    timeout,
    closed,    // end of stream or reset
    tls,       // handshake or certificate
    protocol,  // what came is not SMTP
  };
  Kind kind = Kind::closed;
  std::string text;  // for logs and journals; no secrets
};

/// The TLS client settings of a relay: trust anchors, TLS ≥ 1.2. Shared by its connections.
class TlsClient {
 public:
  /// Throws EnvironmentError (not retryable) when the CA file cannot be read.
  explicit TlsClient(const RelayOptions& options);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

 private:
  friend class Stream;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Used on `strand` only, where it also has to be destroyed. After a fault the connection is closed.
class Stream {
 public:
  Stream(boost::asio::any_io_executor strand, const TlsClient& tls);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Resolves (within the resolver's own limits) and tries up to five addresses in turn, each for `patience`.
  [[nodiscard]] boost::asio::awaitable<Result<void, Fault>> connect(std::string host, std::uint16_t port,
                                                                    std::chrono::milliseconds patience);
  /// Handshake as a client. With verify, the chain must lead to a trust anchor and name `name`.
  [[nodiscard]] boost::asio::awaitable<Result<void, Fault>> start_tls(std::string name, bool verify,
                                                                      std::chrono::milliseconds patience);
  /// What is there, at least one byte. The view is good until the next read.
  [[nodiscard]] boost::asio::awaitable<Result<std::string_view, Fault>> read_some(
      std::chrono::milliseconds patience);
  /// What the other end has sent already, nothing when it has sent nothing; a fault when it has closed. Does
  /// not wait for more. The view is good until the next read.
  [[nodiscard]] boost::asio::awaitable<Result<std::string_view, Fault>> read_what_is_there();
  /// All of `bytes`, which must outlive the call.
  [[nodiscard]] boost::asio::awaitable<Result<void, Fault>> write(std::string_view bytes,
                                                                  std::chrono::milliseconds patience);

  [[nodiscard]] bool encrypted() const noexcept;
  /// The other end is this machine.
  [[nodiscard]] bool to_loopback() const noexcept;
  void close() noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace countersign::provider::smtp
