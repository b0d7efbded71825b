// The file of receipts: what a process knew survives it, and nothing else does.
#include "provider/receipts.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <csignal>
#include <fstream>

#include "support/temporary_directory.hpp"

namespace countersign::provider {
namespace {

namespace asio = boost::asio;
using testing::ElementsAre;
using testing::IsEmpty;

/// While it lives, no file of this process grows beyond this: what would go further is written in part, and
/// then not at all, as on a full disk (setrlimit(2), RLIMIT_FSIZE).
class FullDisk {
 public:
  explicit FullDisk(std::size_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

class ReceiptsTest : public testing::Test {
 protected:
  static Receipt receipt(int number) {
    Receipt receipt;
    receipt.claim = {SubmissionId(fmt::format("sub_{}", number)), MessageId("msg_1"), UserId("u"), 3, 2};
    receipt.worker = "node_1";
    receipt.answer.verdict = outbox::Verdict::accepted;
    receipt.answer.phase = "final_dot";
    receipt.answer.code = 250;
    receipt.answer.text = "Ok: \"queued\" as 4X\nZ";
    receipt.answer.provider = "smtp";
    receipt.answer.provider_message_id = "4X";
    receipt.answer.feedback_expected = true;
    receipt.answer.recipients = {{"gone@x.example", outbox::Verdict::refused, 550, "no such user"}};
    return receipt;
  }
  /// Keeps these together and returns when they are on disk.
  void keep(ReceiptFile& file, const std::vector<Receipt>& receipts) {
    asio::io_context io;
    for (const Receipt& one : receipts) {
      asio::co_spawn(io, file.keep(one), [](const std::exception_ptr& error) { EXPECT_EQ(error, nullptr); });
    }
    io.run();
  }
  /// Receipts of 100 KB, each settled before the next.
  void keep_and_settle_large(ReceiptFile& file, int count) {
    Receipt large = receipt(1);
    large.answer.text = std::string(100'000, 'x');
    for (int i = 1; i <= count; ++i) {
      large.claim.id = SubmissionId(fmt::format("sub_{}", i));
      keep(file, {large});
      file.settled(large.claim);
    }
  }
  static std::vector<std::string> ids(const ReceiptFile& file) {
    std::vector<std::string> out;
    for (const Receipt& one : file.left_behind()) out.push_back(one.claim.id.str());
    return out;
  }
  /// A process that keeps these and dies.
  void leave_behind(const std::vector<Receipt>& receipts) {
    ReceiptFile file(folder_.path(), files_);
    keep(file, receipts);
  }
  [[nodiscard]] std::filesystem::path first() const { return folder_.path() / "receipts-0"; }

  test::TemporaryDirectory folder_;
  asio::thread_pool files_{1};
};

TEST_F(ReceiptsTest, WhatWasKeptAndNotSettledIsThereForTheNextProcessWordForWord) {
  leave_behind({receipt(1)});
  const ReceiptFile next(folder_.path(), files_);
  ASSERT_THAT(ids(next), ElementsAre("sub_1"));
  const Receipt& found = next.left_behind().front();
  const Receipt expected = receipt(1);
  EXPECT_EQ(found.claim.epoch, expected.claim.epoch);
  EXPECT_EQ(found.claim.attempt, expected.claim.attempt);
  EXPECT_EQ(found.worker, expected.worker);
  EXPECT_EQ(found.answer.verdict, expected.answer.verdict);
  EXPECT_EQ(found.answer.text, expected.answer.text);
  EXPECT_EQ(found.answer.code, 250);
  EXPECT_EQ(found.answer.provider_message_id, "4X");
  EXPECT_TRUE(found.answer.feedback_expected);
  ASSERT_EQ(found.answer.recipients.size(), 1U);
  EXPECT_EQ(found.answer.recipients.front().address, "gone@x.example");
  EXPECT_EQ(found.answer.recipients.front().verdict, outbox::Verdict::refused);
}

TEST_F(ReceiptsTest, WhatIsSettledIsNotReplayed) {
  {
    ReceiptFile file(folder_.path(), files_);
    keep(file, {receipt(1)});
    file.settled(receipt(1).claim);
  }
  EXPECT_THAT(ids(ReceiptFile(folder_.path(), files_)), IsEmpty());
  EXPECT_EQ(std::filesystem::file_size(first()), 0U);
}

TEST_F(ReceiptsTest, ManyThatComeTogetherAreAllKept) {
  std::vector<Receipt> receipts;
  for (int i = 0; i < 100; ++i) receipts.push_back(receipt(i));
  leave_behind(receipts);
  EXPECT_EQ(ids(ReceiptFile(folder_.path(), files_)).size(), 100U);
}

TEST_F(ReceiptsTest, AReceiptThatIsReplayedAndNotSettledSurvivesTheNextCrashToo) {
  leave_behind({receipt(1)});
  leave_behind({receipt(2)});
  EXPECT_THAT(ids(ReceiptFile(folder_.path(), files_)), ElementsAre("sub_1", "sub_2"));
}

TEST_F(ReceiptsTest, ALineThatACrashCutWasNeverReliedUpon) {
  leave_behind({receipt(1), receipt(2)});
  std::filesystem::resize_file(first(), std::filesystem::file_size(first()) - 7);
  EXPECT_THAT(ids(ReceiptFile(folder_.path(), files_)), ElementsAre("sub_1"));
}

TEST_F(ReceiptsTest, BehindALineThatACrashCutTheNextOneIsWhole) {
  leave_behind({receipt(1), receipt(2)});
  std::filesystem::resize_file(first(), std::filesystem::file_size(first()) - 7);
  leave_behind({receipt(3)});
  EXPECT_THAT(ids(ReceiptFile(folder_.path(), files_)), ElementsAre("sub_1", "sub_3"));
}

TEST_F(ReceiptsTest, BehindALineForWhichTheDiskHadNoRoomTheNextOneIsWhole) {
  {
    ReceiptFile file(folder_.path(), files_);
    keep(file, {receipt(1)});
    {
      const FullDisk full(std::filesystem::file_size(first()) + 10);
      keep(file, {receipt(2)});
    }
    keep(file, {receipt(3)});
  }
  EXPECT_THAT(ids(ReceiptFile(folder_.path(), files_)), ElementsAre("sub_1", "sub_3"));
}

TEST_F(ReceiptsTest, WhatADeadProcessLeftStaysWhereItIsWhileItCannotBeTakenOver) {
  {
    ReceiptFile one(folder_.path(), files_);
    ReceiptFile two(folder_.path(), files_);
    keep(one, {receipt(1)});
    keep(two, {receipt(2)});
  }
  {
    const FullDisk full(std::filesystem::file_size(first()) + 10);
    EXPECT_THAT(ids(ReceiptFile(folder_.path(), files_)), ElementsAre("sub_1", "sub_2"));
  }
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "receipts-1"));
  EXPECT_THAT(ids(ReceiptFile(folder_.path(), files_)), ElementsAre("sub_1", "sub_2"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "receipts-1"));
}

TEST_F(ReceiptsTest, ALineThatIsNoReceiptDoesNotHideTheOthers) {
  leave_behind({receipt(1)});
  std::ofstream(first(), std::ios::app) << "what is this?\n{}\n";
  EXPECT_THAT(ids(ReceiptFile(folder_.path(), files_)), ElementsAre("sub_1"));
}

TEST_F(ReceiptsTest, TwoProcessesInOneFolderHaveAFileEach) {
  ReceiptFile one(folder_.path(), files_);
  ReceiptFile two(folder_.path(), files_);
  keep(one, {receipt(1)});
  keep(two, {receipt(2)});
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "receipts-1"));
}

TEST_F(ReceiptsTest, OneProcessTakesOverWhatSeveralDeadOnesLeft) {
  {
    ReceiptFile one(folder_.path(), files_);
    ReceiptFile two(folder_.path(), files_);
    keep(one, {receipt(1)});
    keep(two, {receipt(2)});
  }
  EXPECT_THAT(ids(ReceiptFile(folder_.path(), files_)), ElementsAre("sub_1", "sub_2"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "receipts-1"));
  EXPECT_THAT(ids(ReceiptFile(folder_.path(), files_)), ElementsAre("sub_1", "sub_2"));
}

TEST_F(ReceiptsTest, TheFileDoesNotGrowWithWhatIsSettledWhileOthersAreOutstanding) {
  ReceiptFile file(folder_.path(), files_);
  keep(file, {receipt(0)});
  keep_and_settle_large(file, 39);
  EXPECT_LT(std::filesystem::file_size(first()), 1'500'000U);
}

TEST_F(ReceiptsTest, WhatIsOutstandingSurvivesTheFileBeingWrittenAnew) {
  {
    ReceiptFile file(folder_.path(), files_);
    keep(file, {receipt(0)});
    keep_and_settle_large(file, 14);
  }
  EXPECT_THAT(ids(ReceiptFile(folder_.path(), files_)), testing::Contains("sub_0"));
}

}  // namespace
}  // namespace countersign::provider
