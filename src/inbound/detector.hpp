// A second opinion on content: an outside model behind an OpenAI-compatible endpoint. What it answers is as
// little trusted as the mail it has read: a number, known category names and a short text are taken, nothing
// is done on its word, and silence or nonsense sends the message to a person.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

#include "net/http_client.hpp"
#include "screen/screen.hpp"

namespace countersign::inbound {

struct DetectorOptions {
  std::string url;    // the API's base, such as https://host/v1; https unless it is a loopback address
  std::string model;  // also the name shown to reviewers
  std::string key;    // bearer token, "" for none
  std::string ca_file;
  std::chrono::milliseconds timeout{15'000};
  std::size_t content_bytes_max = 32 * 1024;  // of text; the beginning and the end of a longer one are sent
};

/// Code of the finding that stands for a missing answer, which leaves the report undecided.
inline constexpr std::string_view kDetectorUnavailable = "detector.unavailable";
inline constexpr std::string_view kDetectorFinding = "detector.finding";

class Detector {
 public:
  /// Throws EnvironmentError when the options cannot work.
  Detector(net::HttpClient& client, DetectorOptions options);

  /// Asks once and adds what it says to the report: one finding per category, or kDetectorUnavailable. Never
  /// lowers a score.
  [[nodiscard]] boost::asio::awaitable<void> ask(const screen::Content& content, screen::Report& report);

  [[nodiscard]] const std::string& name() const noexcept { return options_.model; }

 private:
  [[nodiscard]] net::HttpRequest request(const screen::Content& content) const;

  net::HttpClient& client_;
  DetectorOptions options_;
};

}  // namespace countersign::inbound
