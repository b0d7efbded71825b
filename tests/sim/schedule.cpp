#include "sim/schedule.hpp"

#include <algorithm>

#include "sim/actors.hpp"
#include "sim/notifier.hpp"

namespace countersign::sim {
namespace {

using provider::TransportClass;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using store::Query;

constexpr Query kOpen{
    "sim.open",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM submissions WHERE state IN ('queued', 'claimed', 'handover')) OR "
    "EXISTS (SELECT 1 FROM messages WHERE review_status = 'pending_review')"};

constexpr int kFaultySteps = 400;       // then the calm begins
constexpr int kHandOverSteps = 12;      // from its beginning to the record of its answer, about
constexpr int kFaultWithinSteps = 160;  // most of what happens to one or two messages
// The longest pause of the retry ladder, an hour of clocks that were ahead, and everything short.
constexpr hours kSettleMax{6};
// The longest pause of the dispatcher between two tries to write an answer, and a little.
constexpr seconds kAnswerRetryMax{6};
constexpr int kStepsMax = 200'000;

class World {
 public:
  World(Store& store, const ScheduleOptions& options)
      : store_(store),
        options_(options),
        random_(options.seed),
        second_thoughts_(~options.seed),
        trace_(options.trace),
        faults_(draw_faults(random_)),
        surroundings_{random_, time_, trace_, faults_, options.mutant},
        provider_(surroundings_, draw_class()) {
    const StoreFaults& store_faults = faults_.store;
    leases_hold_ = faults_.node.pauses == 0 && faults_.node.skew_max.count() == 0 &&
                   store_faults.slow + store_faults.unavailable + store_faults.busy +
                           store_faults.commit_lost + store_faults.commit_late +
                           store_faults.outcome_unknown ==
                       0;
    draw_settings();
    draw_intents();
    pick_ = [this] { return pick_node(); };
    if (provider_.transport_class() == TransportClass::evidence) {
      provider_.on_taken([this](const std::string& submission, const std::string& message,
                                const std::vector<std::string>& recipients,
                                bool lied) { notifier_.taken(submission, message, recipients, lied); });
    }
    sweep_after_ = [this](Duration delay) { sweep_after(delay); };
    for (Intent& intent : intents_) {
      clients_.push_back(
          std::make_unique<Client>(surroundings_, pick_, sweep_after_, store_.owner(), intent));
    }
  }

  ScheduleResult run() {
    store_.begin();
    begin();
    while (steps_ < kFaultySteps && !quiet()) step_with_faults();
    calm();
    const Duration deadline = time_.now() + kSettleMax;
    while (!settled_now() && time_.now() < deadline && steps_ < kStepsMax) step();
    trace_.note(time_.now(), "the end");
    ScheduleResult result = judge_all();
    nodes_.clear();
    store_.reset();
    return result;
  }

 private:
  struct Trouble {
    enum class Kind : std::uint8_t { crash, pause, stop, clock_step, outage } kind;
    int step;
    /// Else: so many steps after the first hand-over, at the node that makes it. Most windows are there.
    bool at_hand_over = false;
  };

  TransportClass draw_class() {
    constexpr TransportClass kClasses[] = {TransportClass::plain, TransportClass::plain,
                                           TransportClass::evidence, TransportClass::keyed};
    return kClasses[random_.below(std::size(kClasses))];
  }

  void draw_settings() {
    constexpr int kNodes[] = {1, 1, 1, 1, 2, 2, 2, 3};
    const int nodes = kNodes[random_.below(std::size(kNodes))];
    settings_.lease = std::chrono::duration_cast<seconds>(random_.spread(minutes(2), minutes(30)));
    settings_.poll_interval =
        std::chrono::duration_cast<milliseconds>(random_.spread(minutes(2), minutes(30)));
    settings_.sweep_interval = random_.spread(minutes(2), minutes(30));
    settings_.sole_process = nodes == 1 && random_.chance(500);
    for (int i = 1; i <= nodes; ++i) {
      nodes_.push_back(std::make_unique<Node>(surroundings_, store_, provider_, settings_, i));
      nodes_.back()->clock().set_skew(skew(faults_.node.skew_max));
    }
    const auto plan = [&](Trouble::Kind kind, int count) {
      for (int i = 0; i < count; ++i) {
        const bool at_hand_over = random_.chance(500);
        const int within = at_hand_over ? kHandOverSteps : kFaultWithinSteps;
        troubles_.push_back(
            {kind, static_cast<int>(random_.below(static_cast<std::uint64_t>(within))), at_hand_over});
      }
    };
    plan(Trouble::Kind::crash, faults_.node.crashes);
    plan(Trouble::Kind::pause, faults_.node.pauses);
    plan(Trouble::Kind::stop, faults_.node.stops);
    plan(Trouble::Kind::clock_step, faults_.node.clock_steps);
    plan(Trouble::Kind::outage, faults_.outages);
  }

