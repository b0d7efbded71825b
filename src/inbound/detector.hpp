// A second opinion on content: an outside model behind an OpenAI-compatible endpoint. What it answers is as
// little trusted as the mail it has read: a number, known category names and a short text are taken, nothing
// is done on its word, and silence or nonsense sends the message to a person.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <string>

#include "base/time.hpp"
#include "net/http_client.hpp"
#include "screen/screen.hpp"

namespace countersign::inbound {

/// What becomes of a message about which there is no usable answer.
enum class WithoutAnswer : std::uint8_t {
  review,  // the report is undecided: a person looks at it where screening is on
  ignore,  // the rules decide alone
};

struct DetectorOptions {
  std::string url;       // the API's base, such as https://host/v1; https unless it is a loopback address
  std::string model;     // also the name shown to reviewers
  std::string key;       // bearer token, "" for none
  std::string key_file;  // read at every question instead, when it is given
  std::string ca_file;
  std::chrono::milliseconds timeout{10'000};
  std::size_t content_bytes_max = 32 * 1024;  // of text; the beginning and the end of a longer one are sent
  WithoutAnswer without_answer = WithoutAnswer::review;
};

/// Code of the finding that stands for a missing answer.
inline constexpr std::string_view kDetectorUnavailable = "detector.unavailable";
inline constexpr std::string_view kDetectorFinding = "detector.finding";

/// Failures in a row after which nobody is asked for kDetectorPause, so that mail does not queue up behind a
/// detector that is away; then one question tries again.
inline constexpr int kDetectorFailuresMax = 5;
inline constexpr std::chrono::seconds kDetectorPause{30};

class Detector {
 public:
  /// The references must outlive it. Throws EnvironmentError when the options cannot work.
  Detector(net::HttpClient& client, const Clock& clock, DetectorOptions options);

  /// What is sent about a message. Pure, on any thread.
  [[nodiscard]] std::string question(const screen::Content& content) const;

  /// Asks once and adds what it says to the report: one finding per category, or kDetectorUnavailable. Never
  /// lowers a score, never throws for what the detector or the network does, ends within the timeout. Called
  /// from one strand.
  [[nodiscard]] boost::asio::awaitable<void> ask(std::string question, screen::Report& report);

  [[nodiscard]] const std::string& name() const noexcept { return options_.model; }

 private:
  [[nodiscard]] net::HttpRequest request(std::string question, const std::string& key) const;
  /// Why there is no answer; "" when the report has one.
  [[nodiscard]] boost::asio::awaitable<std::string> answer(std::string question, screen::Report& report);
  [[nodiscard]] bool may_ask();
  void note(bool answered);

  net::HttpClient& client_;
  const Clock& clock_;
  DetectorOptions options_;
  int failures_ = 0;
  UtcTime paused_until_{};
};

}  // namespace countersign::inbound
