#include "sim/virtual_timers.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace countersign::sim {
namespace {

namespace asio = boost::asio;

// The steady clock of a machine that has been up for a while.
constexpr std::chrono::hours kUptime{24};

class VirtualTimer final : public net::Timer {
 public:
  VirtualTimer(Scheduler& scheduler, Owner owner) : scheduler_(scheduler), owner_(owner) {}
  ~VirtualTimer() override { cancel(); }
  VirtualTimer(const VirtualTimer&) = delete;
  VirtualTimer& operator=(const VirtualTimer&) = delete;

  void expires_after(std::chrono::steady_clock::duration time) override {
    cancel();
    deadline_ = scheduler_.now() + std::chrono::duration_cast<Duration>(time);
  }
  void cancel() override {
    if (wait_ == 0) return;
    auto waiting = scheduler_.take(std::exchange(wait_, 0));
    if (waiting) (*waiting)();
  }
  asio::awaitable<void> wait() override {
    auto initiate = [this](auto handler) {
      auto executor = asio::get_associated_executor(handler);
      auto resume = [executor, handler = std::move(handler)]() mutable {
        asio::post(executor, std::move(handler));
      };
      wait_ = scheduler_.at(deadline_, owner_, std::move(resume));
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(initiate, asio::use_awaitable);
    wait_ = 0;
  }

 private:
  Scheduler& scheduler_;
  Owner owner_;
  Duration deadline_{0};
  Scheduler::Ticket wait_ = 0;
};

}  // namespace

std::chrono::steady_clock::time_point VirtualTimers::now() const {
  return std::chrono::steady_clock::time_point(kUptime + scheduler_.now());
}

std::unique_ptr<net::Timer> VirtualTimers::make(const asio::any_io_executor& /*executor*/) {
  return std::make_unique<VirtualTimer>(scheduler_, owner_);
}

}  // namespace countersign::sim
