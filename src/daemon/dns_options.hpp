// The settings `dns.…` as the resolver takes them.
#pragma once

#include "daemon/config.hpp"
#include "net/unbound_resolver.hpp"

namespace countersign::daemon {

[[nodiscard]] inline net::UnboundOptions dns_options(const Config& config) {
  net::UnboundOptions options;
  options.servers = config.dns.servers;
  options.local_data = config.dns.local_data;
  options.timeout = config.dns.timeout;
  return options;
}

}  // namespace countersign::daemon
