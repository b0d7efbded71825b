#include "provider/receipts.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/fault.hpp"
#include "base/log.hpp"

namespace countersign::provider {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// Processes that share a data directory.
constexpr int kFilesMax = 64;
// Beyond this the file is written anew with what is outstanding.
constexpr std::size_t kBytesMax = 1024 * 1024;

constexpr std::array<std::string_view, 4> kVerdicts{"accepted", "refused", "deferred", "unknown"};

std::string_view name_of(outbox::Verdict verdict) { return kVerdicts.at(static_cast<std::size_t>(verdict)); }

outbox::Verdict verdict_of(std::string_view name) {
  const auto found = std::ranges::find(kVerdicts, name);
  if (found == kVerdicts.end()) throw std::runtime_error("not a verdict");
  return static_cast<outbox::Verdict>(found - kVerdicts.begin());
}

std::string text_of(const json::object& object, std::string_view key) {
  return std::string(object.at(key).as_string());
}

std::string line_of(const Receipt& receipt) {
  const outbox::Answer& answer = receipt.answer;
  json::array recipients;
  for (const outbox::RecipientAnswer& one : answer.recipients) {
    recipients.push_back(json::object{
        {"address", one.address}, {"verdict", name_of(one.verdict)}, {"code", one.code}, {"text", one.text}});
  }
  const json::object object{{"submission", receipt.claim.id.str()},
                            {"message", receipt.claim.message.str()},
                            {"user", receipt.claim.user.str()},
                            {"epoch", receipt.claim.epoch},
                            {"attempt", receipt.claim.attempt},
                            {"worker", receipt.worker},
                            {"not_taken", receipt.not_taken},
                            {"verdict", name_of(answer.verdict)},
                            {"phase", answer.phase},
                            {"code", answer.code},
                            {"text", answer.text},
                            {"provider", answer.provider},
                            {"provider_message_id", answer.provider_message_id},
                            {"feedback_expected", answer.feedback_expected},
                            {"recipients", std::move(recipients)}};
  return json::serialize(object) + "\n";
}

Receipt receipt_from(const json::object& object) {
  Receipt receipt;
  receipt.claim = {SubmissionId(text_of(object, "submission")), MessageId(text_of(object, "message")),
                   UserId(text_of(object, "user")), object.at("epoch").as_int64(),
                   object.at("attempt").as_int64()};
  receipt.worker = text_of(object, "worker");
  receipt.not_taken = object.at("not_taken").as_bool();
  outbox::Answer& answer = receipt.answer;
  answer.verdict = verdict_of(text_of(object, "verdict"));
  answer.phase = text_of(object, "phase");
  answer.code = static_cast<int>(object.at("code").as_int64());
  answer.text = text_of(object, "text");
  answer.provider = text_of(object, "provider");
  answer.provider_message_id = text_of(object, "provider_message_id");
  answer.feedback_expected = object.at("feedback_expected").as_bool();
  for (const json::value& value : object.at("recipients").as_array()) {
    const json::object& one = value.as_object();
    answer.recipients.push_back({text_of(one, "address"), verdict_of(text_of(one, "verdict")),
                                 static_cast<int>(one.at("code").as_int64()), text_of(one, "text")});
  }
  return receipt;
}

using Key = std::pair<SubmissionId, std::int64_t>;
Key key_of(const outbox::Claim& claim) { return {claim.id, claim.epoch}; }

struct Found {
  // Those of hand-overs that were settled meanwhile may be among them; a replay changes nothing for them.
  std::vector<Receipt> receipts;
  std::size_t bytes = 0;  // of whole lines: behind them a crash, or a full disk, cut one
};

Found read_receipts(const std::filesystem::path& path) {
  Found found;
  std::ifstream file(path, std::ios::binary);
  std::string line;
  while (std::getline(file, line) && !file.eof()) {
    found.bytes += line.size() + 1;
    try {
      found.receipts.push_back(receipt_from(json::parse(line).as_object()));
    } catch (const std::exception& error) {
      log::error("receipts.unreadable_line", {{"file", path.string()}, {"error", error.what()}});
    }
  }
  return found;
}

// Opens or creates the file and locks it; negative when a living process holds it.
int open_unheld(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    throw EnvironmentError(fmt::format("the file of receipts {} cannot be opened: {}; is data_dir writable?",
                                       path.string(), std::strerror(errno)),
                           false);
  }
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
  ::close(descriptor);
  return -1;
}

}  // namespace

