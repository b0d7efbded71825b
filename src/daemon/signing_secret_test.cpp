#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <set>

#include "base/error.hpp"
#include "base/id.hpp"
#include "daemon/config.hpp"

namespace countersign::daemon {
namespace {

class SigningSecretTest : public testing::Test {
 protected:
  SigningSecretTest() {
    config_.data_dir = std::filesystem::path(testing::TempDir()) / ("secret_" + random_hex(16)) / "deep";
  }
  ~SigningSecretTest() override {
    std::filesystem::remove_all(std::filesystem::path(config_.data_dir).parent_path());
  }

  Config config_;
};

TEST_F(SigningSecretTest, IsMadeOnceAndKeptPrivate) {
  const std::string secret = load_signing_secret(config_);
  EXPECT_THAT(secret, testing::MatchesRegex("[0-9a-f]+"));
  EXPECT_EQ(secret.size(), 64u);
  EXPECT_EQ(load_signing_secret(config_), secret);
  struct stat status{};
  ASSERT_EQ(::stat((config_.data_dir + "/secret").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777u, 0600u);
}

TEST_F(SigningSecretTest, LeavesNothingElseBehind) {
  (void)load_signing_secret(config_);
  const std::filesystem::directory_iterator files(config_.data_dir);
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(SigningSecretTest, IsTheSameForAllWhoStartTogether) {
  std::vector<std::future<std::string>> starts;
  for (int i = 0; i < 8; ++i) {
    starts.push_back(std::async(std::launch::async, [this] { return load_signing_secret(config_); }));
  }
  std::set<std::string> secrets;
  for (auto& start : starts) secrets.insert(start.get());
  EXPECT_EQ(secrets.size(), 1u);
}

TEST_F(SigningSecretTest, GivesWayToAConfiguredOne) {
  config_.signing_secret = "configured-configured-configured-";
  EXPECT_EQ(load_signing_secret(config_), config_.signing_secret);
  EXPECT_FALSE(std::filesystem::exists(config_.data_dir));
}

TEST_F(SigningSecretTest, RefusesAFileTooShortToBeOne) {
  std::filesystem::create_directories(config_.data_dir);
  std::ofstream(config_.data_dir + "/secret") << "short\n";
  EXPECT_THROW((void)load_signing_secret(config_), EnvironmentError);
}

TEST_F(SigningSecretTest, SaysWhenTheFolderCannotBe) {
  std::filesystem::create_directories(std::filesystem::path(config_.data_dir).parent_path());
  std::ofstream(config_.data_dir) << "a file where the folder should be";
  EXPECT_THROW((void)load_signing_secret(config_), EnvironmentError);
}

}  // namespace
}  // namespace countersign::daemon
