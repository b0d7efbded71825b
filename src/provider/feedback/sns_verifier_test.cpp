// SNS messages that are genuine, and all the ways in which one is not.
#include "provider/feedback/sns_verifier.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <map>

#include "support/sns_signer.hpp"

namespace countersign::provider::feedback {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using test::SnsLeaf;
using test::SnsSigner;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kTopic = "arn:aws:sns:eu-west-1:123456789012:ses";
constexpr std::string_view kConfirmUrl =
    "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t";

// Making RSA keys takes its time.
const SnsSigner& signer() {
  static const SnsSigner one;
  return one;
}

/// The web, as far as SNS is concerned.
class Web {
 public:
  std::map<std::string, net::HttpAnswer> pages;
  std::vector<std::string> asked;
  net::HttpRequest last;

  void offer(std::string_view url, std::string body, int status = 200) {
    pages[std::string(url)] = {status, {}, std::move(body)};
  }
  Fetch fetch() {
    return [this](net::HttpRequest request) -> asio::awaitable<Result<net::HttpAnswer, net::HttpFailure>> {
      asked.push_back(request.url);
      last = request;
      const auto page = pages.find(request.url);
      if (page == pages.end())
        co_return unexpected(
            net::HttpFailure{net::HttpFault::connect, net::Sent::nothing, 0, "no such page"});
      co_return page->second;
    };
  }
};

class SnsVerifierTest : public testing::Test {
 protected:
  SnsVerifierTest() {
    options_.topic_arns = {"arn:aws:sns:eu-west-1:123456789012:other", std::string(kTopic)};
    trust(signer());
  }
  void trust(const SnsSigner& one) {
    options_.ca_file = one.ca_file();
    web_.offer(SnsSigner::kCertUrl, one.leaf_pem());
    web_.offer(SnsSigner::kIssuerUrl, one.issuer_der());
  }
  json::object notification() const {
    return test::sns_notification(kTopic, "id-1", R"({"eventType":"Send"})", to_rfc3339(now_));
  }
  json::object confirmation() const {
    json::object out = notification();
    out["Type"] = "SubscriptionConfirmation";
    out["Token"] = "t";
    out["SubscribeURL"] = kConfirmUrl;
    return out;
  }
  SnsVerifier& verifier() {
    if (!verifier_) verifier_ = std::make_unique<SnsVerifier>(options_, web_.fetch());
    return *verifier_;
  }
  template <class Work>
  static std::string outcome(Work work) {
    asio::io_context io;
    auto done = asio::co_spawn(io, std::move(work), asio::use_future);
    io.run();
    const auto result = done.get();
    return result ? "genuine" : std::string(name_of(result.error()));
  }
  std::string verify(const std::string& body) {
    const auto envelope = parse_sns(body);
    if (!envelope) return envelope.error();
    return outcome(verifier().verify(*envelope, now_));
  }
  std::string confirm(const std::string& body) {
    const auto envelope = parse_sns(body);
    if (!envelope) return envelope.error();
    return outcome(verifier().confirm(*envelope));
  }

