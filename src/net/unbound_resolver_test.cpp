// libunbound with records of its own, and with a server that is not there.
#include "net/unbound_resolver.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>

#include "base/error.hpp"

namespace countersign::net {
namespace {

namespace asio = boost::asio;

class UnboundResolverTest : public testing::Test {
 protected:
  // The answer to one question, asked and answered on the strand.
  template <class Ask>
  auto ask(UnboundOptions options, Ask question) {
    asio::io_context io;
    auto strand = asio::make_strand(io);
    UnboundResolver resolver(strand, std::move(options));
    auto asking = question(resolver);
    auto future = asio::co_spawn(strand, std::move(asking), asio::use_future);
    while (future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) io.run_one();
    return future.get();
  }

  static UnboundOptions zone() {
    UnboundOptions options;
    options.servers = {"127.0.0.1@9"};
    options.timeout = std::chrono::seconds(300);  // what is known needs no server
    options.local_data = {"example.test. 60 IN TXT \"v=spf1 \" \"ip4:192.0.2.1 -all\"",
                          "example.test. 60 IN A 192.0.2.1", "example.test. 60 IN AAAA 2001:db8::1",
                          "example.test. 60 IN MX 10 MX1.example.test.",
                          "1.2.0.192.in-addr.arpa. 60 IN PTR Mail.Example.Test."};
    return options;
  }
};

TEST_F(UnboundResolverTest, TheStringsOfARecordAreJoined) {
  const auto answer = ask(zone(), [](DnsResolver& dns) { return dns.txt("example.test"); });
  ASSERT_EQ(answer.status, DnsStatus::found);
  EXPECT_EQ(answer.records, std::vector<std::string>{"v=spf1 ip4:192.0.2.1 -all"});
}

TEST_F(UnboundResolverTest, AddressesAndNamesAreRead) {
  const auto a = ask(zone(), [](DnsResolver& dns) { return dns.a("EXAMPLE.test."); });
  ASSERT_EQ(a.records.size(), 1U);
  EXPECT_EQ(a.records.front().to_string(), "192.0.2.1");
  const auto aaaa = ask(zone(), [](DnsResolver& dns) { return dns.aaaa("example.test"); });
  ASSERT_EQ(aaaa.records.size(), 1U);
  EXPECT_EQ(aaaa.records.front().to_string(), "2001:db8::1");
  const auto mx = ask(zone(), [](DnsResolver& dns) { return dns.mx("example.test"); });
  ASSERT_EQ(mx.records.size(), 1U);
  EXPECT_EQ(mx.records.front().host, "mx1.example.test");
  EXPECT_EQ(mx.records.front().preference, 10);
  const auto ptr = ask(zone(), [](DnsResolver& dns) { return dns.ptr(asio::ip::make_address("192.0.2.1")); });
  EXPECT_EQ(ptr.records, std::vector<std::string>{"mail.example.test"});
}

TEST_F(UnboundResolverTest, AServerThatIsAwayIsNoAnswer) {
  UnboundOptions options = zone();
  options.timeout = std::chrono::milliseconds(300);
  const auto answer = ask(options, [](DnsResolver& dns) { return dns.txt("elsewhere.invalid.example"); });
  EXPECT_EQ(answer.status, DnsStatus::failed);
}

TEST_F(UnboundResolverTest, WhatIsNoNameIsNotAsked) {
  for (const char* name : {"", ".", "a..b", ".a"}) {
    const auto answer = ask(zone(), [name](DnsResolver& dns) { return dns.txt(name); });
    EXPECT_EQ(answer.status, DnsStatus::no_such_name) << name;
  }
  const auto answer =
      ask(zone(), [](DnsResolver& dns) { return dns.txt(std::string(64, 'a') + ".example"); });
  EXPECT_EQ(answer.status, DnsStatus::no_such_name);
}

TEST_F(UnboundResolverTest, AnOptionThatCannotBeUsedIsToldAtOnce) {
  asio::io_context io;
  UnboundOptions options;
  options.servers = {"not an address"};
  EXPECT_THROW(UnboundResolver(asio::make_strand(io), options), EnvironmentError);
}

}  // namespace
}  // namespace countersign::net
