#include "sim/provider.hpp"

#include <algorithm>

namespace countersign::sim {
namespace {

using provider::HandOver;
using provider::Phase;
using provider::RecipientReply;
using provider::TransportClass;
using provider::Verdict;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// RFC 5321 §4.5.3.2.6: ten minutes for the answer to the final dot.
constexpr minutes kFinalDotMax{10};
// A worker is sure to have recorded an answer after this, however long it or the store stood still.
constexpr std::chrono::hours kRecordedAfter{3};

std::string subject_of(std::string_view raw) {
  constexpr std::string_view kHeader = "\r\nSubject: ";
  const std::size_t begin = raw.find(kHeader);
  if (begin == std::string_view::npos) return {};
  const std::size_t from = begin + kHeader.size();
  return std::string(raw.substr(from, raw.find("\r\n", from) - from));
}

}  // namespace

Plan Provider::plan(const HandOver& message) {
  Random& random = surroundings_.random;
  const ProviderFaults& faults = surroundings_.faults.provider;
  Plan plan;
  plan.dialogue = random.between(microseconds(200), milliseconds(20));
  plan.travel = random.between(microseconds(100), milliseconds(5));
  plan.answering = random.between(microseconds(100), milliseconds(20));
  if (down_ || random.chance(faults.session)) {
    constexpr Phase kPhases[] = {Phase::connect, Phase::tls,  Phase::greeting,
                                 Phase::hello,   Phase::auth, Phase::mail};
    plan.early = Plan::Early::session;
    plan.early_phase = kPhases[random.below(std::size(kPhases))];
    return plan;
  }
  // A key is looked up before anything else is judged.
  const bool known = class_ == TransportClass::keyed && known_keys_.contains(message.key);
  if (!known && random.chance(faults.message)) {
    plan.early = random.chance(500) ? Plan::Early::refuse : Plan::Early::defer;
    plan.early_phase = random.chance(500) ? Phase::mail : Phase::data;
    return plan;
  }
  draw_recipients(plan, message);
  draw_end(plan, known);
  return plan;
}

void Provider::draw_recipients(Plan& plan, const HandOver& message) {
  // HTTP APIs, which are what has keys and sends events, answer for the message as a whole.
  if (class_ != TransportClass::plain) return;
  Random& random = surroundings_.random;
  for (const std::string& address : message.recipients) {
    if (!random.chance(surroundings_.faults.provider.recipient)) continue;
    const bool refused = random.chance(500);
    plan.recipients.push_back({address, refused ? Verdict::refused : Verdict::deferred, refused ? 550 : 450,
                               "", refused ? "no such user" : "greylisted"});
  }
}

void Provider::draw_end(Plan& plan, bool known) {
  Random& random = surroundings_.random;
  const ProviderFaults& faults = surroundings_.faults.provider;
  plan.lies = random.chance(faults.lie);
  if (random.chance(faults.slow)) plan.answering = random.spread(seconds(1), minutes(9));
  if (random.chance(faults.lost_reply)) {
    plan.end = Plan::End::lost;
    plan.takes = random.chance(500);
  } else if (random.chance(faults.hang)) {
    plan.end = Plan::End::hang;
    plan.takes = random.chance(500);
    plan.answering = kFinalDotMax;
  } else if (random.chance(faults.closing)) {
    plan.end = Plan::End::closing;
  } else if (!known && random.chance(faults.message)) {
    plan.end = random.chance(500) ? Plan::End::refuse : Plan::End::defer;
  }
}

HandedOver& Provider::begin(const HandOver& message, Owner owner) {
  auto entry = std::make_unique<HandedOver>();
  entry->submission = message.submission;
  entry->message = message.message_id;
  entry->owner = owner;
  return *hand_overs_.emplace_back(std::move(entry));
}

void Provider::last_byte(const HandOver& message, const Plan& plan, std::vector<std::string> recipients) {
  const bool taken = plan.end == Plan::End::accept ||
                     ((plan.end == Plan::End::lost || plan.end == Plan::End::hang) && plan.takes);
  if (!taken) return;
  auto arrive = [this, message, recipients = std::move(recipients), lies = plan.lies] {
    take(message, recipients, lies);
  };
  surroundings_.time.after(plan.travel, kWorld, std::move(arrive));
}

void Provider::take(const HandOver& message, const std::vector<std::string>& recipients, bool lies) {
  if (class_ == TransportClass::keyed && !known_keys_.emplace(message.key, true).second) {
    surroundings_.trace.note(surroundings_.time.now(), "provider: knows {} already", message.key);
    return;
  }
  const std::string subject = subject_of(*message.raw);
  for (const std::string& address : recipients) {
    Received& received = received_[{message.message_id, address}];
    ++received.copies;
    received.subject = subject;
    surroundings_.trace.note(surroundings_.time.now(), "provider: takes {} for {}, copy {}: {}",
                             message.message_id, address, received.copies, subject);
  }
  if (taken_) taken_(message.submission, message.message_id, recipients, lies);
}

void Provider::note_refusal(const std::string& message, const std::vector<std::string>& recipients) {
  for (const std::string& address : recipients) ++received_[{message, address}].refusals;
}

void Provider::holder_died(Owner owner) {
  const Duration now = surroundings_.time.now();
  for (const auto& entry : hand_overs_) {
    if (entry->owner != owner || !entry->asked_fence) continue;
    if (!entry->over || entry->ended_at + kRecordedAfter > now) entry->holder_died = true;
    entry->over = true;
  }
}

int Provider::deferrals(const std::string& message) const {
  const auto found = deferrals_.find(message);
  return found == deferrals_.end() ? 0 : found->second;
}

bool Provider::under_way() const {
  return std::ranges::any_of(hand_overs_, [](const auto& entry) { return !entry->over; });
}

}  // namespace countersign::sim
