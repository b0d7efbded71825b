#include "daemon/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "base/id.hpp"
#include "daemon/settings.hpp"

namespace countersign::daemon {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() : folder_(std::filesystem::path(testing::TempDir()) / ("config_" + random_hex(16))) {
    std::filesystem::create_directories(folder_);
  }
  ~ConfigTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& content) {
    const std::string path = folder_ / name;
    std::ofstream(path) << content;
    return path;
  }
  static LoadedConfig loaded(const ConfigSources& sources) {
    auto result = load_config(sources);
    if (!result) {
      ADD_FAILURE() << fmt::format("{}", fmt::join(result.error(), "\n"));
      return {};
    }
    return std::move(*result);
  }
  static std::vector<std::string> faults(const ConfigSources& sources) {
    auto result = load_config(sources);
    return result ? std::vector<std::string>{} : std::move(result.error());
  }
  static EffectiveSetting setting(const LoadedConfig& config, std::string_view key) {
    for (const EffectiveSetting& candidate : config.settings) {
      if (candidate.key == key) return candidate;
    }
    ADD_FAILURE() << "no setting " << key;
    return {};
  }

  const std::filesystem::path folder_;
};

TEST_F(ConfigTest, StandsWithoutAnySource) {
  const Config config = loaded({}).config;
  EXPECT_EQ(config.data_dir, "./data");
  EXPECT_EQ(config.store.url, "sqlite:./data/countersign.db");
  EXPECT_EQ(config.store.deadline, std::chrono::seconds(10));
  EXPECT_EQ(config.http.address, "127.0.0.1");
  EXPECT_EQ(config.http.port, 8080);
  EXPECT_TRUE(config.http.metrics);
  EXPECT_EQ(config.shared_domain, "agents.localhost");
  EXPECT_EQ(config.outbound.from_domain, "agents.localhost");
  EXPECT_EQ(config.outbound.provider, Provider::maildir);
  EXPECT_EQ(config.outbound.maildir, "./data/outbound");
  EXPECT_EQ(config.smtp.tls, SmtpTls::starttls);
  EXPECT_TRUE(config.smtp.verify);
  EXPECT_FALSE(config.smtp.helo_name.empty());
  EXPECT_EQ(config.outbound.return_path, ReturnPath::per_message);
  EXPECT_TRUE(config.feedback.sns_topic_arns.empty());
  EXPECT_EQ(config.feedback.bounce_maildir, "");
  EXPECT_EQ(config.limits.storage_bytes_max, std::int64_t{1} << 50);
  EXPECT_EQ(config.log.level, log::Level::info);
  EXPECT_EQ(config.trash_retention, std::chrono::days(30));
}

TEST_F(ConfigTest, DerivesPathsFromTheDataDirectory) {
  const Config config = loaded({.flags = {"data_dir=/srv/mail"}}).config;
  EXPECT_EQ(config.store.url, "sqlite:/srv/mail/countersign.db");
  EXPECT_EQ(config.outbound.maildir, "/srv/mail/outbound");
}

TEST_F(ConfigTest, TopicsAreAListOfArns) {
  const std::string key = "feedback.sns_topic_arns=";
  const std::string one = "arn:aws:sns:eu-west-1:123456789012:one";
  const std::string two = "arn:aws-cn:sns:cn-north-1:123456789012:two";
  EXPECT_THAT(loaded({.flags = {key + one + " , " + two + ","}}).config.feedback.sns_topic_arns,
              ElementsAre(one, two));
  for (const char* wrong : {"one", "arn:aws:sqs:eu-west-1:123456789012:one", "arn:aws:sns:eu-west-1:one"}) {
    EXPECT_THAT(faults({.flags = {key + wrong}}), ElementsAre(HasSubstr("must be ARNs of SNS topics")))
        << wrong;
  }
}

