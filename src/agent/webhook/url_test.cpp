// What a webhook's URL may look like, and how a delivery is signed.
#include "agent/webhook/url.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "agent/webhook/signature.hpp"

namespace countersign::agent::webhook {
namespace {

TEST(WebhookUrl, IsHttpsToAName) {
  EXPECT_EQ(host_of("https://example.com/hook?a=b%20c"), "example.com");
  EXPECT_EQ(host_of("HTTPS://Example.COM:8443"), "example.com");
  EXPECT_EQ(host_of("https://example.com./x"), "example.com");
  EXPECT_EQ(host_of("https://xn--bcher-kva.example?x=@"), "xn--bcher-kva.example");
  EXPECT_EQ(host_of("https://localhost/"), "localhost") << "a name; where it leads is another question";
}

TEST(WebhookUrl, IsNothingElse) {
  for (const char* url : {"",
                          "https://",
                          "http://example.com/",
                          "ftp://example.com/",
                          "//example.com/",
                          "example.com",
                          "https:/example.com",
                          "https://user@example.com/",
                          "https://user:p@example.com/",
                          "https://127.0.0.1/",
                          "https://1.1/",
                          "https://2130706433/",
                          "https://0x7f.1/",
                          "https://example.0x1/",
                          "https://[::1]/",
                          "https://[::ffff:1.2.3.4]:443/",
                          "https://example.com:0/",
                          "https://example.com:65536/",
                          "https://example.com:/",
                          "https://example.com:1:2/",
                          "https://exa mple.com/",
                          "https://example.com/a b",
                          "https://example.com\\@evil.example/",
                          "https://example.com/#part",
                          "https://b\xc3\xbc"
                          "cher.example/",
                          "https://example..com/",
                          "https://.example.com/",
                          "https://-a.example/",
                          "https://a%2e.example/",
                          "https://example.com/\r\nX: y"}) {
    EXPECT_FALSE(host_of(url).has_value()) << url;
  }
}

// The reference values were computed with Python's hmac module.
TEST(WebhookSignature, CoversTimeAndBodyUnderEverySecret) {
  const std::vector<std::string> secrets{"whsec_00", "whsec_11"};
  const UtcTime now = from_us(1'700'000'000'999'999);
  const std::string both = signature(secrets, now, R"({"a":1})");
  EXPECT_EQ(both,
            "t=1700000000,v1=45cffce3b675935877c716288bfe48276b43036345fecebf62b30649bd0946a7,v1="
            "1377eb2eda0e95f01f91db9e9e65fde9e82aa0dba55b5638202319d34a548c64");
  EXPECT_EQ(signature(std::span(secrets).first(1), now, R"({"a":1})"), both.substr(0, both.rfind(',')));
}

TEST(WebhookSignature, SecretsRestSealed) {
  const std::string secret = new_secret();
  EXPECT_EQ(secret.size(), 70U);
  EXPECT_TRUE(secret.starts_with("whsec_"));
  const std::string sealed = secret_sealer("deployment").seal(secret, "wh_1");
  EXPECT_EQ(sealed.find(secret.substr(6, 8)), std::string::npos);
  EXPECT_EQ(secret_sealer("deployment").open(sealed, "wh_1"), secret);
  EXPECT_FALSE(secret_sealer("deployment").open(sealed, "wh_2").has_value());
}

}  // namespace
}  // namespace countersign::agent::webhook
