// News for pages that are open: the event log of the account as server-sent events (HTML Standard §9.2). Read
// from the store, so that it does not matter on which node something happened.
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/json/serialize.hpp>
#include <set>

#include "account/session.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "console/context.hpp"
#include "console/guard.hpp"

namespace countersign::console {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using std::chrono::steady_clock;
using store::Query;

constexpr std::chrono::seconds kHeartbeat{20};
/// Then the browser asks again, perhaps another node.
constexpr std::chrono::minutes kLifetime{15};
/// Positions are given before the commit: one may appear this far behind others.
constexpr std::int64_t kLag = 256;
/// More than what is looked at again, so that there is always room for news.
constexpr std::int64_t kEventsPerRead = 2 * kLag;

constexpr Query kLast("console.last_event", "SELECT CAST(COALESCE(MAX(position), 0) AS BIGINT) FROM events");
constexpr Query kNews("console.news",
                      "SELECT position, type, message_id, agent_email FROM events WHERE position > $2 AND "
                      "user_id = $1 ORDER BY position LIMIT $3");

struct News {
  bool signed_in = false;
  std::vector<std::pair<std::int64_t, std::string>> events;  // position and text
};

std::string text_of(const store::Row& row) {
  json::object event;
  event["type"] = row.view(1);
  event["message_id"] = row.is_null(2) ? json::value(nullptr) : json::value(row.view(2));
  event["agent"] = row.is_null(3) ? json::value(nullptr) : json::value(row.view(3));
  return "data: " + json::serialize(event) + "\n\n";
}

News read_news(store::ReadTx& tx, const UserId& user, const std::string& session, std::int64_t after,
               UtcTime now, const account::Limits& limits) {
  News news;
  news.signed_in = account::authenticate_session(tx, session, now, limits).has_value();
  if (!news.signed_in) return news;
  const store::Rows rows = tx.query(kNews, {user.str(), after, kEventsPerRead});
  for (const store::Row row : rows) news.events.emplace_back(row.integer(0), text_of(row));
  return news;
}

/// One open page.
class Listener {
 public:
  Listener(Context& context, UserId user, std::string session)
      : context_(context),
        user_(std::move(user)),
        session_(std::move(session)),
        ends_(steady_clock::now() + kLifetime) {}
  ~Listener() { --context_.streams; }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// The next piece of the stream; nothing at its end.
  static Awaitable<std::optional<std::string>> next(std::shared_ptr<Listener> self) {
    try {
      auto work = wait(self);
      co_return co_await std::move(work);
    } catch (const EnvironmentError& fault) {
      log::debug("console.stream_ended", {{"error", fault.what()}});
    }
    co_return std::nullopt;  // the browser comes again
  }

  /// What stands in the log already is no news.
  void skip(std::int64_t last, const News& news) {
    last_ = last;
    (void)unseen(news);
  }

 private:
  static Awaitable<std::optional<std::string>> wait(std::shared_ptr<Listener> self) {
    if (!self->begun_) {
      self->begun_ = true;
      co_return "retry: 2000\n: here is what happens from now on\n\n";
    }
    const auto silent_until = steady_clock::now() + kHeartbeat;
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (steady_clock::now() < self->ends_) {
      timer.expires_after(self->context_.settings.stream_poll);
      co_await timer.async_wait(asio::use_awaitable);
      if (self->context_.stopping) co_return std::nullopt;
      auto body = [user = self->user_, session = self->session_, after = self->last_ - kLag,
                   now = self->context_.clock.now(), limits = self->context_.settings.limits](
                      store::ReadTx& tx) { return read_news(tx, user, session, after, now, limits); };
      const News news = co_await store::read(self->context_.database, std::move(body));
      if (!news.signed_in) co_return std::nullopt;
      std::string text = self->unseen(news);
      if (!text.empty()) co_return text;
      if (steady_clock::now() >= silent_until) co_return ": nothing new\n\n";
    }
    co_return std::nullopt;
  }

  std::string unseen(const News& news) {
    std::string text;
    for (const auto& [position, event] : news.events) {
      if (!seen_.insert(position).second) continue;
      text += event;
      last_ = std::max(last_, position);
    }
    seen_.erase(seen_.begin(), seen_.lower_bound(last_ - kLag));
    return text;
  }

  Context& context_;
  const UserId user_;
  const std::string session_;
  std::int64_t last_ = 0;
  std::set<std::int64_t> seen_;
  const steady_clock::time_point ends_;
  bool begun_ = false;
};

}  // namespace

Awaitable<Answer> stream_news(Context& context, Visit& visit) {
  if (++context.streams > context.settings.streams_max) {
    --context.streams;
    co_return unexpected(unavailable());
  }
  const std::string session = token_hash(visit.token);
  auto listener = std::make_shared<Listener>(context, visit.person.user, session);
  auto body = [user = visit.person.user, session, now = visit.now,
               limits = context.settings.limits](store::ReadTx& tx) {
    const std::int64_t last = tx.query(kLast).front().integer(0);
    return std::pair(last, read_news(tx, user, session, last - kLag, now, limits));
  };
  const auto [last, old] = co_await store::read(context.database, std::move(body));
  listener->skip(last, old);
  net::Response response;
  response.headers.add("Content-Type", "text/event-stream");
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("X-Accel-Buffering", "no");
  response.stream = [listener] { return Listener::next(listener); };
  co_return response;
}

}  // namespace countersign::console