TEST_F(ConfigTest, AStandInForSnsNeedsItsAuthority) {
  const std::string host = "feedback.sns_stand_in_for_tests=127.0.0.1:1234";
  const std::string file = "feedback.sns_stand_in_for_tests_ca_file=ca.pem";
  EXPECT_EQ(loaded({.flags = {host, file}}).config.feedback.sns_stand_in_for_tests, "127.0.0.1:1234");
  EXPECT_THAT(faults({.flags = {host}}), ElementsAre(HasSubstr("need each other")));
  EXPECT_THAT(faults({.flags = {file}}), ElementsAre(HasSubstr("need each other")));
}

TEST_F(ConfigTest, FlagsBeatTheEnvironmentWhichBeatsTheFile) {
  const std::string file = write("c.toml",
                                 "shared_domain = \"file.example\"\n"
                                 "[store]\nreaders = 3\nconnections = 4\n"
                                 "[log]\nlevel = \"warn\"\n");
  const LoadedConfig config = loaded({.file = file,
                                      .environment = {{"COUNTERSIGN_STORE_READERS", "5"},
                                                      {"COUNTERSIGN_STORE_CONNECTIONS", "6"},
                                                      {"HOME", "/root"}},
                                      .flags = {"store.connections=7"}});
  EXPECT_EQ(config.config.shared_domain, "file.example");
  EXPECT_EQ(config.config.store.readers, 5);
  EXPECT_EQ(config.config.store.connections, 7);
  EXPECT_EQ(config.config.log.level, log::Level::warn);
  EXPECT_EQ(setting(config, "shared_domain").origin, file + ":1");
  EXPECT_EQ(setting(config, "store.readers").origin, "environment");
  EXPECT_EQ(setting(config, "store.connections").origin, "flag");
  EXPECT_EQ(setting(config, "log.format").origin, "default");
}

TEST_F(ConfigTest, ReportsEveryFaultAtOnceWithItsPlace) {
  const std::string file = write("c.toml",
                                 "data_dirr = \"x\"\n"
                                 "[smtp]\n"
                                 "hots = \"relay\"\n"
                                 "port = \"587\"\n"
                                 "tls = \"startls\"\n"
                                 "verify = 1\n"
                                 "[store]\n"
                                 "url = \"mysql://x\"\n"
                                 "readers = 0\n"
                                 "connections = 1.5\n");
  EXPECT_THAT(
      faults({.file = file,
              .environment = {{"COUNTERSIGN_STORE_READRES", "1"}, {"COUNTERSIGN_HTTP_THREADS", "many"}},
              .flags = {"log.levle=info", "http.listen=8080", "shared_domain"}}),
      ElementsAre(
          file + ":1: unknown key \"data_dirr\"; did you mean \"data_dir\"?",
          file + ":3: unknown key \"smtp.hots\"; did you mean \"smtp.host\"?",
          file + ":4: smtp.port must be number, 1 to 65535, not text in quotes",
          file +
              ":5: smtp.tls must be one of none, opportunistic, starttls, implicit, not \"startls\"; did you "
              "mean \"starttls\"?",
          file + ":6: smtp.verify must be true or false, not a number",
          file + ":8: store.url must be sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE",
          file + ":9: store.readers must be number, 1 to 64, not 0",
          file + ":10: store.connections must be number, 1 to 256, not floating-point",
          "environment COUNTERSIGN_HTTP_THREADS: http.threads must be number, 1 to 256, not \"many\"",
          "environment: unknown variable COUNTERSIGN_STORE_READRES; did you mean "
          "\"COUNTERSIGN_STORE_READERS\"?",
          "--set log.levle: unknown key \"log.levle\"; did you mean \"log.level\"?",
          "--set http.listen: http.listen must be ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080, not "
          "\"8080\"",
          "--set shared_domain: must be --set KEY=VALUE"));
}

TEST_F(ConfigTest, SaysNothingAboutAKeyThatResemblesNone) {
  EXPECT_THAT(faults({.flags = {"completely.different=1"}}),
              ElementsAre("--set completely.different: unknown key \"completely.different\""));
}

