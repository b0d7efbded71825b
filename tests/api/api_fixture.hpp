// The REST API in process over every store: requests go through the real router, limits, validation and
// handlers, and every answer is checked against the declared schema.
#pragma once

#include <gmock/gmock.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <future>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "account/agent.hpp"
#include "agent/rest/api.hpp"
#include "agent/rest/schema.hpp"
#include "agent/rest/server.hpp"
#include "outbox/outbox.hpp"
#include "provider/loopback/send_step.hpp"
#include "support/stores.hpp"

namespace countersign::test {

namespace rest = agent::rest;

/// Every look at it is a millisecond later, so that rows have times of their own.
class TickingClock final : public Clock {
 public:
  [[nodiscard]] UtcTime now() const override { return from_us(us_.fetch_add(1'000) + 1'000); }
  void advance(Duration by) { us_ += by.count(); }

 private:
  mutable std::atomic<std::int64_t> us_ = to_us(*parse_rfc3339("2026-11-23T10:00:00Z"));
};

/// One answer. `json` is null when the body is not JSON.
struct Reply {
  int status = 0;
  net::Headers headers;
  std::string body;
  boost::json::value json;

  [[nodiscard]] std::string text(std::string_view member) const;
  [[nodiscard]] bool has(std::string_view member) const;
  [[nodiscard]] std::string error_code() const;
  [[nodiscard]] const boost::json::array& items() const { return json.at("items").as_array(); }
  [[nodiscard]] std::string next_cursor() const;
};

/// The send step of production, which a test may stop inside a transaction.
class StoppableSendStep final : public outbox::SendStep {
 public:
  explicit StoppableSendStep(provider::loopback::Identity identity) : step_(std::move(identity)) {}
  [[nodiscard]] outbox::SendResult send(store::Tx& tx, const account::Agent& agent,
                                        const mailbox::Message& message, const mailbox::Draft& draft,
                                        UtcTime now) override;
  std::function<void()> before_send;  // set while no request is under way

 private:
  provider::loopback::SendStep step_;
};

struct Ask {
  std::string method = "GET";
  std::string target;
  std::string body;
  std::string key;  // API key; empty: no Authorization header
  std::vector<net::Header> headers;
};

inline constexpr std::string_view kSharedDomain = "agents.example";
inline const std::string kBot = "bot@agents.example";
inline const std::string kBotPath = "/v1/agents/bot@agents.example";

/// Two accounts, ada and eve, with an account key each; ada has the agents bot and sister, and bot a key.
class ApiTest : public StoreTest {
 protected:
  explicit ApiTest(rest::ServerOptions options = {}, account::Limits limits = {},
                   rest::SearchLimits search = {}, std::string public_url = "https://mail.example");
  ~ApiTest() override;

  /// Sends one request and checks what is true of every answer: declared schema, JSON, the error envelope.
  Reply ask(const Ask& ask);
  std::future<rest::Response> start(const Ask& ask);
  Reply finish(const Ask& ask, rest::Response response);

  Reply get(const std::string& target) { return ask({"GET", target, "", ada_, {}}); }
  Reply post(const std::string& target, const std::string& body) {
    return ask({"POST", target, body, ada_, {}});
  }
  Reply patch(const std::string& target, const std::string& body) {
    return ask({"PATCH", target, body, ada_, {}});
  }
  Reply put(const std::string& target, const std::string& body) {
    return ask({"PUT", target, body, ada_, {}});
  }
  Reply remove(const std::string& target) { return ask({"DELETE", target, "", ada_, {}}); }
  Reply keyed(const std::string& target, const std::string& body, const std::string& key) {
    return ask({"POST", target, body, ada_, {{"Idempotency-Key", key}}});
  }

  /// A body of sendMessage with `more` members appended.
  static std::string mail(const std::string& to, const std::string& subject, const std::string& more = "");
  Reply send(const std::string& to, const std::string& subject, const std::string& more = "") {
    return post(kBotPath + "/messages", mail(to, subject, more));
  }
  /// Mail to the bot itself: one outbound and one unread inbound row. The id of the inbound one.
  std::string receive(const std::string& subject, const std::string& more = "");
  /// From now on the bot's mail is held.
  void hold_everything(const std::string& holds = "{}");
  std::string held(const std::string& subject, const std::string& more = "");
  /// The provider "smtp" is handed everything that is queued, and answers so.
  void hand_over(outbox::Verdict verdict);

  /// Rows per table that a request could add to.
  std::map<std::string, std::int64_t> row_counts();
  std::int64_t count(const store::Query& query);
  /// Bodies as they are remembered for Idempotency-Keys.
  std::vector<std::string> stored_answers();

  TickingClock clock_;
  StoppableSendStep send_step_{{std::string(kSharedDomain), std::string(kSharedDomain), true}};
  const rest::Contract contract_{rest::openapi_document()};
  rest::Api api_;
  rest::Server server_;
  std::string ada_, eve_, bot_;  // keys
  UserId ada_id_{"ada"}, eve_id_{"eve"};

 private:
  rest::ServerHooks hooks();
  std::string make_key(const UserId& user, account::Scope scope, const std::string& agent);

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  std::vector<std::jthread> threads_;
};

MATCHER_P2(Refused, status, code, "") {
  *result_listener << "is " << arg.status << " " << arg.body;
  return arg.status == status && arg.error_code() == code;
}
MATCHER_P(Answered, status, "") {
  *result_listener << "is " << arg.status << " " << arg.body;
  return arg.status == status;
}

}  // namespace countersign::test
