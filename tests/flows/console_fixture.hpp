// A console over a store, with the REST API behind it, asked without a socket.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json/object.hpp>
#include <memory>
#include <string>

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
  ConsoleFixture();

  /// A request as a page of the console makes it.
  [[nodiscard]] net::Request page_request(std::string method, std::string path, const Browser& browser = {},
                                          std::string body = "") const;
  net::Response ask(net::Request request);
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

  boost::asio::io_context io_;
  Office office_{db()};
  console::PasswordCost cost_{64, 1};
  std::unique_ptr<agent::rest::Server> server_;
  std::unique_ptr<agent::rest::Api> api_;
  std::unique_ptr<console::Console> console_;
};

}  // namespace countersign::test
