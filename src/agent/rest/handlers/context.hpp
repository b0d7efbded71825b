// What the handlers share: the way from a call into a transaction as an admitted caller, idempotency keys and
// pages.
//
// A read is one transaction that admits the caller and reads. A write is admitted by a read first, so that
// strangers never reach the writer, then checked in memory, and admitted again inside its transaction, where
// it counts. Bodies capture by value, because they may be run several times.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "account/agent.hpp"
#include "account/idempotency.hpp"
#include "account/principal.hpp"
#include "agent/rest/api.hpp"
#include "agent/rest/cursor.hpp"
#include "agent/rest/errors.hpp"
#include "agent/rest/request.hpp"
#include "agent/rest/response.hpp"
#include "agent/rest/server.hpp"
#include "agent/webhook/signature.hpp"
#include "base/result.hpp"
#include "base/seal.hpp"
#include "journal/journal.hpp"
#include "mailbox/message.hpp"
#include "store/awaitable.hpp"

namespace countersign::agent::rest {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

/// Keys that requests of this process are working on. PostgreSQL knows such keys itself; SQLite would let a
/// concurrent duplicate wait for the first one's commit instead of telling it so.
class KeysInFlight {
 public:
  /// Holds a key until destroyed.
  class Guard {
   public:
    Guard(KeysInFlight& owner, std::string entry) : owner_(&owner), entry_(std::move(entry)) {}
    Guard(Guard&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), entry_(std::move(other.entry_)) {}
    Guard& operator=(Guard&&) = delete;
    ~Guard() {
      if (owner_) owner_->leave(entry_);
    }

   private:
    KeysInFlight* owner_;
    std::string entry_;
  };
  /// Nothing when somebody holds the key.
  [[nodiscard]] std::optional<Guard> enter(const UserId& user, std::string_view key);

 private:
  void leave(const std::string& entry);

  std::mutex mutex_;
  std::set<std::string> entries_;
};

struct Context {
  store::Database& database;
  outbox::SendStep& send;
  const ApiSettings settings;
  const Cursors cursors;
  const Sealer webhook_secrets;
  const Sealer secret_answers;  // answers that show a secret, while their Idempotency-Key is remembered
  KeysInFlight keys;
  Server* server = nullptr;  // set by Api::attach
};

// --- admission -------------------------------------------------------------------------------------------

/// What admits a call, taken out of it so that a transaction body can hold it.
struct Entry {
  std::string key_hash;      // empty: no credential, or a session
  std::string session_hash;  // empty: no session
  Caller caller;
  UtcTime now;
};
[[nodiscard]] Entry entry_of(const Call& call);
/// Hash of the credential in an Authorization header; empty when there is none to look for (contract §4.1).
[[nodiscard]] std::string key_hash_of(std::optional<std::string_view> authorization);
/// Authenticates and checks the scope.
[[nodiscard]] Result<account::Principal, ApiError> admit(store::ReadTx& tx, const Entry& entry,
                                                         const account::Limits& limits);

/// The `{email}` of the path as it is looked up.
[[nodiscard]] std::string agent_email(const Call& call);
/// account::resolve_agent in the terms of the API.
[[nodiscard]] Result<account::Agent, ApiError> resolve_agent(store::ReadTx& tx, const Context& context,
                                                             const account::Principal& principal,
                                                             std::string_view email);
/// Notes the use of a key when the last note is old, after the answer and at nobody's cost.
void note_use(Context& context, const account::Principal& principal, UtcTime now);

namespace detail {

template <class T>
struct Admitted {
  account::Principal principal;
  T value;
};

template <class TxType, class Body>
using ValueOf = typename std::invoke_result_t<Body&, TxType&, const account::Principal&>::value_type;

// `body` as a body of the database: admission first.
template <class TxType, class Body>
auto admitting(const Context& context, const Call& call, Body body) {
  using Value = ValueOf<TxType, Body>;
  return [limits = context.settings.limits, entry = entry_of(call),
          body = std::move(body)](TxType& tx) mutable -> Result<Admitted<Value>, ApiError> {
    Result<account::Principal, ApiError> principal = admit(tx, entry, limits);
    if (!principal) return unexpected(std::move(principal.error()));
    Result<Value, ApiError> value = body(tx, *principal);
    if (!value) return unexpected(std::move(value.error()));
    return Admitted<Value>{std::move(*principal), std::move(*value)};
  };
}

}  // namespace detail

/// Runs `body(ReadTx&, const Principal&) -> Result<T, ApiError>` for an admitted caller.
template <class Body>
Awaitable<Result<detail::ValueOf<store::ReadTx, Body>, ApiError>> read(Context& context, const Call& call,
                                                                       Body body) {
  auto job = detail::admitting<store::ReadTx>(context, call, std::move(body));
  auto outcome = co_await store::read(context.database, std::move(job));
  if (!outcome) co_return unexpected(std::move(outcome.error()));
  note_use(context, outcome->principal, call.received());
  co_return std::move(outcome->value);
}

/// Runs `body(Tx&, const Principal&) -> Result<T, ApiError>` for an admitted caller and commits unless it
/// refuses.
template <class Body>
Awaitable<Result<detail::ValueOf<store::Tx, Body>, ApiError>> write(Context& context, const Call& call,
                                                                    Body body) {
  auto job = detail::admitting<store::Tx>(context, call, std::move(body));
  auto outcome = co_await store::write(context.database, std::move(job));
  if (!outcome) co_return unexpected(std::move(outcome.error()));
  context.settings.committed();
  co_return std::move(outcome->value);
}

/// A message of an agent with its content.
struct Loaded {
  mailbox::Message message;
  mailbox::Content content;
};
/// The message of the path as its agent may read it (mailbox::find). Marks nothing.
[[nodiscard]] Awaitable<Result<Loaded, ApiError>> load_message(Context& context, const Call& call);
/// An unread message becomes read, in the store and in `message`; of a read one nothing is asked.
[[nodiscard]] Awaitable<Result<std::monostate, ApiError>> mark_read(Context& context, const Call& call,
                                                                    mailbox::Message& message);

/// Admits the caller and nothing else.
[[nodiscard]] Awaitable<Result<account::Principal, ApiError>> admit_caller(Context& context,
                                                                           const Call& call);
/// Admits the caller to the live agent of the path.
[[nodiscard]] Awaitable<Result<account::Agent, ApiError>> admit_agent(Context& context, const Call& call);

// --- idempotency (contract §7) ---------------------------------------------------------------------------

/// A success as it goes out and as it is stored.
struct Answer {
  int status = 0;
  std::string body;
};

/// The key of a request and what it is bound to. An empty key: the request is not keyed.
struct Keyed {
  std::string key;
  std::string fingerprint;
  const Sealer* sealer = nullptr;  // set: the answer shows a secret, and is stored sealed
};
/// route   as operations.md names it for the operation. Refuses keys that cannot be stored.
/// body    what counts as the request's body.
[[nodiscard]] Result<Keyed, ApiError> keyed_of(const Call& call, std::string_view route,
                                               std::string_view body);
[[nodiscard]] inline Result<Keyed, ApiError> keyed_of(const Call& call, std::string_view route) {
  return keyed_of(call, route, call.body_bytes());
}
/// The same for an operation whose answer shows a secret.
[[nodiscard]] Result<Keyed, ApiError> secretly_keyed_of(const Context& context, const Call& call,
                                                        std::string_view route, std::string_view body);

/// What a key stands for in the terms of the API: nothing when there is work to do, a stored answer, or a
/// refusal.
[[nodiscard]] Result<std::optional<Answer>, ApiError> look_up(store::ReadTx& tx, const UserId& user,
                                                              const Keyed& keyed, UtcTime now);
/// The same, taking the key for this transaction.
[[nodiscard]] Result<std::optional<Answer>, ApiError> claim(store::Tx& tx, const UserId& user,
                                                            const Keyed& keyed, UtcTime now);
void remember(store::Tx& tx, const UserId& user, const Keyed& keyed, const Answer& answer, UtcTime now);

/// The refusal of a key that another request works on.
[[nodiscard]] ApiError key_in_flight();
/// Takes the key within this process; refuses when it is taken. Holds nothing when the request is not keyed.
[[nodiscard]] Result<std::optional<KeysInFlight::Guard>, ApiError> take_key(Context& context,
                                                                            const UserId& user,
                                                                            const Keyed& keyed);

// --- pages (contract §6) ---------------------------------------------------------------------------------

/// The page asked for. `filters` names the list and every filter in force.
struct PageRequest {
  std::int64_t limit = 100;
  std::string filters;
  std::optional<CursorKey> after;