  SystemClock clock_;
  UtcTime now_ = clock_.now();
  SnsOptions options_;
  Web web_;
  std::unique_ptr<SnsVerifier> verifier_;
};

TEST_F(SnsVerifierTest, BothSignatureVersionsAreGenuine) {
  EXPECT_EQ(verify(signer().sign(notification(), 1)), "genuine");
  EXPECT_EQ(verify(signer().sign(notification(), 2)), "genuine");
  EXPECT_EQ(verify(signer().sign(confirmation(), 2)), "genuine");
  json::object with_subject = notification();
  with_subject["Subject"] = "Amazon SES Email Event Notification";
  EXPECT_EQ(verify(signer().sign(with_subject, 1)), "genuine");
}

TEST_F(SnsVerifierTest, TheIssuersCertificateIsFetchedOnceAndThenBothAreKept) {
  EXPECT_EQ(verify(signer().sign(notification(), 2)), "genuine");
  EXPECT_EQ(verify(signer().sign(notification(), 2)), "genuine");
  EXPECT_THAT(web_.asked, ElementsAre(SnsSigner::kCertUrl, SnsSigner::kIssuerUrl));
}

TEST_F(SnsVerifierTest, AFileWithTheWholeChainNeedsNoMore) {
  web_.offer(SnsSigner::kCertUrl, signer().leaf_pem() + signer().issuer_pem());
  EXPECT_EQ(verify(signer().sign(notification(), 2)), "genuine");
  EXPECT_THAT(web_.asked, ElementsAre(SnsSigner::kCertUrl));
}

TEST_F(SnsVerifierTest, WhateverIsChangedAfterwardsIsForged) {
  for (const char* name : {"Message", "MessageId", "Timestamp", "TopicArn"}) {
    json::object changed = json::parse(signer().sign(notification(), 2)).as_object();
    changed[name] = std::string_view(name) == "Timestamp"
                        ? json::value(to_rfc3339(now_ + std::chrono::seconds(1)))
                    : std::string_view(name) == "TopicArn" ? json::value(options_.topic_arns.front())
                                                           : json::value("another");
    EXPECT_EQ(verify(json::serialize(changed)), "bad_signature") << name;
  }
  json::object changed = json::parse(signer().sign(notification(), 2)).as_object();
  changed["Subject"] = "added";
  EXPECT_EQ(verify(json::serialize(changed)), "bad_signature");
  changed = json::parse(signer().sign(notification(), 2)).as_object();
  changed["SignatureVersion"] = "1";
  EXPECT_EQ(verify(json::serialize(changed)), "bad_signature");
  changed["Signature"] = "AAAA";
  EXPECT_EQ(verify(json::serialize(changed)), "bad_signature");
}

TEST_F(SnsVerifierTest, AForeignTopicMakesThisProgramFetchNothing) {
  json::object foreign = notification();
  foreign["TopicArn"] = "arn:aws:sns:eu-west-1:999999999999:ses";
  EXPECT_EQ(verify(signer().sign(foreign, 2)), "foreign_topic");
  EXPECT_THAT(web_.asked, IsEmpty());
}

TEST_F(SnsVerifierTest, WithoutATopicNothingIsTaken) {
  options_.topic_arns.clear();
  EXPECT_FALSE(verifier().takes_any_topic());
  EXPECT_EQ(verify(signer().sign(notification(), 2)), "foreign_topic");
}

TEST_F(SnsVerifierTest, AMessageIsTakenForADay) {
  const auto at = [&](Duration age) {
    json::object old = notification();
    old["Timestamp"] = to_rfc3339(now_ - age);
    return verify(signer().sign(old, 2));
  };
  EXPECT_EQ(at(std::chrono::hours(23)), "genuine");
  EXPECT_EQ(at(std::chrono::hours(25)), "stale");
  EXPECT_EQ(at(-std::chrono::minutes(14)), "genuine");
  EXPECT_EQ(at(-std::chrono::minutes(16)), "stale");
}

TEST_F(SnsVerifierTest, ACertificateFromElsewhereIsNotEvenFetched) {
  for (const char* url :
       {"http://sns.eu-west-1.amazonaws.com/a.pem", "https://sns.eu-west-1.amazonaws.com/a.txt",
        "https://sns.eu-west-1.amazonaws.com/a.pem?x=.pem", "https://evil.example/a.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem", "https://127.0.0.1/a.pem"}) {
    json::object elsewhere = notification();
    elsewhere["SigningCertURL"] = url;
    EXPECT_EQ(verify(signer().sign(elsewhere, 2)), "foreign_url") << url;
  }
  EXPECT_THAT(web_.asked, IsEmpty());
}

TEST_F(SnsVerifierTest, ACertificateOfAnotherAuthorityIsNotTrusted) {
  const SnsSigner other;
  web_.offer(SnsSigner::kCertUrl, other.leaf_pem());
  web_.offer(SnsSigner::kIssuerUrl, other.issuer_der());
  EXPECT_EQ(verify(other.sign(notification(), 2)), "bad_certificate");
  EXPECT_EQ(web_.asked.size(), 2u);
}

TEST_F(SnsVerifierTest, ACertificateThatIsNotValidNowIsNotTrusted) {
  const SnsSigner expired({.valid_from_seconds = -7200, .valid_until_seconds = -60});
  trust(expired);
  EXPECT_EQ(verify(expired.sign(notification(), 2)), "bad_certificate");
  const SnsSigner early({.valid_from_seconds = 3600});
  trust(early);
  verifier_.reset();
  EXPECT_EQ(verify(early.sign(notification(), 2)), "bad_certificate");
}

TEST_F(SnsVerifierTest, AKeptCertificateEndsWithItsValidity) {
  const SnsSigner brief({.valid_until_seconds = 3600});
  trust(brief);
  EXPECT_EQ(verify(brief.sign(notification(), 2)), "genuine");
  now_ += std::chrono::hours(2);
  EXPECT_EQ(verify(brief.sign(notification(), 2)), "bad_certificate");
}

TEST_F(SnsVerifierTest, ACertificateForAnotherNameIsNotOneOfSns) {
  const SnsSigner other({.name = "sns.example.com"});
  trust(other);
  EXPECT_EQ(verify(other.sign(notification(), 2)), "bad_certificate");
}

TEST_F(SnsVerifierTest, ACertificateBearsTheNameOfTheRegionItIsFetchedFrom) {
  struct Case {
    std::string_view host;
    std::string_view name;
    std::string_view outcome;
  };
  for (const Case& one : std::initializer_list<Case>{
           {"sns.us-east-1.amazonaws.com", "sns.amazonaws.com", "genuine"},
           {"sns.eu-south-1.amazonaws.com", "sns-signing.eu-south-1.amazonaws.com", "genuine"},
           {"sns.us-east-1.amazonaws.com", "sns-signing.eu-south-1.amazonaws.com", "bad_certificate"},
           {"sns.cn-north-1.amazonaws.com.cn", "sns-cn-north-1.amazonaws.com.cn", "genuine"},
           {"sns.cn-north-1.amazonaws.com.cn", "sns-cn-northwest-1.amazonaws.com.cn", "bad_certificate"},
           {"sns.cn-north-1.amazonaws.com.cn", "sns.amazonaws.com", "bad_certificate"},
           {"sns.us-gov-west-1.amazonaws.com", "sns-us-gov-west-1.amazonaws.com", "genuine"},
           {"sns.us-gov-east-1.amazonaws.com", "sns-us-gov-west-1.amazonaws.com", "genuine"},
           {"sns.us-west-1.amazonaws.com", "sns-us-gov-west-1.amazonaws.com", "bad_certificate"}}) {
    const SnsSigner there({.name = std::string(one.name)});
    trust(there);
    verifier_.reset();
    json::object signed_there = notification();
    const std::string url = fmt::format("https://{}/SimpleNotificationService-0123.pem", one.host);
    signed_there["SigningCertURL"] = url;
    web_.offer(url, there.leaf_pem());
    EXPECT_EQ(verify(there.sign(signed_there, 2)), one.outcome) << one.host << " " << one.name;
  }
}

TEST_F(SnsVerifierTest, AKeyThatIsNotRsaSignsNothing) {
  const SnsSigner other({.rsa = false});
  trust(other);
  EXPECT_EQ(verify(other.sign(notification(), 2)), "bad_certificate");
}

TEST_F(SnsVerifierTest, WhatCannotBeFetchedNowMayComeAgain) {
  web_.pages.clear();
  EXPECT_EQ(verify(signer().sign(notification(), 2)), "unavailable");
  web_.offer(SnsSigner::kCertUrl, "", 503);
  EXPECT_EQ(verify(signer().sign(notification(), 2)), "unavailable");
  web_.offer(SnsSigner::kCertUrl, "", 404);
  EXPECT_EQ(verify(signer().sign(notification(), 2)), "not_there");
  web_.offer(SnsSigner::kCertUrl, "no certificate");
  EXPECT_EQ(verify(signer().sign(notification(), 2)), "bad_certificate");
  trust(signer());
  EXPECT_EQ(verify(signer().sign(notification(), 2)), "genuine");
}

TEST_F(SnsVerifierTest, StrangersCannotMakeThisProgramFetchWithoutEnd) {
  web_.pages.clear();
  for (int i = 0; i < 100; ++i) {
    json::object forged = notification();
    forged["SigningCertURL"] = fmt::format("https://sns.eu-west-1.amazonaws.com/{}.pem", i);
    EXPECT_EQ(verify(signer().sign(forged, 2)), "unavailable");
  }
  EXPECT_EQ(web_.asked.size(), 20u);
  trust(signer());
  now_ += std::chrono::seconds(61);
  EXPECT_EQ(verify(signer().sign(notification(), 2)), "genuine");
}

TEST_F(SnsVerifierTest, ConfirmingAsksSnsAndNobodyElse) {
  web_.offer(kConfirmUrl, "<ConfirmSubscriptionResponse/>");
  EXPECT_EQ(confirm(signer().sign(confirmation(), 2)), "genuine");
  EXPECT_THAT(web_.asked, ElementsAre(kConfirmUrl));
  EXPECT_EQ(web_.last.method, "GET");
  EXPECT_TRUE(web_.last.https_only);
  json::object elsewhere = confirmation();
  elsewhere["SubscribeURL"] = "https://evil.example/?Action=ConfirmSubscription";
  EXPECT_EQ(confirm(signer().sign(elsewhere, 2)), "foreign_url");
  EXPECT_EQ(web_.asked.size(), 1u);
}

TEST_F(SnsVerifierTest, TheStandInIsTrustedOnlyWhereItIsNamedAndOnlyThere) {
  const std::string url = "https://127.0.0.1:4443/stand-in.pem";
  json::object elsewhere = notification();
  elsewhere["SigningCertURL"] = url;
  const SnsSigner stand_in;
  web_.offer(url, stand_in.leaf_pem() + stand_in.issuer_pem());
  EXPECT_EQ(verify(stand_in.sign(elsewhere, 2)), "foreign_url");

  verifier_.reset();
  options_.stand_in_authority = "127.0.0.1:4443";
  options_.stand_in_ca_file = stand_in.ca_file();
  EXPECT_EQ(verify(stand_in.sign(elsewhere, 2)), "genuine");
  // Its authority vouches for nobody else.
  web_.offer(SnsSigner::kCertUrl, stand_in.leaf_pem() + stand_in.issuer_pem());
  EXPECT_EQ(verify(stand_in.sign(notification(), 2)), "bad_certificate");
}

}  // namespace
}  // namespace countersign::provider::feedback
