// The configured way out.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "daemon/config.hpp"
#include "provider/transport.hpp"

namespace countersign::daemon {

/// As the API shows it: "smtp", "ses", …
[[nodiscard]] std::string_view transport_name(const Config& config);

/// The domain in which the provider's ids become the Message-IDs that recipients see; empty where it keeps
/// ours. Amazon SES: `email.amazonses.com` for us-east-1, `REGION.amazonses.com` elsewhere.
[[nodiscard]] std::string provider_id_domain(const Config& config);

/// `files` runs blocking file work; the clock outlives the transport. Throws EnvironmentError when the
/// settings cannot be used.
[[nodiscard]] std::unique_ptr<provider::Transport> make_transport(const Config& config,
                                                                  boost::asio::any_io_executor executor,
                                                                  boost::asio::thread_pool& files,
                                                                  const Clock& clock);

}  // namespace countersign::daemon