  /// The position in the forms that the modules below take.
  [[nodiscard]] std::optional<journal::Position> position() const;
  [[nodiscard]] std::optional<std::pair<UtcTime, std::string>> pair() const;
};
[[nodiscard]] Result<PageRequest, ApiError> page_request(const Context& context, const Call& call,
                                                         std::string filters);
/// Text that tells any two lists of parts apart.
[[nodiscard]] std::string filters_text(std::initializer_list<std::string_view> parts);

/// The page envelope of up to limit + 1 rows; one more than the limit means that there is a next page.
/// reached   where the next page begins if there are not.
template <class T, class KeyOf, class ViewOf>
boost::json::object page_view(const Context& context, const PageRequest& request, const std::vector<T>& rows,
                              KeyOf key_of, ViewOf view_of, const std::optional<CursorKey>& reached = {}) {
  const auto limit = static_cast<std::size_t>(request.limit);
  const std::size_t shown = std::min(rows.size(), limit);
  boost::json::array items;
  items.reserve(shown);
  for (std::size_t i = 0; i < shown; ++i) items.push_back(view_of(rows[i]));
  std::string next;
  if (rows.size() > limit) {
    next = context.cursors.encode(key_of(rows[shown - 1]), request.filters);
  } else if (reached) {
    next = context.cursors.encode(*reached, request.filters);
  }
  return page(std::move(items), next);
}

// --- groups of handlers ----------------------------------------------------------------------------------

void attach_account(Server& server, Context& context);
void attach_agents(Server& server, Context& context);
void attach_messages(Server& server, Context& context);
void attach_send(Server& server, Context& context);
void attach_attachments(Server& server, Context& context);
void attach_suppressions(Server& server, Context& context);
void attach_replies(Server& server, Context& context);
void attach_conversations(Server& server, Context& context);
void attach_reviews(Server& server, Context& context);
void attach_handovers(Server& server, Context& context);
void attach_review_settings(Server& server, Context& context);
void attach_webhooks(Server& server, Context& context);
void attach_events(Server& server, Context& context);
void attach_listen(Server& server, Context& context);

/// Binds a handler function to the context.
template <class Function>
Handler bind(Context& context, Function function) {
  return [&context, function](const Call& call) { return function(context, call); };
}

}  // namespace countersign::agent::rest
