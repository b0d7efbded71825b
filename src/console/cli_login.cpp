#include "console/cli_login.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "account/agent.hpp"
#include "account/session.hpp"
#include "base/crypto.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "console/guard.hpp"

namespace countersign::console {
namespace {

constexpr std::size_t kCallbackBytesMax = 2048;
constexpr std::size_t kStateBytesMax = 1024;
constexpr std::string_view kSubmit = "document.forms[0].submit()";

struct Wish {
  std::string callback;
  std::string state;
  std::string origin;  // of the callback
};

net::Response plain(int status, std::string_view text) {
  net::Response response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.body = text;
  return response;
}

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return out;
}

// A field of a form or a query; `+` is a blank in both.
std::optional<std::string> form_value(std::string_view form, std::string_view name) {
  std::string text(form);
  std::ranges::replace(text, '+', ' ');
  return query_value(text, name);
}

std::string hidden(std::string_view name, std::string_view value) {
  return fmt::format("<input type=hidden name=\"{}\" value=\"{}\">", name, escape_html(value));
}

// The form goes to this server or to the callback, the one script is the one whose hash stands here.
net::Response html(std::string_view body, const std::string& form_target) {
  const Sha256 digest = sha256(kSubmit);
  const std::string hash = base64_encode({reinterpret_cast<const char*>(digest.data()), digest.size()});
  net::Response response;
  response.headers.add("Content-Type", "text/html; charset=utf-8");
  response.headers.add("Cache-Control", "no-store");
  response.headers.add(
      "Content-Security-Policy",
      fmt::format("default-src 'none'; script-src 'sha256-{}'; form-action 'self' {}; base-uri "
                  "'none'; frame-ancestors 'none'",
                  hash, form_target));
  // With no-referrer a browser hides the origin of a form (Fetch §3.2), and the form is refused.
  response.headers.add("Referrer-Policy", "same-origin");
  response.body = fmt::format(
      "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
      "content=\"width=device-width\"><title>Countersign</title>{}</html>",
      body);
  return response;
}

Result<Wish, net::Response> read_wish(std::string_view form) {
  const auto callback = form_value(form, "cli_callback");
  const auto state = form_value(form, "cli_state");
  if (!callback || !state || callback->empty() || state->empty() || state->size() > kStateBytesMax) {
    return unexpected(plain(400, "cli_callback and cli_state belong together\n"));
  }
  const auto origin = callback_origin(*callback);
  if (!origin) return unexpected(plain(400, "cli_callback must be an http URL of this machine\n"));
  return Wish{*callback, *state, *origin};
}

struct Person {
  account::Principal principal;
  std::string token;
};

Awaitable<std::optional<Person>> find_person(Context& context, const net::Request& request) {
  const auto token = session_token(request.headers);
  if (!token) co_return std::nullopt;
  auto body = [hash = token_hash(*token), now = context.clock.now(), limits = context.settings.limits](
                  store::ReadTx& tx) { return account::authenticate_session(tx, hash, now, limits); };
  const auto principal = co_await store::read(context.database, std::move(body));
  if (!principal) co_return std::nullopt;
  co_return Person{*principal, *token};
}

net::Response ask_person(const Wish& wish, const Person& person) {
  const std::string yes =
      fmt::format("<form method=post action=\"{}\">{}{}{}<button>Give it a key</button></form>", kCliPage,
                  hidden("cli_callback", wish.callback), hidden("cli_state", wish.state),
                  hidden("csrf_token", csrf_token(person.token)));
  const std::string no = fmt::format("<form method=post action=\"{}\">{}{}<button>No</button></form>",
                                     escape_html(wish.callback), hidden("cli_state", wish.state),
                                     hidden("error", "the person in the browser said no"));
  return html(
      fmt::format(
          "<h1>A command-line client wants to sign in</h1><p>A program on this computer, at <b>{}</b>, "
          "asks for a key to everything in the account <b>{}</b>. Say yes only if you have just "
          "started it.</p>{}{}",
          escape_html(wish.origin), escape_html(person.principal.email), yes, no),
      wish.origin);
}

net::Response ask_to_sign_in() {
  return html(
      "<h1>Sign in first</h1><p><a href=\"/console/\" target=_blank>Open the console</a>, sign in, and load "
      "this page again.</p>",
      "");
}

Awaitable<net::Response> hand_over_key(Context& context, const Wish& wish, const Person& person) {
  const std::string plaintext = account::key_plaintext(account::Scope::account, random_hex(64));
  const account::NewApiKey key{ApiKeyId(random_id("apk_")),
                               person.principal.user,
                               "command line",
                               sha256_hex(plaintext),
                               plaintext.substr(0, 16),
                               account::Scope::account,
                               "",
                               {}};
  auto body = [key, session = token_hash(person.token), shared = context.settings.shared_domain,
               limits = context.settings.limits,
               now = context.clock.now()](store::Tx& tx) -> std::optional<std::string> {
    if (!account::authenticate_session(tx, session, now, limits)) return std::nullopt;
    account::create_key(tx, key, now);
    const auto agents = account::list_agents(tx, key.user, false, std::nullopt, 1, shared);
    return agents.empty() ? std::string() : agents.front().email;
  };
  const std::optional<std::string> agent = co_await store::write(context.database, std::move(body));
  if (!agent) co_return ask_to_sign_in();
  log::info("console.cli_key", {{"account", person.principal.user.str()}, {"key", key.id.str()}});
  co_return html(
      fmt::format("<p>Handing the key over …</p><form method=post action=\"{}\">{}{}{}<button>Go on"
                  "</button></form><script>{}</script>",
                  escape_html(wish.callback), hidden("cli_state", wish.state), hidden("api_key", plaintext),
                  hidden("agent_email", *agent), kSubmit),
      wish.origin);
}

}  // namespace

