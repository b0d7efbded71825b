// Mail that would leave, written as files: the embedded default when no relay is configured.
//
// Class keyed: the file's name derives from the message's key, so that a repeat finds what an earlier attempt
// left and writes nothing.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "provider/transport.hpp"

namespace countersign::provider::maildir {

class Maildir;

/// One Maildir (https://cr.yp.to/proto/maildir.html) for everything. A message is one file, whatever the
/// number of its recipients; Return-Path, Delivered-To and X-Envelope-To in front of it say what the envelope
/// said. Lines end in LF, as in every Maildir; otherwise the bytes are the message's own. File I/O happens on
/// `files`; the fence is awaited there too. tmp/ is written and synced before the fence, the link into new/
/// is the step behind it, and the folder is synced before the reply.
class MaildirTransport final : public Transport {
 public:
  /// Creates <folder>/{tmp,new,cur} when missing (mode 0700). Throws EnvironmentError when that is
  /// impossible. `files` must outlive every hand_over.
  MaildirTransport(std::filesystem::path folder, boost::asio::thread_pool& files);
  ~MaildirTransport() override;
  MaildirTransport(const MaildirTransport&) = delete;
  MaildirTransport& operator=(const MaildirTransport&) = delete;

  /// provider_message_id of an accepted message is its file name in new/.
  [[nodiscard]] boost::asio::awaitable<Reply> hand_over(HandOver message, Fence fence) override;
  [[nodiscard]] boost::asio::awaitable<void> drain() override;
  [[nodiscard]] std::string_view name() const noexcept override { return "maildir"; }
  [[nodiscard]] TransportClass transport_class() const noexcept override { return TransportClass::keyed; }
  /// The file stays where it is until its owner moves it.
  [[nodiscard]] std::chrono::seconds repeat_window() const noexcept override {
    return std::chrono::hours(24 * 365);
  }

 private:
  std::shared_ptr<const Maildir> maildir_;
  boost::asio::thread_pool& files_;
  std::atomic<bool> closing_ = false;
};

}  // namespace countersign::provider::maildir
