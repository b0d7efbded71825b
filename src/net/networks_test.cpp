#include "net/networks.hpp"

#include <gtest/gtest.h>

namespace countersign::net {
namespace {

bool holds(std::string_view list, std::string_view address) {
  const auto networks = Networks::parse(list);
  EXPECT_TRUE(networks) << list;
  return networks && networks->contains(boost::asio::ip::make_address(std::string(address)));
}

TEST(NetworksTest, ANetworkHoldsWhatSharesItsPrefix) {
  EXPECT_TRUE(holds("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(holds("192.0.2.128/25", "192.0.2.128"));
  EXPECT_FALSE(holds("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(holds("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(holds("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
}

TEST(NetworksTest, AnAddressIsANetworkOfItsOwnAndAListHoldsSeveral) {
  EXPECT_TRUE(holds("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(holds("192.0.2.1", "192.0.2.2"));
  EXPECT_TRUE(holds(" 192.0.2.1 , ::1,", "::1"));
  EXPECT_FALSE(holds("", "::1"));
  EXPECT_TRUE(holds("192.0.2.1", "::ffff:192.0.2.1")) << "IPv4 as a socket for both kinds shows it";
}

TEST(NetworksTest, WhatIsNoNetworkIsRefused) {
  for (const std::string_view text :
       {"10.0.0.0/33", "10.0.0.1/8", "::/129", "host.example", "10.0.0.0/", "10.0/8", "10.0.0.0/8/8",
        "10.0.0.0/-1", "10.0.0.0/ 8", "fe80::1%eth0", "::1;::2", "::ffff:10.0.0.1", "::ffff:10.0.0.0/104"}) {
    EXPECT_FALSE(Networks::parse(text)) << text;
  }
  EXPECT_FALSE(Networks::parse({"10.0.0.1\0x", 10}));
}

}  // namespace
}  // namespace countersign::net
