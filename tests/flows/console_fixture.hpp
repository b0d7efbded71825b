// A console over a store, with the REST API behind it, asked without a socket.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json/object.hpp>
#include <memory>
#include <string>
#include <vector>

#include "agent/rest/api.hpp"
#include "agent/rest/server.hpp"
#include "console/console.hpp"
#include "flows/office.hpp"
#include "support/stores.hpp"

namespace countersign::test {

/// What a browser holds.
struct Browser {
  std::string cookie;  // `name=value`; empty: none
  std::string csrf;
};

class ConsoleFixture : public StoreTest {
 protected:
  static constexpr std::string_view kOwner = "owner@example.com";

  ConsoleFixture();

  /// What `console_` is made with.
  console::ConsoleSettings settings();
  /// A request as a page of the console makes it.
  [[nodiscard]] net::Request page_request(std::string method, std::string path, const Browser& browser = {},
                                          std::string body = "") const;
  /// What an answer that goes on (text/event-stream) says next; nothing when it has ended.
  std::optional<std::string> next_of(const net::Response& stream);
  net::Response ask(net::Request request);
  /// All of them under way at one time; the answers in the same order.
  std::vector<net::Response> ask_at_once(std::vector<net::Request> requests);
  net::Response ask(std::string method, std::string path, const Browser& browser = {},
                    std::string body = "") {
    return ask(page_request(std::move(method), std::move(path), browser, std::move(body)));
  }
  /// The REST API itself.
  net::Response ask_rest(net::Request request);
  /// The object of an answer that is expected to have this status.
  boost::json::object json_of(const net::Response& response, int status = 200);

  /// Gives the account a password, past the console.
  void set_password(const UserId& user, std::string_view password);
  net::Response try_sign_in(std::string_view email, std::string_view password, const Browser& browser = {});
  Browser sign_in(std::string_view email, std::string_view password = "correct horse battery");
  Browser browser_of(const net::Response& welcome);
  [[nodiscard]] static std::string code_of(const net::Response& response);
  [[nodiscard]] static std::string text(const boost::json::value& value) {
    return std::string(value.as_string());
  }

  boost::asio::io_context io_;
  Office office_{db()};
  console::PasswordCost cost_{64, 1};
  std::unique_ptr<agent::rest::Server> server_;
  std::unique_ptr<agent::rest::Api> api_;
  std::unique_ptr<console::Console> console_;
};

/// One person with a password, whose agent may send nothing by itself.
class ReviewerFixture : public ConsoleFixture {
 protected:
  static constexpr std::string_view kAgent = "writer@agents.example";
  static constexpr std::string_view kPassword = "correct horse battery";
  static constexpr std::string_view kStranger = "someone@elsewhere.example";

  ReviewerFixture();

  /// A held message with two attachments.
  MessageId hold(const std::string& subject = "Figures");
  /// The path of a call about it.
  static std::string review(const MessageId& id, std::string_view what);
  /// Approves it; the answer.
  boost::json::object approve(const Browser& browser, const MessageId& id, const std::string& body);
  static std::string undo_body(const boost::json::object& approved);
};

}  // namespace countersign::test
