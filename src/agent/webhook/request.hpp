// One delivery over HTTPS, and what its answer means.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "agent/webhook/target.hpp"
#include "base/time.hpp"
#include "net/http_client.hpp"

namespace countersign::agent::webhook {

/// What is read of an answer. Only its status counts.
inline constexpr std::size_t kAnswerBytesMax = std::size_t{64} * 1024;
/// Addresses of one host that are tried in turn while none can be connected to.
inline constexpr std::size_t kAddressesMax = 4;

struct Post {
  std::string url;
  std::string event_type;
  std::string body;
  std::vector<std::string> secrets;  // the present one first
};

struct PostOptions {
  std::chrono::milliseconds timeout{15'000};  // for everything together (contract §17)
  std::string ca_file;                        // PEM; empty: the system's
};

struct Answer {
  bool delivered = false;
  int status_code = 0;  // 0: there was no answer
  std::string address;  // that was connected to, or tried last
  std::string error;    // empty when delivered
  bool slow = false;    // the time ran out
};

/// Sends it to the first of the addresses that can be connected to; certificate and Host are those of the
/// URL's name. Redirects are not followed. A 2xx status delivers, whatever becomes of the rest of the answer.
[[nodiscard]] boost::asio::awaitable<Answer> post(net::HttpClient& client, Post what, Addresses addresses,
                                                  PostOptions options, UtcTime now);

}  // namespace countersign::agent::webhook
