// The configured way out.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>

#include "daemon/config.hpp"
#include "provider/transport.hpp"

namespace countersign::daemon {

/// `files` runs blocking file work. Throws EnvironmentError when the settings cannot be used.
[[nodiscard]] std::unique_ptr<provider::Transport> make_transport(const Config& config,
                                                                  boost::asio::any_io_executor executor,
                                                                  boost::asio::thread_pool& files);

}  // namespace countersign::daemon