TEST_F(ConfigTest, ReportsAFaultEvenWhenAStrongerSourceHidesIt) {
  EXPECT_THAT(faults({.environment = {{"COUNTERSIGN_STORE_READERS", "none"}}, .flags = {"store.readers=2"}}),
              ElementsAre(HasSubstr("COUNTERSIGN_STORE_READERS")));
}

TEST_F(ConfigTest, LeavesReservedVariablesAlone) {
  EXPECT_THAT(faults({.environment = {{"COUNTERSIGN_CONFIG", "x"},
                                      {"COUNTERSIGN_FAULT", "a=kill"},
                                      {"COUNTERSIGN_TEST_POSTGRES", "postgres://x"},
                                      {"COUNTERSIGN_SERVICE_HOST", "10.0.0.1"},
                                      {"COUNTERSIGN_PORT_8080_TCP", "tcp://10.0.0.1:8080"}}}),
              IsEmpty());
}

TEST_F(ConfigTest, NamesTheLineOfBrokenToml) {
  const std::string file = write("c.toml", "data_dir = \"x\"\n[store\n");
  EXPECT_THAT(faults({.file = file}), ElementsAre(testing::StartsWith(file + ":2: ")));
}

TEST_F(ConfigTest, InsistsOnTheFileItWasGiven) {
  const std::string missing = folder_ / "missing.toml";
  EXPECT_THAT(faults({.file = missing}), ElementsAre(missing + ": No such file or directory"));
  EXPECT_THAT(faults({.file = folder_.string()}), ElementsAre(folder_.string() + ": Is a directory"));
  EXPECT_THAT(faults({.file = write("empty.toml", "")}), IsEmpty());
}

TEST_F(ConfigTest, NeverShowsASecret) {
  const LoadedConfig config =
      loaded({.flags = {"smtp.host=relay", "smtp.username=u", "smtp.password=hunter2hunter2",
                        "signing.secret=0123456789abcdef0123456789abcdef",
                        "store.url=postgres://me:pass@word@db:5432/mail?password=other&sslmode=require"}});
  EXPECT_EQ(config.config.smtp.password, "hunter2hunter2");
  EXPECT_EQ(setting(config, "smtp.password").value, "\"***\"");
  EXPECT_EQ(setting(config, "signing.secret").value, "\"***\"");
  EXPECT_EQ(setting(config, "store.url").value,
            "\"postgres://me:***@db:5432/mail?password=***&sslmode=require\"");
  EXPECT_EQ(setting(loaded({.flags = {"store.url=postgres://db/mail?sslpassword=a&password=b"}}), "store.url")
                .value,
            "\"postgres://db/mail?sslpassword=***&password=***\"");
  EXPECT_THAT(faults({.flags = {"signing.secret=too-short-a-secret", "store.url=pg://me:hunter2@db"}}),
              testing::Each(AllOf(Not(HasSubstr("too-short-a-secret")), Not(HasSubstr("hunter2")))));
}

TEST_F(ConfigTest, ASecretFromAFileSaysWhereItIsFrom) {
  const std::string secret = "0123456789abcdef0123456789abcdef";
  const std::string path = write("secret", secret + "\n");
  const LoadedConfig good = loaded({.flags = {"signing.secret_file=" + path}});
  EXPECT_EQ(good.config.signing_secret, secret);
  EXPECT_EQ(setting(good, "signing.secret").value, "\"***\"");
  EXPECT_EQ(setting(good, "signing.secret").origin, "signing.secret_file");
  EXPECT_THAT(faults({.flags = {"signing.secret_file=" + write("short", "too-short-a-secret")}}),
              ElementsAre(AllOf(HasSubstr("at least 32 bytes"), Not(HasSubstr("too-short-a-secret")))));
  EXPECT_THAT(faults({.flags = {"signing.secret=" + secret, "signing.secret_file=" + path}}),
              ElementsAre(HasSubstr("exclude each other")));
}

