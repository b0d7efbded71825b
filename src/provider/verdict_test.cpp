// What answers mean, in the rows that cost most when they are wrong.
#include "provider/verdict.hpp"

#include <gtest/gtest.h>

#include "provider/http_reply.hpp"

namespace countersign::provider {
namespace {

Verdict of(Service service, int status, std::string_view name = "") {
  return rule(service, status, name).verdict;
}

TEST(Verdicts, AServersErrorIsNoProofThatAMessageWasNotTaken) {
  for (const Service service : {Service::ses, Service::resend}) {
    for (int status = 500; status < 600; ++status) {
      EXPECT_EQ(of(service, status), Verdict::unknown) << status;
      EXPECT_EQ(of(service, status, "ThrottlingException"), Verdict::unknown)
          << "a name does not change that";
    }
    EXPECT_EQ(of(service, kNoAnswer), Verdict::unknown);
    EXPECT_EQ(of(service, 101), Verdict::unknown);
  }
}

TEST(Verdicts, ARefusalConcernsTheMessageAndAFaultOfTheAccountTheSession) {
  EXPECT_EQ(of(Service::ses, 400, "MessageRejected"), Verdict::refused);
  EXPECT_EQ(of(Service::ses, 400, "BadRequestException"), Verdict::refused);
  EXPECT_EQ(of(Service::ses, 400, "MailFromDomainNotVerifiedException"), Verdict::deferred);
  for (const char* name :
       {"AccountSuspendedException", "SendingPausedException", "ThrottlingException",
        "LimitExceededException", "RequestExpired", "IncompleteSignature", "ExpiredTokenException"}) {
    const Ruling ruling = rule(Service::ses, 400, name);
    EXPECT_EQ(ruling.verdict, Verdict::session_fault) << name;
    EXPECT_EQ(ruling.scope, Scope::session) << name;
  }
  for (const char* name : {"", "SignatureDoesNotMatch", "InvalidClientTokenId", "SomethingNew"}) {
    EXPECT_EQ(of(Service::ses, 403, name), Verdict::session_fault) << name;
  }
  EXPECT_EQ(of(Service::ses, 404, "NotFoundException"), Verdict::session_fault);
  EXPECT_EQ(of(Service::ses, 429, "TooManyRequestsException"), Verdict::session_fault);
  EXPECT_EQ(of(Service::ses, 413), Verdict::refused);
  EXPECT_EQ(of(Service::ses, 400, "SomethingNew"), Verdict::deferred) << "definite, and perhaps not for ever";
}

TEST(Verdicts, ResendsNamesAreReadWithTheirStatus) {
  EXPECT_EQ(of(Service::resend, 422, "validation_error"), Verdict::refused);
  EXPECT_EQ(of(Service::resend, 403, "validation_error"), Verdict::deferred) << "an unverified domain";
  EXPECT_EQ(of(Service::resend, 403, "invalid_api_key"), Verdict::session_fault);
  EXPECT_EQ(of(Service::resend, 401, "restricted_api_key"), Verdict::session_fault);
  EXPECT_EQ(of(Service::resend, 429, "daily_quota_exceeded"), Verdict::session_fault);
  EXPECT_EQ(of(Service::resend, 409, "concurrent_idempotent_requests"), Verdict::unknown);
  EXPECT_EQ(of(Service::resend, 409, "invalid_idempotent_request"), Verdict::unknown);
  EXPECT_EQ(of(Service::resend, 451, "security_error"), Verdict::deferred);
}

TEST(Verdicts, OneProvidersNamesMeanNothingAtAnother) {
  EXPECT_EQ(of(Service::resend, 400, "MessageRejected"), Verdict::deferred);
  EXPECT_EQ(of(Service::ses, 409, "concurrent_idempotent_requests"), Verdict::deferred);
}

TEST(Verdicts, AnSmtpCodeInAnHttpStatusMeansNothing) {
  EXPECT_EQ(of(Service::ses, 530), Verdict::unknown)
      << "where SMTP wants credentials, a proxy lost its origin";
}

TEST(Verdicts, WithoutAnAnswerItCountsHowMuchOfTheRequestLeft) {
  net::HttpFailure failure{net::HttpFault::tls, net::Sent::nothing, 0, "certificate has expired"};
  Reply reply = unanswered(failure, "ses.example");
  EXPECT_EQ(reply.verdict, Verdict::session_fault);
  EXPECT_EQ(reply.phase, Phase::tls);
  EXPECT_TRUE(reply.fence_passed);
  EXPECT_EQ(reply.text, "ses.example: certificate has expired (tls)");
  failure = {net::HttpFault::timeout, net::Sent::nothing, 0, "timed out"};
  EXPECT_EQ(unanswered(failure, "x").phase, Phase::connect);
  failure.sent = net::Sent::part;
  EXPECT_EQ(unanswered(failure, "x").verdict, Verdict::deferred);
  failure.sent = net::Sent::all;
  failure.status = 200;
  reply = unanswered(failure, "x");
  EXPECT_EQ(reply.verdict, Verdict::unknown);
  EXPECT_EQ(reply.text, "x: timed out (timeout); an answer with status 200 broke off");
}

TEST(Verdicts, SecretsTravelEncryptedOrStayOnThisMachine) {
  for (const char* good : {"https://a.example", "https://a.example:8443/x", "http://127.0.0.1:1",
                           "http://[::1]:1/", "http://localhost"}) {
    EXPECT_TRUE(is_endpoint(good)) << good;
  }
  for (const char* bad : {"", "https://", "https:///x", "http://a.example", "http://127.0.0.1.a.example",
                          "ftp://a", "http://127.0.0.1@a.example", "https://a/?q", "https://a b"}) {
    EXPECT_FALSE(is_endpoint(bad)) << bad;
  }
}

}  // namespace
}  // namespace countersign::provider
