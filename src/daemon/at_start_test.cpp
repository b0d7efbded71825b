// What is looked at when a server starts: files, listeners, the lock of its database.
#include "daemon/at_start.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "daemon/store_lock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_certificates.hpp"

namespace countersign::daemon {
namespace {

using testing::AllOf;
using testing::HasSubstr;

template <class Action>
std::string fault_of(Action action) {
  try {
    action();
  } catch (const EnvironmentError& error) {
    return error.what();
  }
  return "";
}

class AtStartTest : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& content) {
    const std::string path = directory_.path() / name;
    std::ofstream(path) << content;
    return path;
  }

  test::TemporaryDirectory directory_;
  Config config_;
};

TEST_F(AtStartTest, AFileOfAuthoritiesThatCannotBeReadIsRefusedWithItsSetting) {
  EXPECT_EQ(fault_of([&] { check_ca_files(config_); }), "");
  config_.webhooks.ca_file = directory_.path() / "no.pem";
  EXPECT_THAT(fault_of([&] { check_ca_files(config_); }),
              AllOf(HasSubstr("webhooks.ca_file"), HasSubstr(config_.webhooks.ca_file)));
  config_.webhooks.ca_file = write("garbage.pem", "no certificate");
  EXPECT_THAT(fault_of([&] { check_ca_files(config_); }), HasSubstr("webhooks.ca_file"));
  config_.webhooks.ca_file = "";
  config_.ses.ca_file = directory_.path() / "no.pem";
  EXPECT_EQ(fault_of([&] { check_ca_files(config_); }), "") << "nothing is sent through SES";
  config_.outbound.provider = Provider::ses;
  EXPECT_THAT(fault_of([&] { check_ca_files(config_); }), HasSubstr("ses.ca_file"));
}

TEST_F(AtStartTest, AnAddressInUseIsReportedWithTheSettingThatChoosesAnother) {
  const std::array<ListeningOn, 2> places{
      {{"inbound.listen", "127.0.0.1", 2525}, {"inbound.lmtp_listen", "127.0.0.1", 25}}};
  EXPECT_THAT(fault_of([&] {
                rethrow_with_setting(EnvironmentError("cannot listen on 127.0.0.1 port 25: in use", false),
                                     places);
              }),
              HasSubstr("in use; choose another with --set inbound.lmtp_listen=ADDRESS:PORT"));
  EXPECT_EQ(fault_of([&] { rethrow_with_setting(EnvironmentError("no certificate", false), places); }),
            "no certificate");
}

TEST_F(AtStartTest, AnAddressOfVersion6IsInBracketsInAUrl) {
  EXPECT_EQ(authority_of("127.0.0.1", 80), "127.0.0.1:80");
  EXPECT_EQ(authority_of("::1", 80), "[::1]:80");
}

TEST_F(AtStartTest, ADatabaseHasOneServerWhateverTheDataDirectoriesAndLinks) {
  const std::filesystem::path database = write("mail.db", "");
  const std::filesystem::path link = directory_.path() / "link.db";
  std::filesystem::create_symlink(database, link);
  Config one;
  one.data_dir = directory_.path() / "one";
  one.store.url = "sqlite:" + database.string();
  Config other;
  other.data_dir = directory_.path() / "other";
  other.store.url = "sqlite:" + link.string();
  auto lock = lock_store(one);
  EXPECT_THAT(fault_of([&] { (void)lock_store(other); }),
              AllOf(HasSubstr("another countersign serves"), HasSubstr(database.string())));
  lock.reset();
  EXPECT_NE(lock_store(other), nullptr);
  one.store.url = "postgres://db/mail";
  EXPECT_EQ(lock_store(one), nullptr) << "that is shared";
}

}  // namespace
}  // namespace countersign::daemon
