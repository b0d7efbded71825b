// Settings of what protects agents: screening, the detector, and what breaks loops.
#include <array>

#include "daemon/setting_rows.hpp"

namespace countersign::daemon {
namespace {

constexpr std::array<std::string_view, 2> kDetectorFailures{"review", "ignore"};

}  // namespace

std::vector<Setting> protection_settings() {
  return {
      flag("screening.enabled", true,
           "Screen the content of mail, both ways, for agents whose protection asks for it.",
           [](Config& c, bool v) { c.screening.enabled = v; }),
      text("screening.detector_url", "",
           "Base of an OpenAI-compatible API that is asked for a second opinion about received mail, such as "
           "`https://host/v1`. Mail of agents that ask for screening is sent there. Empty: nobody is asked.",
           check_endpoint, [](Config& c, const std::string& v) { c.screening.detector_url = v; }),
      text("screening.detector_model", "", "The model that is asked; reviewers see its name.", check_any,
           [](Config& c, const std::string& v) { c.screening.detector_model = v; }),
      shown(Shown::hidden, text("screening.detector_api_key", "",
                                "Its API key (bearer token); empty: none is sent.", check_header_value,
                                [](Config& c, const std::string& v) { c.screening.detector_api_key = v; })),
      text("screening.detector_api_key_file", "",
           "A file that holds the key instead; a final newline is dropped. It is read again at every "
           "question.",
           check_any, [](Config& c, const std::string& v) { c.screening.detector_api_key_file = v; }),
      else_is(
          "the system's",
          text("screening.detector_ca_file", "", "Authorities that may have signed its certificate (PEM).",
               check_any, [](Config& c, const std::string& v) { c.screening.detector_ca_file = v; })),
      number("screening.detector_timeout_ms", 10'000, {100, 300'000},
             "For the whole question and its answer; at most half of `inbound.lease_seconds`.",
             [](Config& c, std::int64_t v) { c.screening.detector_timeout = std::chrono::milliseconds(v); }),
      number("screening.detector_bytes_max", 32 * 1024, {1024, 1024 * 1024},
             "Bytes of each body that are sent: the beginning and the end of a longer one.",
             [](Config& c, std::int64_t v) { c.screening.detector_bytes_max = static_cast<std::size_t>(v); }),
      choice(
          "screening.detector_failure", kDetectorFailures, 0,
          "Without a usable answer the message goes to a person, or the rules decide alone.",
          [](Config& c, std::int64_t v) { c.screening.detector_failure = static_cast<DetectorFailure>(v); }),
      number("loops.window_seconds", 600, {10, 86'400},
             "How far back the replies of an agent to one address are counted.",
             [](Config& c, std::int64_t v) { c.loops.window = std::chrono::seconds(v); }),
      number("loops.replies_max", 30, {1, 100'000},
             "Replies of an agent to one address in that time; the next goes to a person, those behind it "
             "are answered 429.",
             [](Config& c, std::int64_t v) { c.loops.replies_max = v; }),
      number("loops.automatic_replies_max", 3, {0, 100'000},
             "Of these, replies to mail that machines wrote (Auto-Submitted, mailing lists).",
             [](Config& c, std::int64_t v) { c.loops.automatic_replies_max = v; }),
  };
}

}  // namespace countersign::daemon