  Duration skew(Duration most) { return most.count() == 0 ? most : random_.between(-most, most); }

  void draw_intents() {
    const auto count = random_.chance(500) ? 1 : 1 + random_.below(3);
    for (std::uint64_t i = 0; i < count; ++i) {
      intents_.push_back(draw_intent(static_cast<int>(i) + 1));
    }
  }

  Intent draw_intent(int number) {
    constexpr std::string_view kAuthors[] = {kFreeAgent,    kFreeAgent,    kFreeAgent,  kInsistingAgent,
                                             kLenientAgent, kLenientAgent, kStrictAgent};
    Intent intent;
    intent.number = number;
    intent.agent = kAuthors[random_.below(std::size(kAuthors))];
    intent.conversation = fmt::format("conv_m{}", number);
    intent.key = fmt::format("key-m{}", number);
    intent.draft.subject = fmt::format("m{}", number);
    intent.draft.text = "text";
    intent.draft.to = draw_recipients(random_);
    if (!intent.held()) return intent;
    const auto reviewers = random_.below(4);
    for (std::uint64_t i = 0; i < reviewers; ++i) {
      intent.reviews.push_back(
          draw_review(random_, number, fmt::format("reviewer {} of m{}", i + 1, number)));
    }
    for (std::uint64_t i = 0; i < reviewers; ++i) draw_second_thought(intent, i);
    return intent;
  }

  static Review draw_review(Random& random, int number, std::string actor) {
    Review review;
    review.approves = random.chance(700);
    if (random.chance(300)) review.subject = fmt::format("m{} as {} wants it", number, actor);
    if (random.chance(200)) review.to = draw_recipients(random);
    review.actor = std::move(actor);
    return review;
  }

  // Mostly while the approval can be taken back, sometimes when that has become too late.
  void draw_second_thought(Intent& intent, std::uint64_t index) {
    Random& random = second_thoughts_;
    if (!intent.reviews[index].approves || !random.chance(350)) return;
    const Duration undo_for = random.spread(seconds(1), minutes(1));
    const Duration after = random.between(Duration(0), undo_for + seconds(2));
    intent.reviews[index].second_thought = SecondThought{undo_for, after, intent.reviews.size()};
    Review again = draw_review(random, intent.number, intent.reviews[index].actor + ", again");
    again.outcome = Review::Outcome::not_begun;
    intent.reviews.push_back(std::move(again));
  }

  static std::vector<std::string> draw_recipients(Random& random) {
    std::vector<std::string> to;
    const auto external = random.chance(150) ? 0 : 1 + random.below(random.chance(300) ? 3 : 1);
    for (std::uint64_t i = 0; i < external; ++i) to.push_back(fmt::format("r{}@elsewhere.example", i + 1));
    if (to.empty() || random.chance(150)) to.emplace_back(kDesk);
    if (random.chance(80)) to.emplace_back(kGuardedDesk);
    return to;
  }

  void begin() {
    for (const auto& node : nodes_) node->start();
    poll_all();
    for (const auto& client : clients_) client->begin_after(random_.spread(milliseconds(1), seconds(5)));
  }

  Node* pick_node() {
    std::vector<Node*> open;
    for (const auto& node : nodes_) {
      if (node->accepts_requests()) open.push_back(node.get());
    }
    return open.empty() ? nullptr : open[random_.below(open.size())];
  }

  // Several nodes look for expired holds at about the same time, as their periodic tasks would.
  void sweep_after(Duration delay) {
    for (const auto& node : nodes_) {
      time_.after(delay + random_.between(Duration(0), seconds(4)), kWorld, [&node] {
        if (node->accepts_requests()) node->sweep();
      });
    }
  }

  Node& any_node() { return *nodes_[random_.below(nodes_.size())]; }

  void poll_all() {
    for (const auto& node : nodes_) node->poll();
  }

  void step() {
    ++steps_;
    (void)time_.step();
    poll_all();
  }

  void step_with_faults() {
    if (first_hand_over_ < 0 && !provider_.hand_overs().empty()) first_hand_over_ = steps_;
    for (const Trouble& trouble : troubles_) {
      if (trouble.at_hand_over) {
        if (first_hand_over_ >= 0 && first_hand_over_ + trouble.step == steps_)
          strike(trouble.kind, sender());
      } else if (trouble.step == steps_) {
        strike(trouble.kind, any_node());
      }
    }
    step();
  }

  // The node whose hand-over is the latest; any, when that life of it is over.
  Node& sender() {
    const Owner owner = provider_.hand_overs().back()->owner;
    for (const auto& node : nodes_) {
      if (node->up() && node->owner() == owner) return *node;
    }
    return any_node();
  }

