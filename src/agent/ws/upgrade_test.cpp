// What is a request for a WebSocket, and what is not.
#include "agent/ws/upgrade.hpp"

#include <gtest/gtest.h>

namespace countersign::agent::ws {
namespace {

net::Headers good() {
  net::Headers headers;
  headers.add("Connection", "keep-alive, Upgrade");
  headers.add("Upgrade", "WebSocket");
  headers.add("Sec-WebSocket-Version", "13");
  headers.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");  // RFC 6455 §1.2
  return headers;
}

TEST(Upgrade, TakesTheRequestOfTheStandard) { EXPECT_FALSE(fault_of_upgrade(good())); }

TEST(Upgrade, LooksAtEveryFieldOfAName) {
  net::Headers headers = good();
  headers.set("Connection", "keep-alive");
  EXPECT_EQ(fault_of_upgrade(headers), UpgradeFault::no_upgrade);
  headers.add("Connection", " upgrade ");
  EXPECT_FALSE(fault_of_upgrade(headers));
}

TEST(Upgrade, APlainRequestIsNone) {
  EXPECT_EQ(fault_of_upgrade({}), UpgradeFault::no_upgrade);
  net::Headers headers = good();
  headers.set("Upgrade", "websockets");
  EXPECT_EQ(fault_of_upgrade(headers), UpgradeFault::no_upgrade);
}

TEST(Upgrade, KnowsOneVersion) {
  for (const char* version : {"", "8", "13, 8", "013"}) {
    net::Headers headers = good();
    headers.set("Sec-WebSocket-Version", version);
    EXPECT_EQ(fault_of_upgrade(headers), UpgradeFault::other_version) << version;
  }
}

TEST(Upgrade, AKeyIsSixteenBytes) {
  for (const char* key : {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=!",
                          "dGhlIHNhbXBsZSBub25j=Q==", "dGhlIHNhbXBsZSBub25jZQ==\n"}) {
    net::Headers headers = good();
    headers.set("Sec-WebSocket-Key", key);
    EXPECT_EQ(fault_of_upgrade(headers), UpgradeFault::bad_key) << key;
  }
}

}  // namespace
}  // namespace countersign::agent::ws
