#include "inbound/smtp/seats.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace countersign::inbound::smtp {
namespace {

constexpr int kIpv6SiteBytes = 8;  // a client is given a /64 at least

boost::asio::ip::address counted_as(const boost::asio::ip::address& client) {
  if (!client.is_v6()) return client;
  auto bytes = client.to_v6().to_bytes();
  std::fill(bytes.begin() + kIpv6SiteBytes, bytes.end(), 0);
  return boost::asio::ip::address_v6(bytes);
}

}  // namespace

std::optional<Seats::Seat> Seats::take(const boost::asio::ip::address& client) {
  const boost::asio::ip::address counted = counted_as(client);
  const std::lock_guard lock(mutex_);
  std::size_t& taken = taken_[counted];
  if (taken >= per_client_max_) {
    if (taken == 0) taken_.erase(counted);
    return std::nullopt;
  }
  ++taken;
  return Seat(*this, counted);
}

void Seats::leave(const boost::asio::ip::address& client) noexcept {
  const std::lock_guard lock(mutex_);
  const auto at = taken_.find(client);
  CS_ASSERT(at != taken_.end() && at->second > 0);
  if (--at->second == 0) taken_.erase(at);
}

}  // namespace countersign::inbound::smtp
