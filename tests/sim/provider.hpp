// The provider at the other end: what it will answer, and what it really took.
//
// It lives in the world, not in a node: bytes that left a node that dies are taken or not all the same.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "provider/transport.hpp"
#include "sim/surroundings.hpp"

namespace countersign::sim {

/// What one recipient of a message really got.
struct Received {
  int copies = 0;
  int refusals = 0;  // definite and permanent answers that concerned it
  std::string subject;
};

/// What is known of one hand-over, for the judgement.
struct HandedOver {
  std::string submission;
  std::string message;
  Owner owner = kWorld;
  bool asked_fence = false;
  bool passed_fence = false;
  bool over = false;         // the node has the reply
  bool reply_lost = false;   // it never will
  bool holder_died = false;  // before it can be sure to have recorded the reply
  provider::Verdict verdict = provider::Verdict::unknown;
  Duration ended_at{0};
};

/// How a hand-over will go, drawn when it begins.
struct Plan {
  enum class End : std::uint8_t {
    accept,
    refuse,
    defer,
    closing,  // 421 to the final dot: definite, not taken
    lost,     // the connection breaks after the last byte
    hang,     // silence until the timer of the final dot
  };
  enum class Early : std::uint8_t { none, session, refuse, defer };

  Early early = Early::none;
  provider::Phase early_phase = provider::Phase::connect;
  std::vector<provider::RecipientReply> recipients;  // refused or deferred at RCPT
  End end = End::accept;
  bool lies = false;      // it takes the message, and it comes back later
  bool takes = true;      // for `lost` and `hang`: whether it had taken the message
  Duration dialogue{0};   // until the fence
  Duration travel{0};     // of the last byte
  Duration answering{0};  // from the last byte's arrival to the reply's
};

/// What a provider took: submission, message, recipients, and whether it will come back.
using TakenHook =
    std::function<void(const std::string&, const std::string&, const std::vector<std::string>&, bool)>;

class Provider {
 public:
  Provider(Surroundings& surroundings, provider::TransportClass transport_class)
      : surroundings_(surroundings), class_(transport_class) {}

  [[nodiscard]] provider::TransportClass transport_class() const noexcept { return class_; }
  [[nodiscard]] Plan plan(const provider::HandOver& message);
  void set_down(bool down) { down_ = down; }
  [[nodiscard]] bool down() const noexcept { return down_; }

  /// Called for everything it takes.
  void on_taken(TakenHook hook) { taken_ = std::move(hook); }
  /// Notes that a hand-over begins; the reference stays valid.
  HandedOver& begin(const provider::HandOver& message, Owner owner);
  /// The last byte leaves towards `recipients`; it arrives after the plan's travel.
  void last_byte(const provider::HandOver& message, const Plan& plan, std::vector<std::string> recipients);
  /// A definite refusal of these recipients was given.
  void note_refusal(const std::string& message, const std::vector<std::string>& recipients);
  void note_deferral(const std::string& message) { ++deferrals_[message]; }
  /// Everything `owner` was at is in doubt now.
  void holder_died(Owner owner);

  [[nodiscard]] const std::map<std::pair<std::string, std::string>, Received>& received() const {
    return received_;
  }
  [[nodiscard]] const std::vector<std::unique_ptr<HandedOver>>& hand_overs() const { return hand_overs_; }
  [[nodiscard]] int deferrals(const std::string& message) const;
  /// Hand-overs that a living node waits for.
  [[nodiscard]] bool under_way() const;

 private:
  void take(const provider::HandOver& message, const std::vector<std::string>& recipients, bool lies);
  void draw_recipients(Plan& plan, const provider::HandOver& message);
  void draw_end(Plan& plan, bool known);

  Surroundings& surroundings_;
  provider::TransportClass class_;
  bool down_ = false;
  TakenHook taken_;
  std::map<std::pair<std::string, std::string>, Received> received_;  // by message and recipient
  std::map<std::string, int> deferrals_;
  std::map<std::string, bool> known_keys_;
  std::vector<std::unique_ptr<HandedOver>> hand_overs_;
};

}  // namespace countersign::sim
