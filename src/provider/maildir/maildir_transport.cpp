#include "provider/maildir/maildir_transport.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/assert.hpp"
#include "base/fault.hpp"
#include "base/id.hpp"
#include "provider/maildir/maildir.hpp"

namespace asio = boost::asio;

namespace countersign::provider::maildir {
namespace {

// An address as it may stand in a header line; the envelope is not trusted to be one.
std::string header_text(std::string_view address) {
  std::string out(address);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

std::string file_content(const HandOver& message) {
  std::string out = "Return-Path: <" + header_text(message.envelope_from) + ">\n";
  out += "Delivered-To: " + header_text(message.recipients.front()) + "\n";
  for (const std::string& recipient : message.recipients) {
    out += "X-Envelope-To: " + header_text(recipient) + "\n";
  }
  const std::string& raw = *message.raw;
  out.reserve(out.size() + raw.size() + 1);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const bool line_end = raw[i] == '\r' && i + 1 < raw.size() && raw[i + 1] == '\n';
    if (!line_end) out += raw[i];
  }
  return out;
}

// A folder that cannot be written is no fault of the message: everything waits, nothing loses an attempt.
Reply unwritable(const FileFault& fault, bool fence_passed) {
  Reply reply;
  reply.verdict = Verdict::session_fault;
  reply.scope = Scope::session;
  reply.phase = Phase::write;
  reply.text = fault.text.substr(0, kReplyTextBytesMax);
  reply.fence_passed = fence_passed;
  return reply;
}

// A file in tmp/ for as long as it is needed there.
class TmpFile {
 public:
  TmpFile(const Maildir& maildir, std::string name) : maildir_(maildir), name_(std::move(name)) {}
  ~TmpFile() { maildir_.discard_tmp(name_); }
  TmpFile(const TmpFile&) = delete;
  TmpFile& operator=(const TmpFile&) = delete;
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  const Maildir& maildir_;
  std::string name_;
};

// Runs on the file threads.
asio::awaitable<Reply> deliver(std::shared_ptr<const Maildir> maildir, HandOver message, Fence fence) {
  const std::string name = file_name(message.key);
  const bool already = message.may_be_repeated && maildir->holds(name);
  // Another worker, whose lease this one has lost, may be writing the same message: the name is nobody
  // else's.
  const TmpFile tmp(*maildir, name + "." + random_hex(16));
  if (!already) {
    const auto written = maildir->write_tmp(tmp.name(), file_content(message));
    if (!written) co_return unwritable(written.error(), false);
  }
  CS_FAULT("maildir.tmp_written");
  const bool ours = co_await fence();
  Reply reply;
  reply.scope = Scope::message;
  reply.phase = Phase::write;
  if (!ours) {
    reply.verdict = Verdict::lost_lease;
    reply.text = "the lease was lost before the message was moved to new/";
    co_return reply;
  }
  CS_FAULT("maildir.fence_passed");
  reply.fence_passed = true;
  if (!already) {
    const auto published = maildir->publish(tmp.name(), name);
    if (!published) co_return unwritable(published.error(), true);
  }
  CS_FAULT("maildir.published");
  reply.provider_message_id = name;
  const auto synced = maildir->sync_new();
  reply.verdict = synced ? Verdict::accepted : Verdict::unknown;  // there, but perhaps not after a power cut
  reply.text = synced ? "written to new/" + name : synced.error().text;
  co_return reply;
}

}  // namespace

MaildirTransport::MaildirTransport(std::filesystem::path folder, asio::thread_pool& files)
    : maildir_(std::make_shared<const Maildir>(std::move(folder))), files_(files) {}

MaildirTransport::~MaildirTransport() = default;

asio::awaitable<Reply> MaildirTransport::hand_over(HandOver message, Fence fence) {
  CS_ASSERT(message.raw && !message.recipients.empty() && !message.key.empty() && fence);
  if (closing_) {
    Reply closed;
    closed.phase = Phase::write;
    closed.text = "not handed over: shutting down";
    co_return closed;
  }
  auto work = deliver(maildir_, std::move(message), std::move(fence));
  co_return co_await asio::co_spawn(files_, std::move(work), asio::use_awaitable);
}

asio::awaitable<void> MaildirTransport::drain() {
  closing_ = true;
  co_return;
}

}  // namespace countersign::provider::maildir