  Duration pause_time() {
    const Duration lease = settings_.lease;
    return random_.chance(500) ? random_.between(lease, lease * 3) : random_.spread(milliseconds(500), lease);
  }

  void strike(Trouble::Kind kind, Node& node) {
    switch (kind) {
      case Trouble::Kind::crash:
        if (!node.up()) return;
        node.crash();
        ++crashes_;
        restart_later(node);
        return;
      case Trouble::Kind::pause:
        if (node.up()) node.pause(pause_time());
        return;
      case Trouble::Kind::stop:
        if (!node.accepts_requests()) return;
        node.stop();
        restart_later(node);
        return;
      case Trouble::Kind::clock_step:
        node.clock().set_skew(skew(faults_.node.step_max));
        trace_.note(time_.now(), "node {}: its clock is set", node.number());
        return;
      case Trouble::Kind::outage:
        provider_.set_down(true);
        trace_.note(time_.now(), "provider: goes away");
        time_.after(random_.spread(seconds(1), minutes(15)), kWorld, [this] {
          provider_.set_down(false);
          trace_.note(time_.now(), "provider: is back");
        });
        return;
    }
  }

  // Sometimes at once, sometimes after its leases ran out.
  void restart_later(Node& node) {
    time_.after(random_.spread(milliseconds(10), Duration(settings_.lease) * 2), kWorld, [this, &node] {
      if (!node.up()) {
        node.start();
      } else if (!node.accepts_requests()) {
        restart_later(node);
      }
    });
  }

  // From here on nothing new goes wrong, and what is broken is put right.
  void calm() {
    trace_.note(time_.now(), "from here on nothing goes wrong");
    faults_ = {};
    provider_.set_down(false);
    time_.resume_all();
    for (const auto& node : nodes_) {
      node->clock().set_skew(Duration(0));
      if (!node->up()) node->start();
    }
    poll_all();
    not_before_ = time_.now() + kAnswerRetryMax;
  }

  // Nothing is left to go wrong with: everybody was answered, and nothing is under way.
  bool quiet() {
    not_before_ = Duration(0);
    return settled_now();
  }

  // Looked at when time is about to pass, since nothing settles while work is at hand.
  bool settled_now() {
    const auto next = time_.next();
    if (next && *next < time_.now() + milliseconds(100)) return false;
    const auto failure = store_.last_failure();
    if (failure && time_.now() < *failure + kAnswerRetryMax) return false;
    if (!std::ranges::all_of(clients_, [](const auto& client) { return client->done(); })) return false;
    return store_.open_jobs() == 0 && time_.now() >= not_before_ && notifier_.done() &&
           !provider_.under_way() && store_.connection().query(kOpen, {}).empty();
  }

  ScheduleResult judge_all() {
    ScheduleResult result;
    result.violations = judge(store_, {intents_, provider_, notifier_.told(), leases_hold_}, result.counts);
    if (options_.check_invariants) {
      for (Violation& violation : check_invariants(store_, kBeginning + time_.now())) {
        result.violations.push_back(std::move(violation));
      }
    }
    for (const Violation& violation : result.violations) {
      trace_.note(time_.now(), "{}: {}", name_of(violation.breach), violation.what);
    }
    result.hash = trace_.hash();
    result.counts.schedules = 1;
    result.counts.steps = steps_;
    result.counts.crashes = crashes_;
    const auto broke = [&](Breach breach) {
      return std::ranges::count(result.violations, breach, &Violation::breach) > 0 ? 1 : 0;
    };
    result.counts.duplicates = broke(Breach::duplicate);
    result.counts.losses = broke(Breach::loss);
    result.counts.split_states = broke(Breach::split);
    result.counts.invariants = broke(Breach::invariant);
    return result;
  }

  Store& store_;
  const ScheduleOptions& options_;
  Random random_;
  Random second_thoughts_;  // a chance of its own, so that who has none does the same with and without it
  Scheduler time_;
  Trace trace_;
  Faults faults_;
  Surroundings surroundings_;
  Provider provider_;
  NodeSettings settings_;
  PickNode pick_;
  SweepAfter sweep_after_;
  Notifier notifier_{surroundings_, pick_};
  std::vector<Intent> intents_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Trouble> troubles_;
  Duration not_before_ = Duration::max();  // it has settled no earlier than this
  bool leases_hold_ = false;
  int first_hand_over_ = -1;  // the step in which it began
  int steps_ = 0;
  int crashes_ = 0;
};

}  // namespace

ScheduleResult run_schedule(Store& store, const ScheduleOptions& options) {
  return World(store, options).run();
}

}  // namespace countersign::sim
