#include "agent/webhook/target.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/address_rules.hpp"

namespace countersign::agent::webhook {

namespace asio = boost::asio;

asio::awaitable<Result<Addresses, std::string>> Targets::find(std::string host) {
  co_return co_await asio::co_spawn(strand_, look_up(std::move(host)), asio::use_awaitable);
}

asio::awaitable<Result<Addresses, std::string>> Targets::look_up(std::string host) {
  const net::DnsAnswer<asio::ip::address> v4 = co_await dns_.a(host);
  const net::DnsAnswer<asio::ip::address> v6 = co_await dns_.aaaa(host);
  Addresses out;
  for (const auto* answer : {&v4, &v6}) {
    for (const asio::ip::address& address : answer->records) {
      if (!allow_private_ && !net::is_public(address)) {
        co_return unexpected(std::string("the host name leads to an address that is not public"));
      }
      out.push_back(address.to_string());
    }
  }
  if (!out.empty()) co_return out;
  const bool failed = v4.status == net::DnsStatus::failed || v6.status == net::DnsStatus::failed;
  co_return unexpected(
      std::string(failed ? "the host name cannot be resolved at present" : "the host name has no address"));
}

}  // namespace countersign::agent::webhook