class ReceiptFile::Impl : public std::enable_shared_from_this<ReceiptFile::Impl> {
 public:
  Impl(const std::filesystem::path& folder, asio::thread_pool& files) : files_(files) {
    for (int number = 0; number < kFilesMax; ++number) {
      const std::filesystem::path path = folder / fmt::format("receipts-{}", number);
      if (descriptor_ >= 0 && !std::filesystem::exists(path)) continue;
      const int descriptor = open_unheld(path);
      if (descriptor < 0) continue;
      if (descriptor_ < 0) {
        path_ = path;
        descriptor_ = descriptor;
        Found found = read_receipts(path);
        bytes_ = found.bytes;
        cut_to(found.bytes);  // what is written next begins a line
        take(std::move(found.receipts));
      } else {
        inherit(path, descriptor);
      }
    }
    if (descriptor_ < 0)
      throw EnvironmentError("no file of receipts can be opened in " + folder.string(), false);
  }
  ~Impl() { close(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] const std::vector<Receipt>& left_behind() const noexcept { return left_behind_; }

  // Behind the last write; the file is free for another process when this returns.
  void close() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return !flushing_; });
    if (descriptor_ < 0) return;
    if (outstanding_.empty() && ::ftruncate(descriptor_, 0) != 0) report("truncate");
    ::close(std::exchange(descriptor_, -1));
  }

  asio::awaitable<void> keep(Receipt receipt) {
    CS_FAULT("receipts.keep");
    std::string line = line_of(receipt);
    const Key key = key_of(receipt.claim);
    auto initiate = [self = shared_from_this(), &line, &key](auto handler) {
      auto executor = asio::get_associated_executor(handler);
      auto work = asio::prefer(executor, asio::execution::outstanding_work.tracked);
      auto shared = std::make_shared<decltype(handler)>(std::move(handler));
      self->enqueue(std::move(line), key,
                    [shared, work] { asio::post(work, [shared] { std::move (*shared)(); }); });
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(initiate, asio::use_awaitable);
    CS_FAULT("receipts.kept");
  }

  void settled(const outbox::Claim& claim) {
    const std::lock_guard lock(mutex_);
    outstanding_.erase(key_of(claim));
  }

 private:
  void take(std::vector<Receipt> receipts) {
    for (Receipt& receipt : receipts) {
      outstanding_.insert_or_assign(key_of(receipt.claim), line_of(receipt));
      left_behind_.push_back(std::move(receipt));
    }
  }

  // A dead process's file: into this one first, and then away with it. Where it does not get into this one,
  // it stays for the next start; what is replayed from it meanwhile changes nothing the second time.
  void inherit(const std::filesystem::path& path, int descriptor) {
    std::vector<Receipt> receipts = read_receipts(path).receipts;
    std::string lines;
    for (const Receipt& receipt : receipts) lines += line_of(receipt);
    const bool kept = append(lines);
    take(std::move(receipts));
    if (kept && ::unlink(path.c_str()) != 0) report("remove");
    ::close(descriptor);
  }

  void enqueue(std::string line, const Key& key, std::function<void()> done) {
    const std::lock_guard lock(mutex_);
    lines_ += line;
    outstanding_.insert_or_assign(key, std::move(line));
    waiting_.push_back(std::move(done));
    if (flushing_) return;
    flushing_ = true;
    asio::post(files_, [self = shared_from_this()] { self->flush(); });
  }

  // On a thread of files_, one at a time.
  void flush() {
    while (true) {
      std::string lines;
      std::string all;
      std::deque<std::function<void()>> waiting;
      {
        const std::lock_guard lock(mutex_);
        if (waiting_.empty()) {
          flushing_ = false;
          idle_.notify_all();
          return;
        }
        lines.swap(lines_);
        waiting.swap(waiting_);
        // Most of what the file holds is history: only what is outstanding goes on.
        if (outstanding_.size() <= waiting.size() || bytes_ > kBytesMax) {
          for (const auto& [key, line] : outstanding_) all += line;
        }
      }
      if (all.empty()) {
        append(lines);
      } else {
        replace(all);
      }
      for (const auto& done : waiting) done();
    }
  }

  // False: these lines are not, or may not be, on the disk.
  bool append(const std::string& lines) {
    const off_t end = ::lseek(descriptor_, 0, SEEK_END);
    if (!write_all(descriptor_, lines)) {
      report("write");
      // The next line would become a part of one that is not whole.
      if (end >= 0) cut_to(static_cast<std::size_t>(end));
      return false;
    }
    bytes_ += lines.size();
    if (::fdatasync(descriptor_) == 0) return true;
    report("sync");
    return false;
  }

  void cut_to(std::size_t bytes) {
    if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) report("truncate");
  }

  // In place when what it held is settled and may vanish; through a second file when it may not.
  void replace(const std::string& lines) {
    if (bytes_ <= kBytesMax) {
      cut_to(0);
      bytes_ = 0;
      append(lines);
      return;
    }
    const std::string next = path_.string() + ".new";
    const int descriptor = ::open(next.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (descriptor < 0) {
      report("open");
      append(lines);
      return;
    }
    const bool kept = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && write_all(descriptor, lines) &&
                      ::fdatasync(descriptor) == 0 && ::rename(next.c_str(), path_.c_str()) == 0;
    if (!kept) {
      report("replace");
      ::close(descriptor);
      append(lines);
      return;
    }
    sync_folder();
    ::close(std::exchange(descriptor_, descriptor));
    bytes_ = lines.size();
  }

  void sync_folder() {
    const int folder = ::open(path_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || ::fsync(folder) != 0) report("sync folder");
    if (folder >= 0) ::close(folder);
  }

  void report(std::string_view what) {
    log::error("receipts.disk_failed",
               {{"file", path_.string()}, {"operation", what}, {"error", std::strerror(errno)}});
  }

  std::filesystem::path path_;
  asio::thread_pool& files_;
  int descriptor_ = -1;
  std::vector<Receipt> left_behind_;
  std::mutex mutex_;
  std::map<Key, std::string> outstanding_;  // with their lines
  std::size_t bytes_ = 0;                   // of the file; written by the flushing thread only
  std::string lines_;
  std::deque<std::function<void()>> waiting_;
  bool flushing_ = false;
  std::condition_variable idle_;
};

ReceiptFile::ReceiptFile(const std::filesystem::path& folder, asio::thread_pool& files)
    : impl_(std::make_shared<Impl>(folder, files)) {}
ReceiptFile::~ReceiptFile() { impl_->close(); }

const std::vector<Receipt>& ReceiptFile::left_behind() const noexcept { return impl_->left_behind(); }
asio::awaitable<void> ReceiptFile::keep(Receipt receipt) { return impl_->keep(std::move(receipt)); }
void ReceiptFile::settled(const outbox::Claim& claim) { impl_->settled(claim); }

}  // namespace countersign::provider
