#include "daemon/periodic.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"

namespace countersign::daemon {

namespace asio = boost::asio;

struct Periodic::State {
  State(asio::any_io_executor executor, std::string task, std::chrono::milliseconds interval, Work body)
      : strand(asio::make_strand(std::move(executor))),
        timer(strand),
        name(std::move(task)),
        pause(interval),
        work(std::move(body)) {}

  asio::strand<asio::any_io_executor> strand;
  asio::steady_timer timer;
  std::string name;
  std::chrono::milliseconds pause;
  Work work;
  bool stopping = false;
};

namespace {

template <class State>
asio::awaitable<void> repeat(std::shared_ptr<State> state) {
  while (!state->stopping) {
    try {
      co_await state->work();
    } catch (const std::exception& error) {  // whatever it was: the next round must come
      log::warn("periodic.failed", {{"task", state->name}, {"error", error.what()}});
    }
    if (state->stopping) co_return;
    state->timer.expires_after(state->pause);
    boost::system::error_code ignored;
    co_await state->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

}  // namespace

Periodic::Periodic(asio::any_io_executor executor, std::string name, std::chrono::milliseconds pause,
                   Work work)
    : state_(std::make_shared<State>(std::move(executor), std::move(name), pause, std::move(work))) {}

Periodic::~Periodic() = default;

asio::awaitable<void> Periodic::run() {
  co_await asio::co_spawn(state_->strand, repeat(state_), asio::use_awaitable);
}

void Periodic::stop() {
  asio::post(state_->strand, [state = state_] {
    state->stopping = true;
    state->timer.cancel();
  });
}

}  // namespace countersign::daemon
