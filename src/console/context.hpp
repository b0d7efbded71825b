// What the operations of the console share. Internal to console.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "console/answer.hpp"
#include "console/console.hpp"
#include "store/awaitable.hpp"

namespace countersign::console {

template <class T>
using Awaitable = boost::asio::awaitable<T>;
using Answer = Result<net::Response, Refusal>;

/// One request that was let in.
struct Visit {
  net::Request request;
  std::vector<std::string> path;  // what stands for the {…} of the route, percent-decoded, in order
  std::string client;             // network address
  UtcTime now;
  // Of routes that need a session.
  account::Principal person;
  std::string token;
};

struct Context {
  Context(store::Database& db, const Clock& time, ConsoleSettings options)
      : database(db), clock(time), settings(std::move(options)) {}

  [[nodiscard]] bool secure() const { return settings.public_url.starts_with("https://"); }

  store::Database& database;
  const Clock& clock;
  const ConsoleSettings settings;
  boost::asio::thread_pool hashers{1};  // one guess at a time, so that guessing cannot fill the memory
  boost::asio::thread_pool workers{1};  // what takes longer than a request should keep a connection's thread
  std::atomic<int> hashes_waiting = 0;
  std::atomic<std::size_t> streams = 0;
  std::atomic<bool> stopping = false;
};

using Handler = Awaitable<Answer> (*)(Context&, Visit&);

/// Runs `work()` where it may be slow.
template <class Work>
Awaitable<std::invoke_result_t<Work&>> run_on(boost::asio::thread_pool& pool, Work work) {
  auto body = [](Work what) -> Awaitable<std::invoke_result_t<Work&>> { co_return what(); };
  auto task = body(std::move(work));
  co_return co_await boost::asio::co_spawn(pool, std::move(task), boost::asio::use_awaitable);
}

/// A JSON object of a body. Refuses anything else.
[[nodiscard]] Result<boost::json::object, Refusal> read_object(const net::Request& request);
/// A text member; nothing when it is missing or no text.
[[nodiscard]] std::optional<std::string> text_member(const boost::json::object& object,
                                                     std::string_view name);
/// The value of a query parameter, percent-decoded; nothing when it is absent or cannot be decoded.
[[nodiscard]] std::optional<std::string> query_value(std::string_view query, std::string_view name);
[[nodiscard]] std::optional<std::int64_t> number_of(std::string_view digits);

// Operations.
Awaitable<Answer> get_session(Context& context, Visit& visit);
Awaitable<Answer> sign_in(Context& context, Visit& visit);
Awaitable<Answer> sign_out(Context& context, Visit& visit);
Awaitable<Answer> sign_out_everywhere(Context& context, Visit& visit);
Awaitable<Answer> change_password(Context& context, Visit& visit);
Awaitable<Answer> get_setup(Context& context, Visit& visit);
Awaitable<Answer> set_up(Context& context, Visit& visit);
Awaitable<Answer> list_reviews(Context& context, Visit& visit);
Awaitable<Answer> get_body(Context& context, Visit& visit);
Awaitable<Answer> get_attachment(Context& context, Visit& visit);
Awaitable<Answer> get_source(Context& context, Visit& visit);
Awaitable<Answer> approve_review(Context& context, Visit& visit);
Awaitable<Answer> undo_approval(Context& context, Visit& visit);
Awaitable<Answer> get_overview(Context& context, Visit& visit);
Awaitable<Answer> get_timeline(Context& context, Visit& visit);
Awaitable<Answer> dry_run(Context& context, Visit& visit);
Awaitable<Answer> stream_news(Context& context, Visit& visit);

/// The request to `/console/api/v1/…` as the REST API knows it, answered in the name of the person. A
/// decision that came too late is told which one came first.
Awaitable<net::Response> ask_api(Context& context, const Visit& visit, net::Request request,
                                 Duration undo_for);

}  // namespace countersign::console