TEST_F(ConfigTest, AnAddressThatIsNoneIsRefused) {
  for (const char* wrong : {"1.2.3:80", "1.2.3.4.5:80", "[::1::]:80", "[1.2.3.4]:80", "::1:80", "cafe:80"}) {
    EXPECT_THAT(faults({.flags = {std::string("http.listen=") + wrong}}),
                ElementsAre(HasSubstr("must be ADDRESS:PORT")))
        << wrong;
  }
  EXPECT_EQ(loaded({.flags = {"http.listen=[::1]:80"}}).config.http.address, "::1");
}

TEST_F(ConfigTest, ReadsThePasswordFromAFile) {
  const std::string path = write("password", "pass word \n");
  EXPECT_EQ(loaded({.flags = {"smtp.host=relay", "smtp.username=u", "smtp.password_file=" + path}})
                .config.smtp.password,
            "pass word ");
  EXPECT_THAT(faults({.flags = {"smtp.host=relay", "smtp.username=u", "smtp.password_file=" + path + ".no"}}),
              ElementsAre(HasSubstr("No such file or directory")));
  EXPECT_THAT(
      faults({.flags = {"smtp.host=relay", "smtp.username=u", "smtp.password_file=" + write("empty", "\n")}}),
      ElementsAre(HasSubstr("the file is empty")));
  EXPECT_THAT(faults({.flags = {"smtp.username=u", "smtp.password=p", "smtp.password_file=" + path}}),
              ElementsAre(HasSubstr("exclude each other")));
}

TEST_F(ConfigTest, ChoosesTheRelayWhenThereIsOne) {
  const Config config = loaded({.flags = {"smtp.host=relay.example.com"}}).config;
  EXPECT_EQ(config.outbound.provider, Provider::smtp);
  EXPECT_EQ(config.smtp.tls_name, "relay.example.com");
  EXPECT_EQ(loaded({.flags = {"smtp.host=relay", "outbound.provider=maildir"}}).config.outbound.provider,
            Provider::maildir);
}

TEST_F(ConfigTest, RefusesSettingsThatContradictEachOther) {
  EXPECT_THAT(faults({.flags = {"outbound.provider=smtp"}}), ElementsAre(HasSubstr("smtp.host is not set")));
  EXPECT_THAT(faults({.flags = {"shared_domain="}}), ElementsAre(HasSubstr("outbound.from_domain")));
  EXPECT_THAT(faults({.flags = {"smtp.username=u"}}), ElementsAre(HasSubstr("needs smtp.password")));
  EXPECT_THAT(faults({.flags = {"smtp.password=p"}}), ElementsAre(HasSubstr("needs smtp.username")));
}

