// The REST API in the name of a person, and who was faster when a decision came too late.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "console/context.hpp"
#include "console/guard.hpp"
#include "console/hold_view.hpp"

namespace countersign::console {
namespace {

namespace json = boost::json;

constexpr std::string_view kConsoleApi = "/console/api";
constexpr std::string_view kReviews = "/v1/reviews/";

// The message that `/v1/reviews/{id}/approve` or `…/reject` decides about; nothing for another path.
std::optional<MessageId> decided_message(std::string_view path) {
  if (!path.starts_with(kReviews)) return std::nullopt;
  path.remove_prefix(kReviews.size());
  const std::size_t slash = path.find('/');
  const std::string_view verb = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
  if (verb != "/approve" && verb != "/reject") return std::nullopt;
  const auto id = net::percent_decode(path.substr(0, slash));
  if (!id) return std::nullopt;
  return MessageId(*id);
}

// What the REST API is to see of a request: neither cookies nor keys.
net::Request without_credentials(net::Request request) {
  net::Headers kept;
  for (const net::Header& field : request.headers) {
    const bool credential = net::equal_ignoring_case(field.name, "Cookie") ||
                            net::equal_ignoring_case(field.name, "Authorization");
    if (!credential) kept.add(field.name, field.value);
  }
  request.headers = std::move(kept);
  return request;
}

// Adds the decision that came first to the refusal of a later one.
bool add_decision(net::Response& response, const json::object& decision) {
  boost::system::error_code error;
  json::value body = json::parse(response.body, error);
  if (error || !body.is_object()) return false;
  json::value* refusal = body.as_object().if_contains("error");
  if (refusal == nullptr || !refusal->is_object()) return false;
  if (refusal->as_object()["code"] != "message_not_pending") return false;
  refusal->as_object()["details"] = json::object{{"decision", decision}};
  response.body = json::serialize(body);
  return true;
}

}  // namespace

Awaitable<net::Response> ask_api(Context& context, const Visit& visit, net::Request request,
                                 Duration undo_for) {
  if (request.path.starts_with(kConsoleApi)) {
    request.path.erase(0, kConsoleApi.size());
    request.target.erase(0, std::min(request.target.size(), kConsoleApi.size()));
  }
  request = without_credentials(std::move(request));
  const std::optional<MessageId> decided = decided_message(request.path);
  Grant grant{token_hash(visit.token), visit.person.user.str(), visit.person.exempt_from_limiters, undo_for};
  auto work = context.settings.api(std::move(request), std::move(grant));
  net::Response response = co_await std::move(work);
  response.headers.set("Cache-Control", "no-store");
  if (response.status != 409 || !decided) co_return response;
  auto look = [user = visit.person.user, id = *decided](store::ReadTx& tx) {
    return find_decision(tx, user, id);
  };
  const std::optional<json::object> decision = co_await store::read(context.database, std::move(look));
  if (decision) add_decision(response, *decision);
  co_return response;
}

}  // namespace countersign::console
