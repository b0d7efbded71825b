#include "support/broken_dns_server.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <tuple>

#include "support/server_socket.hpp"

namespace countersign::test {
namespace {

constexpr std::size_t kHeaderBytes = 12;  // RFC 1035 §4.1.1
constexpr std::size_t kMessageBytes = 65'535;
constexpr unsigned kAnswer = 0x8180;     // QR, RD, RA
constexpr unsigned kTruncated = 0x0200;  // TC
constexpr unsigned kTypeA = 1;
constexpr unsigned kTypeCname = 5;
constexpr unsigned kTypeTxt = 16;

std::string two(std::size_t number) {
  return {static_cast<char>(number >> 8U & 0xFFU), static_cast<char>(number & 0xFFU)};
}

std::string label(std::string_view text) { return static_cast<char>(text.size()) + std::string(text); }

/// A record of the name that was asked for.
std::string record(unsigned type, const std::string& data) {
  return "\xC0\x0C" + two(type) + two(1) + std::string("\0\0\x01\x2C", 4) + two(data.size()) + data;
}

std::string text_record(std::size_t bytes) {
  std::string data;
  for (; bytes > 0; bytes -= std::min<std::size_t>(bytes, 255)) {
    data += label(std::string(std::min<std::size_t>(bytes, 255), 't'));
  }
  return record(kTypeTxt, data);
}

struct Reply {
  unsigned flags = kAnswer;
  std::size_t count = 0;
  std::string records;
};

Reply good(unsigned type) {
  if (type == kTypeA) return {kAnswer, 1, record(kTypeA, std::string("\xC0\x00\x02\x01", 4))};
  return {kAnswer, 1, record(kTypeTxt, label("v=spf1 -all"))};
}

Reply many() {
  Reply reply{kAnswer, 300, ""};
  for (std::size_t i = 0; i < reply.count; ++i) reply.records += record(kTypeA, "\xC6\x33" + two(i));
  return reply;
}

/// `parent` is what follows the first label, in wire form.
Reply reply_to(std::string_view kind, std::string_view first, std::string_view parent, unsigned type,
               bool over_tcp) {
  const auto alias = [&](const std::string& to) {
    return Reply{kAnswer, 1, record(kTypeCname, label(to) + std::string(parent))};
  };
  const bool needs_tcp = kind == "truncated" || kind == "huge" || kind == "many" || kind == "cut";
  if (needs_tcp && !over_tcp) return {kAnswer | kTruncated, 0, ""};
  if (kind == "formerr") return {kAnswer | 1U, 0, ""};
  if (kind == "servfail") return {kAnswer | 2U, 0, ""};
  if (kind == "nxdomain") return {kAnswer | 3U, 0, ""};
  if (kind == "refused") return {kAnswer | 5U, 0, ""};
  if (kind == "nodata") return {};
  if (kind == "long") return {kAnswer, 1, text_record(900)};
  if (kind == "huge") return {kAnswer, 1, text_record(30'000)};
  if (kind == "many") return many();
  if (kind == "ring") return alias("ringback");
  if (kind == "ringback") return alias("ring");
  if (kind == "endless") return alias(std::string(first) + "-x");
  return good(type);
}

}  // namespace

BrokenDnsServer::BrokenDnsServer() : stop_(::eventfd(0, EFD_CLOEXEC)) {
  std::tie(tcp_, port_) = listen_on_loopback();
  udp_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_port = htons(port_);
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(udp_, reinterpret_cast<sockaddr*>(&here), sizeof here) != 0) {
    throw std::runtime_error("no UDP port beside the TCP port");
  }
  thread_ = std::thread([this] { serve(); });
}

BrokenDnsServer::~BrokenDnsServer() {
  ::eventfd_write(stop_, 1);
  thread_.join();
  for (const int socket : {udp_, tcp_, stop_}) ::close(socket);
}

std::string BrokenDnsServer::address() const { return "127.0.0.1@" + std::to_string(port_); }

void BrokenDnsServer::serve() {
  std::array<pollfd, 3> sockets = {{{stop_, POLLIN, 0}, {udp_, POLLIN, 0}, {tcp_, POLLIN, 0}}};
  while (::poll(sockets.data(), sockets.size(), -1) >= 0 && sockets[0].revents == 0) {
    if (sockets[1].revents != 0) serve_udp();
    if (sockets[2].revents != 0) serve_tcp();
  }
}

void BrokenDnsServer::serve_udp() {
  std::string query(kMessageBytes, '\0');
  sockaddr_in client{};
  socklen_t size = sizeof client;
  const auto length =
      ::recvfrom(udp_, query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&client), &size);
  if (length < 0) return;
  query.resize(static_cast<std::size_t>(length));
  const auto reply = answer(query, false);
  if (!reply.empty()) {
    ::sendto(udp_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&client), size);
  }
}

void BrokenDnsServer::serve_tcp() {
  const int connection = accept_on(tcp_);
  if (connection < 0) return;
  const timeval patience{.tv_sec = 2, .tv_usec = 0};
  ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::string length(2, '\0');
  if (::recv(connection, length.data(), 2, MSG_WAITALL) == 2) {
    std::string query((static_cast<unsigned char>(length[0]) << 8U) | static_cast<unsigned char>(length[1]),
                      '\0');
    if (::recv(connection, query.data(), query.size(), MSG_WAITALL) == static_cast<ssize_t>(query.size())) {
      auto reply = answer(query, true);
      if (!reply.empty()) reply.insert(0, two(reply.size()));
      ::send(connection, reply.data(), reply.size(), MSG_NOSIGNAL);
    }
  }
  ::close(connection);
}

std::string BrokenDnsServer::answer(std::string_view query, bool over_tcp) {
  ++questions_;
  if (query.size() < kHeaderBytes + 6) return "";
  const auto first_bytes = static_cast<std::size_t>(static_cast<unsigned char>(query[kHeaderBytes]));
  const auto first = query.substr(kHeaderBytes + 1, first_bytes);
  const auto name_end = query.find('\0', kHeaderBytes);
  if (name_end == std::string_view::npos || name_end + 5 > query.size()) return "";
  const auto parent = query.substr(kHeaderBytes + 1 + first_bytes, name_end - kHeaderBytes - first_bytes);
  const auto type = static_cast<unsigned>(static_cast<unsigned char>(query[name_end + 2]));
  const auto kind = first.substr(0, first.find('-'));
  if (kind == "silent" || (kind == "cut" && over_tcp)) return "";
  if (kind == "garbage") return std::string(50, '\xA5');

  const auto reply = reply_to(kind, first, parent, type, over_tcp);
  std::string message(query.substr(0, 2));
  if (kind == "wrongid") message[0] = static_cast<char>(message[0] ^ 0x55);
  message += two(reply.flags) + two(1) + two(reply.count) + two(0) + two(0);
  message += query.substr(kHeaderBytes, name_end + 5 - kHeaderBytes);
  if (kind == "wrongname") message[kHeaderBytes + 1] = 'x';
  message += reply.records;
  if (kind == "short") message.resize(message.size() - 6);
  return message;
}

}  // namespace countersign::test
