// Credentials from the places where AWS puts them, played by a scripted server on this machine.
#include "provider/ses/credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/scripted_http_server.hpp"
#include "support/temporary_directory.hpp"

namespace countersign::provider::ses {
namespace {

namespace asio = boost::asio;
using countersign::test::http_answer;
using countersign::test::HttpTurn;
using countersign::test::Say;
using countersign::test::ScriptedHttpServer;
using testing::HasSubstr;
using testing::SizeIs;
using Got = Result<Credentials, std::string>;

std::string keys(const std::string& id, const std::string& expiration = "2026-11-24T18:00:00Z") {
  return R"({"Code":"Success","AccessKeyId":")" + id +
         R"(","SecretAccessKey":"s","Token":"t","Expiration":")" + expiration + R"("})";
}

HttpTurn ok(const std::string& body) { return Say(http_answer(200, body)); }
HttpTurn failing() { return Say(http_answer(500, "")); }

class CredentialsTest : public testing::Test {
 protected:
  ~CredentialsTest() override {
    client_.reset();
    work_.reset();
    thread_.join();
  }
  // Plays the metadata service; `turns` are all answers, in order.
  void serve(std::vector<HttpTurn> turns) {
    server_ = std::make_unique<ScriptedHttpServer>(ScriptedHttpServer::Connections{std::move(turns)});
    CredentialOptions options;
    options.metadata_url = server_->url("");
    use(options);
  }
  void use(CredentialOptions options) {
    source_ = std::make_unique<CredentialSource>(io_.get_executor(), *client_, std::move(options), clock_);
  }
  std::future<Got> begin() { return asio::co_spawn(io_, source_->get(), asio::use_future); }
  Got get() { return begin().get(); }

  ManualClock clock_{*parse_rfc3339("2026-11-24T12:00:00Z")};
  asio::io_context io_;
  std::optional<net::HttpClient> client_{std::in_place};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  std::thread thread_{[this] { io_.run(); }};
  std::unique_ptr<ScriptedHttpServer> server_;
  std::unique_ptr<CredentialSource> source_;
};

TEST_F(CredentialsTest, SettingsAreUsedAsTheyAre) {
  CredentialOptions options;
  options.fixed = {"AKIA", "secret", ""};
  use(options);
  const Got got = get();
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, options.fixed);
  source_->forget(*got);
  EXPECT_TRUE(get());
}

TEST_F(CredentialsTest, ASecretThatIsChangedInItsFileIsTakenUp) {
  const countersign::test::TemporaryDirectory folder;
  CredentialOptions options;
  options.fixed = {"AKIA", "at the start", ""};
  options.fixed_secret_file = (folder.path() / "secret").string();
  std::ofstream(options.fixed_secret_file) << "one\n";
  use(options);
  EXPECT_EQ(get()->secret_access_key, "one");
  std::ofstream(options.fixed_secret_file) << "two\n";
  EXPECT_EQ(*get(), (Credentials{"AKIA", "two", ""}));
  std::filesystem::remove(options.fixed_secret_file);
  const Got gone = get();
  ASSERT_FALSE(gone);
  EXPECT_THAT(gone.error(), HasSubstr("the file of the secret access key"));
}

TEST_F(CredentialsTest, TheMetadataServiceIsAskedWithASessionToken) {
  serve({ok("the-token"), ok("a-role\n"), ok(keys("ASIA1"))});
  const Got got = get();
  ASSERT_TRUE(got) << got.error();
  EXPECT_EQ(*got, (Credentials{"ASIA1", "s", "t"}));
  const auto requests = server_->requests();
  ASSERT_THAT(requests, SizeIs(3));
  EXPECT_EQ(requests[0].line, "PUT /latest/api/token HTTP/1.1");
  EXPECT_EQ(requests[0].fields.at("x-aws-ec2-metadata-token-ttl-seconds"), "21600");
  EXPECT_EQ(requests[1].line, "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1");
  EXPECT_EQ(requests[1].fields.at("x-aws-ec2-metadata-token"), "the-token");
  EXPECT_EQ(requests[2].line, "GET /latest/meta-data/iam/security-credentials/a-role HTTP/1.1");
  EXPECT_EQ(requests[2].fields.at("x-aws-ec2-metadata-token"), "the-token");
}

