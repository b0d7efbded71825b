// Whoever signs messages right before they are handed over.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

namespace countersign::provider {

class MessageSigner {
 public:
  virtual ~MessageSigner() = default;

  /// Header fields with CRLF to stand before `raw`; "" when there is no key for it. The same message gives
  /// the same fields in every attempt as long as the keys are the same. Throws EnvironmentError when the keys
  /// cannot be looked up now.
  [[nodiscard]] virtual boost::asio::awaitable<std::string> sign(std::shared_ptr<const std::string> raw) = 0;
};

}  // namespace countersign::provider
