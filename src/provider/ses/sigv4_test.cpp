// The signer against the examples that AWS publishes (aws-sig-v4-test-suite, and the example of the General
// Reference), signatures as printed there.
#include "provider/ses/sigv4.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::provider::ses {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

const Credentials kExample{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};

net::HttpRequest request_for(std::string method, std::string url) {
  net::HttpRequest request;
  request.method = std::move(method);
  request.url = std::move(url);
  return request;
}

std::string authorization(net::HttpRequest request, const Credentials& credentials = kExample,
                          std::string_view service = "service") {
  sign(request, credentials, "us-east-1", service, *parse_rfc3339("2015-08-30T12:36:00Z"));
  return std::string(request.headers.get("Authorization"));
}

TEST(SigV4, GetVanilla) {
  EXPECT_EQ(authorization(request_for("GET", "https://example.amazonaws.com/")),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(SigV4, PostVanilla) {
  EXPECT_THAT(authorization(request_for("POST", "https://example.amazonaws.com/")),
              EndsWith("5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"));
}

TEST(SigV4, GetVanillaQueryOrderKeyCase) {
  EXPECT_THAT(authorization(request_for("GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1")),
              EndsWith("b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"));
}

TEST(SigV4, PostWithABody) {
  net::HttpRequest request = request_for("POST", "https://example.amazonaws.com/");
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  request.body = "Param1=value1";
  EXPECT_THAT(authorization(request),
              EndsWith("ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"));
  request.body = "Param1=value2";
  EXPECT_THAT(authorization(request), testing::Not(HasSubstr("ff11897932ad3f4e")));
}

TEST(SigV4, TheExampleOfTheGeneralReference) {
  net::HttpRequest request =
      request_for("GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08");
  request.headers.add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  EXPECT_THAT(authorization(request, kExample, "iam"),
              EndsWith("5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"));
}

TEST(SigV4, ASessionTokenIsSentAndSigned) {
  // post-sts-header-before of the suite, whose token this is.
  Credentials temporary = kExample;
  temporary.session_token =
      "AQoDYXdzEPT//////////"
      "wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8"
      "YUuwthAx7mSEI/qkPpKPi/"
      "kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6"
      "fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+"
      "scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQ"
      "wj2ICCR/oLxBA==";
  const std::string header = authorization(request_for("POST", "https://example.amazonaws.com/"), temporary);
  EXPECT_THAT(header, HasSubstr("SignedHeaders=host;x-amz-date;x-amz-security-token"));
  EXPECT_THAT(header, EndsWith("85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"));
}

TEST(SigV4, ThePortIsSignedWhenItIsSent) {
  const auto of = [](const char* url) { return authorization(request_for("GET", url)); };
  EXPECT_EQ(of("https://example.amazonaws.com:443/"), of("https://EXAMPLE.amazonaws.com"));
  EXPECT_NE(of("https://example.amazonaws.com:444/"), of("https://example.amazonaws.com/"));
}

}  // namespace
}  // namespace countersign::provider::ses
