#include "net/http_client.hpp"

#include <curl/curl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/error.hpp"
#include "net/http_exchange.hpp"

namespace asio = boost::asio;

namespace countersign::net {
namespace {

using detail::Done;
using detail::Exchange;
using detail::Outcome;

constexpr std::size_t kSocketsTogether = 64;  // that are looked after between two looks for news
constexpr std::size_t kHandlesKept = 64;      // of ended requests, for later ones

void initialise_library() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw EnvironmentError("libcurl cannot be initialised", false);
}

}  // namespace

std::string_view to_string(HttpFault fault) noexcept {
  switch (fault) {
    case HttpFault::invalid_request:
      return "invalid_request";
    case HttpFault::resolve:
      return "resolve";
    case HttpFault::connect:
      return "connect";
    case HttpFault::tls:
      return "tls";
    case HttpFault::timeout:
      return "timeout";
    case HttpFault::connection_lost:
      return "connection_lost";
    case HttpFault::malformed_answer:
      return "malformed_answer";
    case HttpFault::answer_too_large:
      return "answer_too_large";
    case HttpFault::cancelled:
      return "cancelled";
  }
  return "";
}

// The thread that owns the multi handle, and the two lists through which it is spoken to. Sockets are waited
// for with epoll, so that what a request costs does not depend on how many others are under way.
class HttpClient::Impl {
 public:
  explicit Impl(HttpClientOptions options) : options_(options) {
    initialise_library();
    multi_ = curl_multi_init();
    sockets_ = epoll_create1(EPOLL_CLOEXEC);
    bell_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    epoll_event news{};
    news.events = EPOLLIN;
    news.data.fd = bell_;
    if (multi_ == nullptr || sockets_ < 0 || bell_ < 0 ||
        epoll_ctl(sockets_, EPOLL_CTL_ADD, bell_, &news) != 0) {
      release();
      throw EnvironmentError("no memory or descriptors for an HTTP client", true);
    }
    configure();
    // Signals are the main thread's; a SIGPIPE of a TLS write must not reach anybody.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    ring();
    thread_.join();
    release();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::uint64_t next_id() { return ++last_id_; }

  void start(std::uint64_t id, HttpRequest request, Done done) {
    auto exchange = std::make_unique<Exchange>(std::move(request), std::move(done));
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      CS_ASSERT(!stopping_);
      first = arrived_.empty();
      arrived_.emplace_back(id, std::move(exchange));
    }
    if (first) ring();
  }

  void cancel(std::uint64_t id) {
    {
      const std::lock_guard lock(mutex_);
      cancelled_.push_back(id);
    }
    ring();
  }

 private:
  using Moment = std::chrono::steady_clock::time_point;
  struct Underway {
    std::unique_ptr<Exchange> exchange;
    CURL* easy;
  };

  template <class Value>
  void set(CURLMoption option, Value value) {
    const CURLMcode code = curl_multi_setopt(multi_, option, value);
    CS_ASSERT(code == CURLM_OK);
  }

  void configure() {
    set(CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(options_.connections_per_host_max));
    set(CURLMOPT_MAXCONNECTS, static_cast<long>(options_.idle_connections_max));
    set(CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
    set(CURLMOPT_SOCKETFUNCTION, &Impl::on_socket);
    set(CURLMOPT_SOCKETDATA, static_cast<void*>(this));
    set(CURLMOPT_TIMERFUNCTION, &Impl::on_timer);
    set(CURLMOPT_TIMERDATA, static_cast<void*>(this));
  }

  void release() noexcept {
    if (multi_ != nullptr) curl_multi_cleanup(multi_);
    for (CURL* easy : kept_) curl_easy_cleanup(easy);
    if (sockets_ >= 0) close(sockets_);
    if (bell_ >= 0) close(bell_);
  }

  void ring() const { eventfd_write(bell_, 1); }

  // libcurl says which sockets it waits for, and what for.
  static int on_socket(CURL*, curl_socket_t socket, int what, void* self_pointer, void* known) {
    auto& self = *static_cast<Impl*>(self_pointer);
    if (what == CURL_POLL_REMOVE) {
      epoll_ctl(self.sockets_, EPOLL_CTL_DEL, socket, nullptr);
      return 0;
    }
    epoll_event event{};
    if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
    if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
    event.data.fd = socket;
    const int operation = known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(self.sockets_, operation, socket, &event) != 0) return -1;  // ends the transfer
    if (known == nullptr) curl_multi_assign(self.multi_, socket, self_pointer);
    return 0;
  }

  // libcurl wants to be called after this time; negative: there is nothing it waits for.
  static int on_timer(CURLM*, long milliseconds, void* self_pointer) {
    auto& self = *static_cast<Impl*>(self_pointer);
    self.due_.reset();
    if (milliseconds >= 0) {
      self.due_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    }
    return 0;
  }

  void run() {
    while (take_news()) {
      look_after_sockets(wait());
      if (due_ && *due_ <= std::chrono::steady_clock::now()) {
        due_.reset();
        act(CURL_SOCKET_TIMEOUT, 0);
      }
      end_finished();
    }
    for (auto& [id, underway] : underway_) {
      curl_multi_remove_handle(multi_, underway.easy);
      underway.exchange->cancel();
    }
    underway_.clear();
  }

