#include "provider/maildir/maildir.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "base/error.hpp"
#include "provider/maildir/maildir_transport.hpp"

namespace countersign::provider::maildir {
namespace {

namespace fs = std::filesystem;

Fence always(bool holds) {
  return [holds]() -> boost::asio::awaitable<bool> { co_return holds; };
}

class MaildirTest : public testing::Test {
 protected:
  MaildirTest() {
    std::string pattern = (fs::temp_directory_path() / "countersign-maildir-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
  }
  ~MaildirTest() override {
    files_.join();
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }

  static HandOver message(std::string key, std::string raw = "Subject: hi\r\n\r\nText\r\n") {
    HandOver out;
    out.submission = "sub_1";
    out.key = std::move(key);
    out.envelope_from = "agent@here.example";
    out.recipients = {"b@x.example", "c@x.example"};
    out.raw = std::make_shared<const std::string>(std::move(raw));
    return out;
  }
  Reply send(MaildirTransport& transport, HandOver message, Fence fence = always(true)) {
    auto work = transport.hand_over(std::move(message), std::move(fence));
    return boost::asio::co_spawn(files_, std::move(work), boost::asio::use_future).get();
  }
  [[nodiscard]] std::vector<std::string> names(const std::string& part) const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(folder() / part)) out.push_back(entry.path().filename());
    return out;
  }
  [[nodiscard]] std::string content(const std::string& name) const {
    std::ifstream in(folder() / "new" / name, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
  [[nodiscard]] fs::path folder() const { return root_ / "mail"; }

  fs::path root_;
  boost::asio::thread_pool files_{2};
};

TEST_F(MaildirTest, AMessageBecomesOneFileThatNotesItsEnvelope) {
  MaildirTransport transport(folder(), files_);
  const Reply reply = send(transport, message("msg_1", "Subject: hi\r\n\r\n.dot\r\nlone\rcr\r\n\r\r\n"));
  EXPECT_EQ(reply.verdict, Verdict::accepted);
  EXPECT_EQ(reply.phase, Phase::write);
  EXPECT_TRUE(reply.fence_passed);
  EXPECT_EQ(reply.provider_message_id, "msg_1.countersign");
  EXPECT_THAT(names("new"), testing::ElementsAre("msg_1.countersign"));
  EXPECT_TRUE(names("tmp").empty());
  EXPECT_EQ(content("msg_1.countersign"),
            "Return-Path: <agent@here.example>\nDelivered-To: b@x.example\n"
            "X-Envelope-To: b@x.example\nX-Envelope-To: c@x.example\n"
            "Subject: hi\n\n.dot\nlone\rcr\n\r\n");
  struct stat facts{};
  ASSERT_EQ(::stat((folder() / "new" / "msg_1.countersign").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST_F(MaildirTest, ARepeatWritesNothingWhereverAReaderHasMovedTheMessage) {
  MaildirTransport transport(folder(), files_);
  EXPECT_EQ(send(transport, message("msg_1")).verdict, Verdict::accepted);
  EXPECT_EQ(send(transport, message("msg_1", "other bytes")).verdict, Verdict::accepted);
  EXPECT_THAT(content("msg_1.countersign"), testing::HasSubstr("Text"));
  EXPECT_THAT(names("new"), testing::SizeIs(1));
  fs::rename(folder() / "new" / "msg_1.countersign", folder() / "cur" / "msg_1.countersign:2,RS");
  EXPECT_EQ(send(transport, message("msg_1")).verdict, Verdict::accepted);
  EXPECT_TRUE(names("new").empty());
  EXPECT_EQ(send(transport, message("msg_11")).verdict, Verdict::accepted) << "another key";
  EXPECT_THAT(names("new"), testing::ElementsAre("msg_11.countersign"));
}

TEST_F(MaildirTest, BeforeTheFenceNothingIsInNewAndAtALostLeaseItStaysSo) {
  MaildirTransport transport(folder(), files_);
  std::vector<std::string> in_new_at_fence{"not asked"};
  std::size_t in_tmp_at_fence = 0;
  const Fence looking = [&]() -> boost::asio::awaitable<bool> {
    in_new_at_fence = names("new");
    in_tmp_at_fence = names("tmp").size();
    co_return false;
  };
  const Reply reply = send(transport, message("msg_1"), looking);
  EXPECT_EQ(reply.verdict, Verdict::lost_lease);
  EXPECT_FALSE(reply.fence_passed);
  EXPECT_TRUE(in_new_at_fence.empty());
  EXPECT_EQ(in_tmp_at_fence, 1U);
  EXPECT_TRUE(names("new").empty());
  EXPECT_TRUE(names("tmp").empty());
}

TEST_F(MaildirTest, WhatTheFenceThrowsPassesThroughAndNothingIsLeft) {
  MaildirTransport transport(folder(), files_);
  const Fence broken = []() -> boost::asio::awaitable<bool> {
    throw std::runtime_error("the database is away");
    co_return true;
  };
  EXPECT_THROW(send(transport, message("msg_1"), broken), std::runtime_error);
  EXPECT_TRUE(names("new").empty());
  EXPECT_TRUE(names("tmp").empty());
}

TEST_F(MaildirTest, TwoWorkersWithTheSameMessageLeaveOneFile) {
  MaildirTransport transport(folder(), files_);
  // The second attempt runs in the middle of the first one.
  const Fence overtaken = [&]() -> boost::asio::awaitable<bool> {
    HandOver second = message("msg_1", "second\r\n");
    Fence passes = always(true);
    const Reply reply = co_await transport.hand_over(std::move(second), std::move(passes));
    EXPECT_EQ(reply.verdict, Verdict::accepted);
    co_return true;
  };
  EXPECT_EQ(send(transport, message("msg_1", "first\r\n"), overtaken).verdict, Verdict::accepted);
  EXPECT_THAT(names("new"), testing::SizeIs(1));
  EXPECT_THAT(content("msg_1.countersign"), testing::EndsWith("second\n"));
}

TEST_F(MaildirTest, AFolderThatCannotBeWrittenIsNoFaultOfTheMessage) {
  MaildirTransport transport(folder(), files_);
  fs::remove_all(folder() / "tmp");
  std::ofstream(folder() / "tmp") << "not a folder";
  const Reply before = send(transport, message("msg_1"));
  EXPECT_EQ(before.verdict, Verdict::session_fault);
  EXPECT_FALSE(before.fence_passed);
  EXPECT_THAT(before.text, testing::HasSubstr("Not a directory"));
  fs::remove(folder() / "tmp");
  fs::create_directory(folder() / "tmp");
  const Fence sabotage = [&]() -> boost::asio::awaitable<bool> {
    fs::remove_all(folder() / "new");
    co_return true;
  };
  const Reply after = send(transport, message("msg_1"), sabotage);
  EXPECT_EQ(after.verdict, Verdict::session_fault);
  EXPECT_TRUE(after.fence_passed);
  EXPECT_THAT(after.text, testing::HasSubstr("cannot move the message to"));
}

// The limit on file sizes stands for a full disk: the write fails half-way, with a reason.
TEST_F(MaildirTest, ADiskThatTakesNoMoreIsNamedAndNothingHalfWrittenIsLeft) {
  MaildirTransport transport(folder(), files_);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{4096, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Reply reply = send(transport, message("msg_1", std::string(100'000, 'x')));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(reply.verdict, Verdict::session_fault);
  EXPECT_FALSE(reply.fence_passed);
  EXPECT_THAT(reply.text, testing::ContainsRegex("cannot write .*File too large"));
  EXPECT_TRUE(names("tmp").empty());
  EXPECT_TRUE(names("new").empty());
  EXPECT_EQ(send(transport, message("msg_1")).verdict, Verdict::accepted) << "once there is room again";
}

TEST_F(MaildirTest, KeysThatAreNoFileNamesGetOneThatIsAlwaysTheSame) {
  EXPECT_EQ(file_name("msg_0123abc"), "msg_0123abc.countersign");
  for (const std::string key : {"../../etc/passwd", "a:2,S", "a b", ".hidden", ""}) {
    const std::string name = file_name(key);
    EXPECT_EQ(name, file_name(key));
    EXPECT_THAT(name, testing::MatchesRegex("key-[0-9a-f]*\\.countersign"));
  }
  EXPECT_NE(file_name("a b"), file_name("a  b"));
  EXPECT_LT(file_name(std::string(10'000, 'x')).size(), 200U);
}

TEST_F(MaildirTest, HeaderLinesCannotBeAddedThroughTheEnvelope) {
  MaildirTransport transport(folder(), files_);
  HandOver evil = message("msg_1");
  evil.recipients = {"b@x.example\nSubject: forged"};
  EXPECT_EQ(send(transport, std::move(evil)).verdict, Verdict::accepted);
  EXPECT_THAT(content("msg_1.countersign"),
              testing::HasSubstr("X-Envelope-To: b@x.example?Subject: forged\n"));
}

TEST_F(MaildirTest, OldLeftoversOfInterruptedAttemptsAreClearedAway) {
  fs::create_directories(folder() / "tmp");
  for (const std::string name : {"msg_old.countersign.aa", "msg_young.countersign.bb", "foreign"}) {
    std::ofstream(folder() / "tmp" / name) << "x";
  }
  const auto long_ago = fs::file_time_type::clock::now() - std::chrono::hours(48);
  fs::last_write_time(folder() / "tmp" / "msg_old.countersign.aa", long_ago);
  fs::last_write_time(folder() / "tmp" / "foreign", long_ago);
  MaildirTransport transport(folder(), files_);
  EXPECT_THAT(names("tmp"), testing::UnorderedElementsAre("msg_young.countersign.bb", "foreign"));
}

TEST_F(MaildirTest, AFolderThatCannotBeMadeIsFoundAtOnce) {
  std::ofstream(folder()) << "a file";
  EXPECT_THROW(MaildirTransport(folder(), files_), EnvironmentError);
}

TEST_F(MaildirTest, AfterDrainNothingIsTaken) {
  MaildirTransport transport(folder(), files_);
  boost::asio::co_spawn(files_, transport.drain(), boost::asio::use_future).get();
  EXPECT_EQ(send(transport, message("msg_1")).verdict, Verdict::session_fault);
  EXPECT_TRUE(names("new").empty());
}

}  // namespace
}  // namespace countersign::provider::maildir
