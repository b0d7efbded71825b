// Coming in and going out: passwords, sessions, and the link by which the first person comes in.
#include "account/sign_in.hpp"

#include "account/session.hpp"
#include "base/crypto.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "console/context.hpp"
#include "console/guard.hpp"
#include "mail/address.hpp"

namespace countersign::console {
namespace {

namespace json = boost::json;

constexpr int kHashesWaitingMax = 32;
constexpr std::size_t kEmailBytesMax = 320;  // RFC 5321 §4.5.3.1

// A place in the queue of guesses.
class Turn {
 public:
  explicit Turn(std::atomic<int>& waiting) : waiting_(waiting), granted_(++waiting <= kHashesWaitingMax) {}
  ~Turn() { --waiting_; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  [[nodiscard]] bool granted() const { return granted_; }

 private:
  std::atomic<int>& waiting_;
  bool granted_;
};

net::Response session_answer(const Context& context, const std::string& email, const UserId& user,
                             std::string_view token) {
  json::object view;
  view["email"] = email;
  view["account_id"] = user.str();
  view["csrf_token"] = csrf_token(token);
  view["version"] = context.settings.version;
  view["shared_domain"] = context.settings.shared_domain;
  return json_answer(200, view);
}

// With a cookie that no browser had before.
net::Response welcome(const Context& context, const account::User& user, std::string_view token) {
  net::Response response = session_answer(context, user.email, user.id, token);
  response.headers.add("Set-Cookie",
                       cookie_of(token, context.settings.session_max.count(), context.secure()));
  return response;
}

account::NewSession session_of(const Context& context, const UserId& user, std::string_view token,
                               UtcTime now) {
  return {token_hash(token), user, context.settings.session_idle, now + context.settings.session_max};
}

struct Credentials {
  std::string email;
  std::string password;
};

std::optional<Refusal> refuse_new_password(std::string_view location, std::string_view password) {
  if (password.size() > kPasswordBytesMax) return invalid(422, location, "must have at most 1024 bytes");
  if (is_utf8(password) && code_points(password) >= kPasswordCharactersMin) return std::nullopt;
  return invalid(422, location, "must have at least 12 characters");
}

Result<Credentials, Refusal> credentials_of(const json::object& body) {
  const auto email = text_member(body, "email");
  const auto password = text_member(body, "password");
  if (!email || email->size() > kEmailBytesMax)
    return unexpected(invalid(422, "body.email", "must be an address"));
  if (!password || password->size() > kPasswordBytesMax) {
    return unexpected(invalid(422, "body.password", "must be a text of at most 1024 bytes"));
  }
  return Credentials{mail::normalise(*email), *password};
}

// Counted before anything is compared, so that guesses made at one time count like others.
Awaitable<std::optional<Refusal>> count_attempt(Context& context, const Visit& visit,
                                                std::optional<std::string> email) {
  auto body = [client = account::address_subject(visit.client), email = std::move(email),
               per_address = context.settings.attempts_per_address,
               per_person = context.settings.attempts_per_person,
               now = visit.now](store::Tx& tx) -> Result<std::monostate, account::Throttled> {
    const auto address = account::count_attempt(tx, client, per_address, now);
    if (!address || !email) return address;
    return account::count_attempt(tx, account::person_subject(*email), per_person, now);
  };
  const auto counted = co_await store::write(context.database, std::move(body));
  if (counted) co_return std::nullopt;
  co_return rate_limited(counted.error().retry_after_seconds);
}

// What a hash of nobody's password is compared with, so that an unknown address takes as long as a known one.
const std::string& nobodys_hash(const PasswordCost& cost) {
  static const std::string kHash = hash_password(random_hex(32), cost);
  return kHash;
}

struct Guess {
  bool right = false;
  std::string newer;  // the same password at today's cost; empty when the hash is up to date
};

Awaitable<std::optional<Guess>> guess(Context& context, std::string password,
                                      std::optional<std::string> hash) {
  const Turn turn(context.hashes_waiting);
  if (!turn.granted()) co_return std::nullopt;
  auto work = [cost = context.settings.password_cost, password = std::move(password),
               hash = std::move(hash)] {
    Guess made;
    made.right = is_password(password, hash ? *hash : nobodys_hash(cost)) && hash.has_value();
    if (made.right && is_outdated(*hash, cost)) made.newer = hash_password(password, cost);
    return made;
  };
  auto task = run_on(context.hashers, std::move(work));
  co_return co_await std::move(task);
}

// Nothing when too many wait.
Awaitable<std::optional<std::string>> hash_in_turn(Context& context, std::string password) {
  const Turn turn(context.hashes_waiting);
  if (!turn.granted()) co_return std::nullopt;
  auto work = [cost = context.settings.password_cost, password = std::move(password)] {
    return hash_password(password, cost);
  };
  auto task = run_on(context.hashers, std::move(work));
  co_return co_await std::move(task);
}

Refusal invalid_credentials() {
  return {401, "invalid_credentials", "there is no account with this address and password"};
}

// Not 401, which says that the session is over.
Refusal wrong_password() { return {403, "wrong_password", "that is not the present password"}; }

}  // namespace

Awaitable<Answer> get_session(Context& context, Visit& visit) {
  co_return session_answer(context, visit.person.email, visit.person.user, visit.token);
}

Awaitable<Answer> sign_in(Context& context, Visit& visit) {
  const auto body = read_object(visit.request);
  if (!body) co_return unexpected(body.error());
  auto given = credentials_of(*body);
  if (!given) co_return unexpected(given.error());
  const std::optional<Refusal> throttled = co_await count_attempt(context, visit, given->email);
  if (throttled) co_return unexpected(*throttled);

  auto look = [email = given->email](store::ReadTx& tx) { return account::find_password(tx, email); };
  const std::optional<account::Password> known = co_await store::read(context.database, std::move(look));
  std::optional<std::string> hash;
  if (known) hash = known->hash;
  auto guessing = guess(context, std::move(given->password), hash);
  const std::optional<Guess> made = co_await std::move(guessing);
  if (!made) co_return unexpected(unavailable());
  if (!made->right) {
    log::info("console.sign_in_refused", {{"address", visit.client}});
    co_return unexpected(invalid_credentials());
  }

  // A new token at every sign-in, and the end of the browser's old one: nobody can have planted it.
  const std::string token = random_hex(kTokenDigits);
  auto enter = [known = *known, newer = made->newer, email = given->email,
                client = account::address_subject(visit.client),
                session = session_of(context, known->user.id, token, visit.now),
                old = session_token(visit.request.headers), now = visit.now](store::Tx& tx) {
    if (!account::lock_password(tx, known.user.id, known.hash)) return false;  // it was changed meanwhile
    if (!newer.empty()) (void)account::upgrade_password(tx, known.user.id, known.hash, newer);
    account::forgive_attempts(tx, account::person_subject(email));
    account::forgive_attempt(tx, client);
    if (old) account::end_session(tx, token_hash(*old));
    account::begin_session(tx, session, now);
    return true;
  };
  const bool entered = co_await store::write(context.database, std::move(enter));
  if (!entered) co_return unexpected(invalid_credentials());
  log::info("console.signed_in", {{"account", known->user.id.str()}});
  co_return welcome(context, known->user, token);
}

Awaitable<Answer> sign_out(Context& context, Visit& visit) {
  auto body = [hash = token_hash(visit.token)](store::Tx& tx) { return account::end_session(tx, hash); };
  co_await store::write(context.database, std::move(body));
  net::Response response = no_content();
  response.headers.add("Set-Cookie", cookie_of("", 0, context.secure()));
  co_return response;
}

Awaitable<Answer> sign_out_everywhere(Context& context, Visit& visit) {
  auto body = [user = visit.person.user](store::Tx& tx) { return account::end_sessions(tx, user); };
  co_await store::write(context.database, std::move(body));
  net::Response response = no_content();
  response.headers.add("Set-Cookie", cookie_of("", 0, context.secure()));
  co_return response;
}

Awaitable<Answer> change_password(Context& context, Visit& visit) {
  const auto body = read_object(visit.request);
  if (!body) co_return unexpected(body.error());
  const auto present = text_member(*body, "password");
  if (!present || present->size() > kPasswordBytesMax) {
    co_return unexpected(invalid(422, "body.password", "must be the present password"));
  }
  const std::string wanted = text_member(*body, "new_password").value_or("");
  if (const auto refusal = refuse_new_password("body.new_password", wanted)) co_return unexpected(*refusal);
  const std::string email = visit.person.email;
  const std::optional<Refusal> throttled = co_await count_attempt(context, visit, email);
  if (throttled) co_return unexpected(*throttled);

  auto look = [email](store::ReadTx& tx) { return account::find_password(tx, email); };
  const std::optional<account::Password> known = co_await store::read(context.database, std::move(look));
  if (!known) co_return unexpected(wrong_password());
  auto guessing = guess(context, *present, known->hash);
  const std::optional<Guess> made = co_await std::move(guessing);
  if (!made) co_return unexpected(unavailable());
  if (!made->right) {
    log::info("console.password_refused", {{"account", known->user.id.str()}, {"address", visit.client}});
    co_return unexpected(wrong_password());
  }
  auto hashing = hash_in_turn(context, wanted);
  const std::optional<std::string> hash = co_await std::move(hashing);
  if (!hash) co_return unexpected(unavailable());

  // Every browser is out; this one gets a token that nobody had before.
  const std::string token = random_hex(kTokenDigits);
  auto change = [known = *known, hash = *hash, email, client = account::address_subject(visit.client),
                 old = token_hash(visit.token),
                 session = session_of(context, known->user.id, token, visit.now),
                 now = visit.now](store::Tx& tx) -> std::optional<Refusal> {
    if (!account::lock_password(tx, known.user.id, known.hash)) return wrong_password();
    if (!account::end_session(tx, old)) return unauthorized();
    account::set_password(tx, known.user.id, hash, now);
    account::forgive_attempts(tx, account::person_subject(email));
    account::forgive_attempt(tx, client);
    account::begin_session(tx, session, now);
    return std::nullopt;
  };
  const std::optional<Refusal> refused = co_await store::write(context.database, std::move(change));
  if (refused) co_return unexpected(*refused);
  log::info("console.password_changed", {{"account", known->user.id.str()}});
  co_return welcome(context, known->user, token);
}

Awaitable<Answer> get_setup(Context& context, Visit&) {
  const bool somebody = co_await store::read(
      context.database, [](store::ReadTx& tx) { return account::anybody_has_password(tx); });
  const json::object view{{"needed", !somebody}};
  co_return json_answer(200, view);
}

Awaitable<Answer> set_up(Context& context, Visit& visit) {
  const auto body = read_object(visit.request);
  if (!body) co_return unexpected(body.error());
  const std::optional<Refusal> throttled = co_await count_attempt(context, visit, std::nullopt);
  if (throttled) co_return unexpected(*throttled);
  const std::string link = text_member(*body, "token").value_or("");
  const bool somebody = co_await store::read(
      context.database, [](store::ReadTx& tx) { return account::anybody_has_password(tx); });
  if (somebody || !is_setup_token(link, context.settings.secret, visit.now)) {
    co_return unexpected(forbidden("this link was used, or is over; start the server anew for another"));
  }

  auto given = credentials_of(*body);
  if (!given) co_return unexpected(given.error());
  const auto mailbox = mail::parse_mailbox(given->email);
  if (!mailbox || !mailbox->display_name.empty()) {
    co_return unexpected(invalid(422, "body.email", "must be an address, like you@example.com"));
  }
  if (const auto refusal = refuse_new_password("body.password", given->password)) {
    co_return unexpected(*refusal);
  }
  auto hashing = hash_in_turn(context, given->password);
  const std::optional<std::string> hash = co_await std::move(hashing);
  if (!hash) co_return unexpected(unavailable());

  const std::string token = random_hex(kTokenDigits);
  auto enter = [hash = *hash, email = mail::normalise(mailbox->address), fresh = UserId(random_hex(32)),
                session = session_of(context, UserId(), token, visit.now), plan = context.settings.plan_code,
                now = visit.now](store::Tx& tx) -> Result<account::User, Refusal> {
    if (!account::claim_setup(tx, now)) return unexpected(forbidden("this link was used, or is over"));
    auto user = account::find_user_by_email(tx, email);
    if (!user) user = account::create_user(tx, fresh, email, now, plan);
    if (!user) return unexpected(unavailable());  // somebody else created it just now
    account::set_password(tx, user->id, hash, now);
    account::NewSession begun = session;
    begun.user = user->id;
    account::begin_session(tx, begun, now);
    return *user;
  };
  const Result<account::User, Refusal> user = co_await store::write(context.database, std::move(enter));
  if (!user) co_return unexpected(user.error());
  log::info("console.set_up", {{"account", user->id.str()}});
  co_return welcome(context, *user, token);
}

}  // namespace countersign::console