  std::size_t wait() {
    int milliseconds = -1;
    if (due_) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(*due_ - std::chrono::steady_clock::now());
      milliseconds = static_cast<int>(std::max<std::int64_t>(0, left.count()));
    }
    const int count = epoll_wait(sockets_, ready_.data(), static_cast<int>(ready_.size()), milliseconds);
    CS_ASSERT(count >= 0 || errno == EINTR);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }

  void look_after_sockets(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const epoll_event& event = ready_[i];
      if (event.data.fd == bell_) {
        eventfd_t ignored = 0;
        eventfd_read(bell_, &ignored);
        continue;
      }
      int what = 0;
      if ((event.events & EPOLLIN) != 0) what |= CURL_CSELECT_IN;
      if ((event.events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
      if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) what |= CURL_CSELECT_ERR;
      act(event.data.fd, what);
    }
  }

  void act(curl_socket_t socket, int what) {
    int running = 0;
    curl_multi_socket_action(multi_, socket, what, &running);
  }

  // False: the end.
  bool take_news() {
    std::vector<std::pair<std::uint64_t, std::unique_ptr<Exchange>>> arrived;
    std::vector<std::uint64_t> cancelled;
    bool stopping = false;
    {
      const std::lock_guard lock(mutex_);
      arrived.swap(arrived_);
      cancelled.swap(cancelled_);
      stopping = stopping_;
    }
    for (auto& [id, exchange] : arrived) begin(id, std::move(exchange));
    for (const std::uint64_t id : cancelled) {
      if (auto underway = take(id)) underway->cancel();
    }
    return !stopping;
  }

  void begin(std::uint64_t id, std::unique_ptr<Exchange> exchange) {
    CURL* const easy = exchange->prepare(options_, kept_);
    if (easy == nullptr) {
      exchange->refuse();
      return;
    }
    CS_ASSERT(curl_multi_add_handle(multi_, easy) == CURLM_OK);
    ids_.emplace(easy, id);
    underway_.emplace(id, Underway{std::move(exchange), easy});
  }

  std::unique_ptr<Exchange> take(std::uint64_t id) {
    const auto found = underway_.find(id);
    if (found == underway_.end()) return nullptr;
    Underway underway = std::move(found->second);
    underway_.erase(found);
    ids_.erase(underway.easy);
    curl_multi_remove_handle(multi_, underway.easy);
    return std::move(underway.exchange);
  }

  void end_finished() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;  // the message dies with the handle's removal
      const auto found = ids_.find(message->easy_handle);
      CS_ASSERT(found != ids_.end());
      const std::unique_ptr<Exchange> exchange = take(found->second);
      exchange->finish(code);
      if (kept_.size() < kHandlesKept) kept_.push_back(exchange->release_handle());
    }
  }

  HttpClientOptions options_;
  CURLM* multi_ = nullptr;
  int sockets_ = -1;  // an epoll set
  int bell_ = -1;     // rings when there is news
  std::atomic<std::uint64_t> last_id_ = 0;
  std::mutex mutex_;
  bool stopping_ = false;
  std::vector<std::pair<std::uint64_t, std::unique_ptr<Exchange>>> arrived_;
  std::vector<std::uint64_t> cancelled_;
  // Of the thread alone.
  std::optional<Moment> due_;
  std::array<epoll_event, kSocketsTogether> ready_{};
  std::vector<CURL*> kept_;
  std::unordered_map<std::uint64_t, Underway> underway_;
  std::unordered_map<CURL*, std::uint64_t> ids_;
  std::thread thread_;
};

HttpClient::HttpClient(HttpClientOptions options) : impl_(std::make_shared<Impl>(options)) {}
HttpClient::~HttpClient() = default;

asio::awaitable<Result<HttpAnswer, HttpFailure>> HttpClient::send(HttpRequest request) {
  auto initiate = [](auto handler, std::weak_ptr<Impl> weak, HttpRequest what) {
    auto executor = asio::get_associated_executor(handler);
    auto work = asio::prefer(executor, asio::execution::outstanding_work.tracked);
    auto slot = asio::get_associated_cancellation_slot(handler);
    // Shared, because std::function wants to be copyable and the handler is move-only.
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    Done done = [shared = std::move(shared), work, slot](Outcome outcome) mutable {
      asio::post(work, [shared, slot, result = std::move(outcome)]() mutable {
        slot.clear();
        std::move (*shared)(std::move(result));
      });
    };
    const auto impl = weak.lock();
    const std::uint64_t id = impl->next_id();
    if (slot.is_connected()) {
      slot.assign([weak, id](asio::cancellation_type type) {
        if (type == asio::cancellation_type::none) return;
        if (const auto alive = weak.lock()) alive->cancel(id);
      });
    }
    impl->start(id, std::move(what), std::move(done));  // the coroutine may go on before this returns
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(Outcome)>(
      initiate, asio::use_awaitable, std::weak_ptr<Impl>(impl_), std::move(request));
}

}  // namespace countersign::net
