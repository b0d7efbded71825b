// The operations of the REST API on the durable middle. Built by the composition root, which attaches it to a
// Server; everything about HTTP is the server's.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "account/principal.hpp"
#include "agent/rest/server.hpp"
#include "agent/ws/admission.hpp"
#include "base/time.hpp"
#include "hold/loop.hpp"
#include "mailbox/mailbox.hpp"
#include "outbox/send_step.hpp"
#include "store/database.hpp"

namespace countersign::agent::rest {

/// How far one request looks through a mailbox for what no index answers. A page that ends before it is full
/// leads on; only then can a last page be empty.
struct SearchLimits {
  std::int64_t rows_of_step = mailbox::kRowsExaminedMax;  // between steps others read
  int steps_max = 50;
  std::chrono::milliseconds time_max{5'000};  // no new step then; clients wait for 30 s
};

struct ApiSettings {
  std::string shared_domain;       // anybody's agents may live here; empty: none
  std::string public_url;          // shown by getInfo, begins links; empty: left out there
  std::string upgrade_url;         // shown by getAccount; may be empty
  std::string outbound_transport;  // "smtp", "ses", …, shown by getInfo
  account::Limits limits;          // of accounts without overrides
  std::string cursor_secret;       // keys the page cursors
  /// Called after a commit that queued mail for the outside, so that it need not wait for the next poll.
  std::function<void()> queued = [] {};
  /// Called after a commit that holds a draft, so that its reviewers hear of it at once.
  std::function<void()> held = [] {};
  /// Where the provider replaces Message-IDs by ids of its own: the domain that these stand in. Empty: it
  /// keeps them.
  std::string provider_id_domain = {};
  bool screening = true;  // content is screened, both ways, where an agent's protection asks for it
  /// Where long drafts are screened; nothing: where their request is served.
  boost::asio::any_io_executor workers = {};
  hold::LoopLimits loops = {};
  /// Called after every commit of a request: there may be events to be told.
  std::function<void()> committed = [] {};
  /// Why events must not be delivered to this host; empty: they may.
  std::function<boost::asio::awaitable<std::string>(std::string host)> webhook_host_fault = {};
  /// Takes the WebSocket of a caller that was admitted; nothing while there is no room. Not set: there are
  /// none.
  std::function<std::shared_ptr<net::Takeover>(ws::Admission admission, const net::Headers& headers,
                                               const std::string& request_id)>
      listen = {};
  SearchLimits search = {};
  /// Where it listens, `host:port`: begins links when neither public_url nor the request says where it is.
  std::string http_address = {};
};

/// Context is what handlers share; see handlers/context.hpp.
struct Context;

class Api {
 public:
  /// The references must outlive the Api and whatever it started on the database.
  Api(store::Database& database, outbox::SendStep& send, ApiSettings settings);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  /// Gives the server its handlers. Once; the server must outlive the last request, and so must the Api.
  void attach(Server& server);

  /// ServerHooks::subject: the account behind an Authorization header, for the limiters.
  [[nodiscard]] boost::asio::awaitable<std::optional<LimitSubject>> subject(std::string authorization,
                                                                            UtcTime now);

 private:
  std::unique_ptr<Context> context_;
};

}  // namespace countersign::agent::rest