std::optional<std::string> callback_origin(std::string_view callback) {
  constexpr std::string_view kScheme = "http://";
  if (callback.size() > kCallbackBytesMax || !callback.starts_with(kScheme)) return std::nullopt;
  // No blanks, quotes or controls: the text stands in a header and in a page.
  const bool clean = std::ranges::all_of(callback, [](char c) {
    return c > ' ' && c < '\x7f' && std::string_view("\"'<>\\^`{|};,").find(c) == std::string_view::npos;
  });
  if (!clean) return std::nullopt;
  const std::string_view rest = callback.substr(kScheme.size());
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) return std::nullopt;
  std::string_view host = authority;
  std::string_view port;
  const std::size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
    const auto number = number_of(port);
    if (port.empty() || !number || *number < 1 || *number > 65'535) return std::nullopt;
  }
  if (ascii_lower(host) != "localhost") {
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(std::string(host), error);
    if (error || !address.is_loopback()) return std::nullopt;
  }
  return std::string(kScheme) + std::string(authority);
}

Awaitable<net::Response> answer_cli_login(Context& context, net::Request request) {
  const bool get = request.method == "GET";
  const bool begins = request.path == kCliLogin;
  if (!get && (begins || request.method != "POST")) {
    net::Response response = plain(405, "method not allowed\n");
    response.headers.add("Allow", begins ? "GET" : "GET, POST");
    co_return response;
  }
  if (begins && !form_value(request.query, "cli_callback") && !form_value(request.query, "cli_state")) {
    net::Response response = plain(302, "");
    response.headers.add("Location", "/console/");
    co_return response;
  }
  const Result<Wish, net::Response> wish = read_wish(get ? request.query : request.body);
  if (!wish) co_return wish.error();
  if (begins) {  // the cookie is sent to /console only
    net::Response response = plain(302, "");
    response.headers.add("Location", fmt::format("{}?cli_callback={}&cli_state={}", kCliPage,
                                                 encoded(wish->callback), encoded(wish->state)));
    co_return response;
  }
  const std::optional<Person> person = co_await find_person(context, request);
  if (!person) co_return ask_to_sign_in();
  if (get) co_return ask_person(*wish, *person);
  const std::string csrf = form_value(request.body, "csrf_token").value_or("");
  if (!is_same_origin(request, context.settings.public_url) ||
      !equal_constant_time(csrf, csrf_token(person->token))) {
    co_return plain(403, "the page is not of this session; load it again\n");
  }
  co_return co_await hand_over_key(context, *wish, *person);
}

}  // namespace countersign::console
