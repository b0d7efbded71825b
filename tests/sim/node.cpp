#include "sim/node.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include "base/assert.hpp"

namespace countersign::sim {
namespace {

namespace asio = boost::asio;

constexpr Owner kLivesMax = 1'000;  // of one node

}  // namespace

// Destroyed from the end: what refers to the execution context goes before it, and the context, with the
// coroutines that are ready in it, before what those refer to.
struct Node::Life {
  Life(Node& node, Owner as)
      : owner(as),
        timers(node.surroundings_.time, as),
        database(node.surroundings_, node.store_, as),
        transport(node.surroundings_, node.provider_, timers, as),
        io(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE),
        guard(io.get_executor()),
        dispatcher(io.get_executor(), database, node.clock_, transport, options_of(node), {}, timers),
        expiry(database, node.clock_, node.send_, std::string(kSharedDomain), {notify::OnUnseen::approve},
               [&node] { node.wake(); }, {}) {}

  static provider::DispatcherOptions options_of(const Node& node) {
    provider::DispatcherOptions options;
    options.worker = fmt::format("node-{}.{}", node.number_, node.lives_);
    options.from_domain = kRelayDomain;
    options.lease = node.settings_.lease;
    options.poll_interval = node.settings_.poll_interval;
    options.sole_process = node.settings_.sole_process;
    return options;
  }

  Owner owner;
  VirtualTimers timers;
  SimDatabase database;
  SimTransport transport;
  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> guard;
  provider::Dispatcher dispatcher;
  daemon::ExpiryWorker expiry;
  bool sweeping = false;
};

Node::Node(Surroundings& surroundings, Store& store, Provider& provider, const NodeSettings& settings,
           int number)
    : surroundings_(surroundings),
      store_(store),
      provider_(provider),
      settings_(settings),
      number_(number),
      clock_(surroundings.time) {}

Node::~Node() {
  if (up()) crash();
}

Owner Node::owner() const {
  CS_ASSERT(up());
  return life_->owner;
}

store::Database& Node::database() {
  CS_ASSERT(up());
  return life_->database;
}

void Node::start() {
  CS_ASSERT(!up());
  const Owner owner = static_cast<Owner>(number_) * kLivesMax + static_cast<Owner>(++lives_);
  stopping_ = false;
  finished_ = false;
  life_ = std::make_unique<Life>(*this, owner);
  surroundings_.trace.note(surroundings_.time.now(), "node {}: starts as {}", number_, owner);
  asio::co_spawn(life_->io, life_->dispatcher.run(), [this](const std::exception_ptr& error) {
    CS_ASSERT(!error);
    finished_ = true;
  });
  surroundings_.time.after(Duration(0), owner, [this] { sweep_periodically(); });
}

// As the daemon's periodic task does it: one sweep after the other, whatever becomes of each.
void Node::sweep() {
  if (life_->sweeping || stopping_) return;
  life_->sweeping = true;
  const auto ended = [this](const std::exception_ptr& /*the daemon logs it*/) { life_->sweeping = false; };
  asio::co_spawn(life_->io, life_->expiry.sweep(), ended);
}

void Node::sweep_periodically() {
  sweep();
  surroundings_.time.after(settings_.sweep_interval, life_->owner, [this] { sweep_periodically(); });
}

void Node::crash() {
  surroundings_.trace.note(surroundings_.time.now(), "node {}: dies", number_);
  provider_.holder_died(life_->owner);
  surroundings_.time.drop(life_->owner);
  life_.reset();
}

void Node::stop() {
  surroundings_.trace.note(surroundings_.time.now(), "node {}: is asked to stop", number_);
  stopping_ = true;
  life_->dispatcher.stop();
}

void Node::pause(Duration time) {
  surroundings_.trace.note(surroundings_.time.now(), "node {}: stands still for {} ms", number_,
                           std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
  surroundings_.time.pause(life_->owner, surroundings_.time.now() + time);
}

void Node::poll() {
  if (!up() || surroundings_.time.paused(life_->owner)) return;
  life_->io.poll();
  if (!finished_) return;
  surroundings_.trace.note(surroundings_.time.now(), "node {}: has stopped", number_);
  CS_ASSERT(stopping_);
  surroundings_.time.drop(life_->owner);
  life_.reset();
}

void Node::wake() {
  if (up()) life_->dispatcher.wake();
}

}  // namespace countersign::sim