TEST_F(CredentialsTest, TheyAreKeptUntilShortlyBeforeTheyEnd) {
  serve({ok("t"), ok("r"), ok(keys("FIRST")), ok("t"), ok("r"), ok(keys("SECOND", "2026-11-25T00:00:00Z"))});
  EXPECT_EQ(get()->access_key_id, "FIRST");
  clock_.set(*parse_rfc3339("2026-11-24T17:54:59Z"));
  EXPECT_EQ(get()->access_key_id, "FIRST");
  clock_.set(*parse_rfc3339("2026-11-24T17:55:00Z"));
  EXPECT_EQ(get()->access_key_id, "SECOND");
  EXPECT_THAT(server_->requests(), SizeIs(6));
}

TEST_F(CredentialsTest, ThatTheyCannotBeRenewedDoesNotMatterWhileTheyAreValid) {
  serve({ok("t"), ok("r"), ok(keys("FIRST")), failing()});
  ASSERT_TRUE(get());
  clock_.set(*parse_rfc3339("2026-11-24T17:59:59Z"));
  const Got late = get();
  ASSERT_TRUE(late) << late.error();
  EXPECT_EQ(late->access_key_id, "FIRST");
  clock_.set(*parse_rfc3339("2026-11-24T18:00:00Z"));
  const Got ended = get();
  ASSERT_FALSE(ended);
  EXPECT_THAT(ended.error(), HasSubstr("the instance metadata service: status 500"));
  EXPECT_THAT(ended.error(), HasSubstr("set ses.access_key_id"));
}

TEST_F(CredentialsTest, OnesThatWereTurnedDownAreFetchedAnew) {
  serve({ok("t"), ok("r"), ok(keys("FIRST")), ok("t"), ok("r"), ok(keys("SECOND"))});
  const Got first = get();
  source_->forget(Credentials{"OTHER", "s", "t"});
  EXPECT_EQ(get()->access_key_id, "FIRST");
  source_->forget(*first);
  EXPECT_EQ(get()->access_key_id, "SECOND");
}

TEST_F(CredentialsTest, ManyThatWaitAreServedByOneQuestion) {
  serve({ok("t"), ok("r"), ok(keys("FIRST")), failing()});
  std::vector<std::future<Got>> all;
  for (int i = 0; i < 20; ++i) all.push_back(begin());
  for (auto& one : all) EXPECT_EQ(one.get()->access_key_id, "FIRST");
  EXPECT_THAT(server_->requests(), SizeIs(3));
}

TEST_F(CredentialsTest, AContainersEndpointIsAskedWithItsToken) {
  server_ = std::make_unique<ScriptedHttpServer>(ScriptedHttpServer::Connections{{ok(keys("TASK"))}});
  CredentialOptions options;
  options.container_url = server_->url("/v2/credentials/1");
  options.container_token = "Basic abc";
  use(options);
  EXPECT_EQ(get()->access_key_id, "TASK");
  EXPECT_EQ(server_->requests().front().line, "GET /v2/credentials/1 HTTP/1.1");
  EXPECT_EQ(server_->requests().front().fields.at("authorization"), "Basic abc");
}

TEST_F(CredentialsTest, AFaultNamesTheServiceAndNotItsUrl) {
  for (const bool answered : {true, false}) {
    server_ = std::make_unique<ScriptedHttpServer>(ScriptedHttpServer::Connections{
        {answered ? failing() : HttpTurn(countersign::test::say_and_reset())}});
    CredentialOptions options;
    options.container_url = server_->url("/v2/credentials/a-secret");
    use(options);
    const Got got = get();
    ASSERT_FALSE(got);
    EXPECT_THAT(got.error(), HasSubstr("the container's credential service"));
    EXPECT_THAT(got.error(), testing::Not(testing::AnyOf(HasSubstr("a-secret"), HasSubstr("127.0.0.1"))));
  }
}

TEST_F(CredentialsTest, WhatIsNoAnswerOfTheServiceIsSaidPlainly) {
  for (const std::string& nonsense : {std::string("[]"), std::string("nonsense"), std::string("{}"),
                                      std::string(R"({"Code":"Failed"})"), keys(""), keys("A", "soon")}) {
    serve({ok("t"), ok("r"), ok(nonsense)});
    const Got got = get();
    ASSERT_FALSE(got) << nonsense;
    EXPECT_THAT(got.error(), HasSubstr("no AWS credentials: "));
  }
  serve({ok("t"), ok("../other")});
  EXPECT_THAT(get().error(), HasSubstr("names no role"));
}

}  // namespace
}  // namespace countersign::provider::ses