TEST_F(ConfigTest, SesNeedsARegionAndTakesItsCredentialsFromWhereAwsPutsThem) {
  const std::vector<std::string> ses{"outbound.provider=ses"};
  EXPECT_THAT(faults({.flags = ses}), ElementsAre(HasSubstr("neither ses.region nor AWS_REGION is set")));
  Config::Ses config = loaded({.environment = {{"AWS_DEFAULT_REGION", "eu-west-1"},
                                               {"AWS_ACCESS_KEY_ID", "ASIA"},
                                               {"AWS_SECRET_ACCESS_KEY", "s/+"},
                                               {"AWS_SESSION_TOKEN", "t=="},
                                               {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x"}},
                               .flags = ses})
                           .config.ses;
  EXPECT_EQ(config.region, "eu-west-1");
  EXPECT_EQ(config.access_key_id, "ASIA");
  EXPECT_EQ(config.secret_access_key, "s/+");
  EXPECT_EQ(config.session_token, "t==");
  EXPECT_EQ(config.container_url, "http://169.254.170.2/v2/x");
  config = loaded({.environment = {{"AWS_REGION", "eu-west-1"}, {"AWS_SESSION_TOKEN", "of another key"}},
                   .flags = {"outbound.provider=ses", "ses.region=us-east-1", "ses.access_key_id=AKIA",
                             "ses.secret_access_key=s"}})
               .config.ses;
  EXPECT_EQ(config.region, "us-east-1");
  EXPECT_EQ(config.session_token, "") << "a token goes with its own key only";
  EXPECT_THAT(faults({.flags = {"outbound.provider=ses", "ses.region=x", "ses.access_key_id=AKIA"}}),
              ElementsAre(HasSubstr("needs ses.secret_access_key")));
  EXPECT_THAT(faults({.flags = {"ses.endpoint=http://ses.example"}}),
              ElementsAre(HasSubstr("must be an https://")));
  config = loaded({.environment = {{"AWS_REGION", "eu-west-1"}, {"AWS_ACCESS_KEY_ID", "ASIA"}},
                   .flags = {"smtp.host=email-smtp.eu-west-1.amazonaws.com", "smtp.ses=true"}})
               .config.ses;
  EXPECT_EQ(config.region, "eu-west-1") << "its SMTP endpoint names messages by region too";
  EXPECT_EQ(config.access_key_id, "") << "over SMTP there is another login";
  EXPECT_EQ(loaded({.environment = {{"AWS_REGION", "eu-west-1"}}}).config.ses.region, "")
      << "another provider's business is left alone";
}

TEST_F(ConfigTest, ResendNeedsAKey) {
  EXPECT_THAT(faults({.flags = {"outbound.provider=resend"}}),
              ElementsAre(HasSubstr("neither resend.api_key nor")));
  const std::string path = write("key", "re_123\n");
  const LoadedConfig good = loaded({.flags = {"outbound.provider=resend", "resend.api_key_file=" + path}});
  EXPECT_EQ(good.config.outbound.provider, Provider::resend);
  EXPECT_EQ(good.config.resend.api_key, "re_123");
  EXPECT_EQ(good.config.resend.api_key_file, path) << "to be read again";
  EXPECT_THAT(faults({.flags = {"resend.api_key_file=" + write("bad", "two words\n")}}),
              ElementsAre(testing::AllOf(HasSubstr("without blanks"), testing::Not(HasSubstr("two words")))));
}

TEST_F(ConfigTest, ADetectorNeedsAModelAndLessTimeThanAClaimLasts) {
  const std::string url = "screening.detector_url=https://host.example/v1";
  EXPECT_THAT(faults({.flags = {url}}), ElementsAre(HasSubstr("needs screening.detector_model")));
  const std::vector<std::string> flags{url, "screening.detector_model=m",
                                       "screening.detector_api_key_file=" + write("key", "k-1\n")};
  const LoadedConfig good = loaded({.flags = flags});
  EXPECT_EQ(good.config.screening.detector_api_key, "k-1");
  EXPECT_EQ(good.config.screening.detector_failure, DetectorFailure::review);
  std::vector<std::string> slow = flags;
  slow.push_back("inbound.lease_seconds=19");
  EXPECT_THAT(faults({.flags = slow}), ElementsAre(HasSubstr("at most half of inbound.lease_seconds")));
  EXPECT_THAT(faults({.flags = {"screening.detector_url=http://host.example/v1"}}),
              ElementsAre(HasSubstr("must be an https://")));
}

TEST_F(ConfigTest, KeepsThePasswordOffAnUnencryptedWire) {
  const std::vector<std::string> flags{"smtp.host=relay.example.com", "smtp.username=u", "smtp.password=p",
                                       "smtp.tls=none"};
  EXPECT_THAT(faults({.flags = flags}), ElementsAre(HasSubstr("unencrypted")));
  std::vector<std::string> allowed = flags;
  allowed.push_back("smtp.auth_without_tls=true");
  EXPECT_THAT(faults({.flags = allowed}), IsEmpty());
  std::vector<std::string> local = flags;
  local.push_back("smtp.host=127.0.0.1");
  EXPECT_THAT(faults({.flags = local}), IsEmpty());
}

TEST_F(ConfigTest, ReadsAddressesToListenOn) {
  EXPECT_EQ(loaded({.flags = {"http.listen=[::1]:0"}}).config.http.address, "::1");
  EXPECT_EQ(loaded({.flags = {"http.listen=0.0.0.0:65535"}}).config.http.port, 65535);
  for (const char* wrong : {"", ":80", "localhost:80", "::1:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                            "127.0.0.1:-1", "127.0.0.1:80 ", "[127.0.0.1]:80"}) {
    EXPECT_EQ(faults({.flags = {std::string("http.listen=") + wrong}}).size(), 1u) << wrong;
  }
}

TEST_F(ConfigTest, ProxiesAreAListOfNetworks) {
  const net::Networks proxies =
      loaded({.flags = {"inbound.proxy_from=10.0.0.0/8, 2001:db8::/32"}}).config.inbound.proxies;
  EXPECT_TRUE(proxies.contains(boost::asio::ip::make_address("10.1.2.3")));
  EXPECT_FALSE(proxies.contains(boost::asio::ip::make_address("192.0.2.1")));
  EXPECT_TRUE(loaded({}).config.inbound.proxies.empty());
  for (const char* const wrong : {"proxy.example", "10.0.0.1/8", "10.0.0.0/8 ::1"}) {
    EXPECT_EQ(faults({.flags = {std::string("inbound.proxy_from=") + wrong}}).size(), 1u) << wrong;
  }
}

TEST_F(ConfigTest, ChecksDomainsAndUrls) {
  EXPECT_EQ(loaded({.flags = {"shared_domain=Agents.Example.COM"}}).config.shared_domain,
            "agents.example.com");
  for (const char* wrong : {"a b", "-a.com", "a..b", "a.com.", "a@b", "a_b.com", "ä.de"}) {
    EXPECT_EQ(faults({.flags = {std::string("shared_domain=") + wrong}}).size(), 1u) << wrong;
  }
  EXPECT_EQ(loaded({.flags = {"http.public_url=https://mail.example.com//"}}).config.http.public_url,
            "https://mail.example.com");
  for (const char* wrong : {"mail.example.com", "https://", "https://a b", "https://a?b", "ftp://a"}) {
    EXPECT_EQ(faults({.flags = {std::string("http.public_url=") + wrong}}).size(), 1u) << wrong;
  }
}

TEST_F(ConfigTest, RefusesTextThatIsNoText) {
  EXPECT_THAT(faults({.flags = {"data_dir=\xff\xfe"}}), ElementsAre(HasSubstr("must be UTF-8")));
}

TEST(Settings, HaveDefaultsThatTheirOwnChecksAccept) {
  for (const Setting& setting : settings()) {
    if (setting.type == SettingType::text) {
      const std::string& fallback = std::get<std::string>(setting.fallback);
      EXPECT_EQ(setting.check(fallback), "") << setting.key;
    }
    if (setting.type == SettingType::number) {
      EXPECT_GE(std::get<std::int64_t>(setting.fallback), setting.min) << setting.key;
      EXPECT_LE(std::get<std::int64_t>(setting.fallback), setting.max) << setting.key;
    }
    EXPECT_TRUE(setting.doc.ends_with('.')) << setting.key;
    EXPECT_EQ(setting.doc.find_first_of("\n|"), std::string_view::npos) << setting.key;
  }
}

TEST(Settings, HaveKeysAndVariablesOfTheirOwn) {
  std::set<std::string> names;
  for (const Setting& setting : settings()) {
    EXPECT_TRUE(names.insert(environment_name(setting.key)).second) << setting.key;
  }
  EXPECT_EQ(environment_name("store.group_max"), "COUNTERSIGN_STORE_GROUP_MAX");
}

TEST(Settings, AreDocumentedAsTheyAre) {
  const std::string path = "docs/config.md";
  if (std::getenv("COUNTERSIGN_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << config_markdown();
  std::ifstream file(path);
  const std::string committed{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(committed, config_markdown())
      << "run with COUNTERSIGN_UPDATE_GOLDEN=1 and look at the difference";
}

}  // namespace
}  // namespace countersign::daemon
