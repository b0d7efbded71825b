// News for pages that are open: the event log of the account as server-sent events (HTML Standard §9.2). Read
// from the store, so that it does not matter on which node something happened.
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/json/serialize.hpp>

#include "account/session.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "console/context.hpp"
#include "console/guard.hpp"
#include "journal/tail.hpp"

namespace countersign::console {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using std::chrono::steady_clock;
using store::Query;

/// An event that pages see, unlike a comment: one that hears nothing for longer knows that the stream is
/// dead. Without data there would be no event.
constexpr std::string_view kPing = "event: ping\ndata: {}\n\n";
/// Then the browser asks again, perhaps another node.
constexpr std::chrono::minutes kLifetime{15};
constexpr std::int64_t kEventsPerRead = 500;

std::string text_of(const journal::Headline& headline) {
  const auto or_null = [](const std::optional<std::string>& text) {
    return text ? json::value(*text) : json::value(nullptr);
  };
  json::object event;
  event["type"] = headline.type;
  event["message_id"] = or_null(headline.message_id);
  event["agent"] = or_null(headline.agent_email);
  return "data: " + json::serialize(event) + "\n\n";
}

/// One open page.
class Listener {
 public:
  /// Takes the place among `context.streams` over.
  Listener(Context& context, UserId user, std::string session)
      : context_(context),
        user_(std::move(user)),
        session_(std::move(session)),
        ends_(steady_clock::now() + kLifetime) {}
  ~Listener() { --context_.streams; }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// What stands before is no news.
  void begin_at(const journal::Place& place) { place_ = place; }

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

 private:
  static Awaitable<std::optional<std::string>> wait(std::shared_ptr<Listener> self) {
    if (!self->begun_) {
      self->begun_ = true;
      co_return "retry: 2000\n" + std::string(kPing);
    }
    const auto silent_until = steady_clock::now() + self->context_.settings.stream_heartbeat;
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (steady_clock::now() < self->ends_) {
      timer.expires_after(self->context_.settings.stream_poll);
      co_await timer.async_wait(asio::use_awaitable);
      if (self->context_.stopping) co_return std::nullopt;
      const std::optional<journal::Place> until = co_await self->look();
      if (!until) co_return std::nullopt;
      std::string text = co_await self->read(*until);
      if (!text.empty()) co_return text;
      if (steady_clock::now() >= silent_until) co_return std::string(kPing);
    }
    co_return std::nullopt;
  }

  /// How far the log may be read; nothing when the person has signed out.
  Awaitable<std::optional<journal::Place>> look() {
    auto body = [session = session_, now = context_.clock.now(),
                 limits = context_.settings.limits](store::ReadTx& tx) -> std::optional<journal::Place> {
      if (!account::authenticate_session(tx, session, now, limits)) return std::nullopt;
      return journal::frontier(tx).until;
    };
    co_return co_await store::read(context_.database, std::move(body));
  }

  /// A transaction of its own, as the frontier wants it.
  Awaitable<std::string> read(journal::Place until) {
    std::string text;
    if (until <= place_) co_return text;
    auto body = [user = user_, from = place_, until](store::ReadTx& tx) {
      return journal::headlines(tx, user, from, until, kEventsPerRead);
    };
    const std::vector<journal::Headline> news = co_await store::read(context_.database, std::move(body));
    for (const journal::Headline& headline : news) text += text_of(headline);
    place_ = news.size() < static_cast<std::size_t>(kEventsPerRead) ? until : news.back().place.next();
    co_return text;
  }

  Context& context_;
  const UserId user_;
  const std::string session_;
  journal::Place place_;  // of what is read next
  const steady_clock::time_point ends_;
  bool begun_ = false;
};

}  // namespace

Awaitable<Answer> stream_news(Context& context, Visit& visit) {
  if (++context.streams > context.settings.streams_max) {
    --context.streams;
    co_return unexpected(unavailable());
  }
  auto listener = std::make_shared<Listener>(context, visit.person.user, token_hash(visit.token));
  auto body = [](store::ReadTx& tx) { return journal::frontier(tx).until; };
  const journal::Place from = co_await store::read(context.database, std::move(body));
  listener->begin_at(from);
  net::Response response;
  response.headers.add("Content-Type", "text/event-stream");
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("X-Accel-Buffering", "no");
  response.stream = [listener] { return Listener::next(listener); };
  co_return response;
}

}  // namespace countersign::console
