// What other protection settings would have made of an agent's past mail. Changes nothing.
#include <algorithm>

#include "account/agent.hpp"
#include "console/context.hpp"
#include "hold/gate.hpp"
#include "hold/scan.hpp"
#include "mail/address.hpp"
#include "mailbox/mailbox.hpp"

namespace countersign::console {
namespace {

namespace json = boost::json;
using account::GateAction;
using mailbox::Direction;

constexpr std::int64_t kMessagesMax = 500;
constexpr std::size_t kMessagesPerRead = 25;
constexpr std::size_t kExamplesMax = 20;
constexpr std::size_t kBytesMax = 2 * 1024 * 1024;  // longer messages are judged by the gate alone
constexpr std::size_t kAllowlistMax = 10'000;

// --- settings --------------------------------------------------------------------------------------------

const json::object* object_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

// A member that may be missing, and otherwise is one of the names.
template <class Enum>
bool read_enum(const json::object& object, std::string_view name,
               std::optional<Enum> (*value_of)(std::string_view), Enum& out) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return true;
  if (!value->is_string()) return false;
  const std::optional<Enum> found = value_of(std::string_view(value->as_string()));
  if (found) out = *found;
  return found.has_value();
}

std::optional<account::Gate> read_gate(const json::object& body, std::string_view direction) {
  const json::object* rules = object_member(body, direction);
  const json::object* gate = rules == nullptr ? nullptr : object_member(*rules, "gate");
  const json::object* scan = rules == nullptr ? nullptr : object_member(*rules, "scan");
  if (gate == nullptr || scan == nullptr) return std::nullopt;
  account::Gate out;
  if (!read_enum(*gate, "policy", account::gate_policy_of, out.policy) ||
      !read_enum(*gate, "action", account::gate_action_of, out.action) ||
      !read_enum(*scan, "sensitivity", account::sensitivity_of, out.sensitivity)) {
    return std::nullopt;
  }
  const json::value* list = gate->if_contains("allowlist");
  if (list == nullptr || list->is_null()) return out;
  if (!list->is_array() || list->as_array().size() > kAllowlistMax) return std::nullopt;
  for (const json::value& entry : list->as_array()) {
    if (!entry.is_string()) return std::nullopt;
    out.allowlist.push_back(mail::normalise(std::string_view(entry.as_string())));
  }
  return out;
}

// --- judging ---------------------------------------------------------------------------------------------

struct Past {
  mailbox::Message message;
  std::string raw;
  mailbox::Draft draft;  // of what was held and never composed
  bool readable = false;
};

std::optional<std::string> authenticated_sender(const mailbox::Message& message) {
  if (message.method == mailbox::Method::loopback) return message.sender;
  if (!message.verified_domain || !message.header_from) return std::nullopt;
  return mail::bare_address(*message.header_from);
}

std::vector<std::string> recipients_of(const mailbox::Message& message) {
  std::vector<std::string> out = message.to;
  out.insert(out.end(), message.cc.begin(), message.cc.end());
  out.insert(out.end(), message.bcc.begin(), message.bcc.end());
  return out;
}

std::optional<hold::Trip> judge(const account::Agent& agent, const Past& past, bool screening) {
  const bool inbound = past.message.direction == Direction::inbound;
  std::vector<hold::Trip> trips;
  auto gate = inbound ? hold::inbound_gate(agent, authenticated_sender(past.message))
                      : hold::outbound_gate(agent, recipients_of(past.message));
  if (gate) trips.push_back(std::move(*gate));
  const auto sensitivity = hold::sensitivity_of(inbound ? agent.protection.inbound.sensitivity
                                                        : agent.protection.outbound.sensitivity);
  if (screening && past.readable && sensitivity != screen::Sensitivity::off) {
    const std::string verified = past.message.verified_domain.value_or("");
    const screen::Report report =
        past.raw.empty() ? hold::screen_draft(agent.email, past.draft)
                         : hold::screen_guarded([&] { return screen::screen_message(past.raw, verified); });
    auto trip = hold::scan_trip(report, screen::judge(report, sensitivity),
                                inbound ? hold::Direction::inbound : hold::Direction::outbound);
    if (trip) trips.push_back(std::move(*trip));
  }
  const hold::Trip* strongest = hold::strongest(trips);
  if (strongest == nullptr) return std::nullopt;
  return *strongest;
}

std::vector<Past> load_past(store::ReadTx& tx, const std::vector<mailbox::Message>& messages, bool content) {
  std::vector<Past> out;
  for (const mailbox::Message& message : messages) {
    Past past{message, "", {}, false};
    if (content && std::cmp_less_equal(message.size_bytes, kBytesMax)) {
      past.readable = true;
      past.raw = mailbox::load_content(tx, message.id).raw.value_or("");
      if (past.raw.empty()) past.draft = mailbox::load_draft(tx, message);
    }
    out.push_back(std::move(past));
  }
  return out;
}

struct Tally {
  std::int64_t checked = 0;
  std::int64_t hold = 0;
  std::int64_t block = 0;
  std::int64_t flag = 0;
  json::array examples;

  void count(const mailbox::Message& message, const std::optional<hold::Trip>& trip) {
    ++checked;
    if (!trip) return;
    (trip->action == GateAction::review ? hold : trip->action == GateAction::block ? block : flag) += 1;
    if (examples.size() >= kExamplesMax) return;
    examples.push_back(
        json::object{{"id", message.id.str()},
                     {"direction", journal::name_of(message.direction)},
                     {"from", message.direction == Direction::inbound ? message.sender : message.agent_email},
                     {"to", array_of(message.to)},
                     {"subject", message.subject},
                     {"at", timestamp(message.created_at)},
                     {"action", account::name_of(trip->action)},
                     {"reason", trip->summary}});
  }
};

struct Found {
  account::Agent agent;
  std::vector<mailbox::Message> messages;
};

Awaitable<std::optional<Found>> find(Context& context, const Visit& visit) {
  auto body = [person = visit.person, email = mail::normalise(visit.path[0]),
               shared = context.settings.shared_domain](store::ReadTx& tx) -> std::optional<Found> {
    auto agent = account::resolve_agent(tx, person, email, shared);
    if (!agent) return std::nullopt;
    return Found{std::move(*agent), mailbox::list(tx, email, {}, std::nullopt, kMessagesMax).messages};
  };
  co_return co_await store::read(context.database, std::move(body));
}

}  // namespace

Awaitable<Answer> dry_run(Context& context, Visit& visit) {
  const auto body = read_object(visit.request);
  if (!body) co_return unexpected(body.error());
  const auto inbound = read_gate(*body, "inbound");
  const auto outbound = read_gate(*body, "outbound");
  if (!inbound) co_return unexpected(invalid(422, "body.inbound", "must be the rules of one direction"));
  if (!outbound) co_return unexpected(invalid(422, "body.outbound", "must be the rules of one direction"));
  std::optional<Found> found = co_await find(context, visit);
  if (!found) co_return unexpected(not_found());
  found->agent.protection.inbound = *inbound;
  found->agent.protection.outbound = *outbound;
  const bool screening = context.settings.screening && (inbound->sensitivity != account::Sensitivity::off ||
                                                        outbound->sensitivity != account::Sensitivity::off);
  Tally tally;
  for (std::size_t begin = 0; begin < found->messages.size() && !context.stopping;
       begin += kMessagesPerRead) {
    const auto first = found->messages.begin() + static_cast<std::ptrdiff_t>(begin);
    const std::size_t count = std::min(kMessagesPerRead, found->messages.size() - begin);
    const std::vector<mailbox::Message> some(first, first + static_cast<std::ptrdiff_t>(count));
    auto load = [some, screening](store::ReadTx& tx) { return load_past(tx, some, screening); };
    std::vector<Past> past = co_await store::read(context.database, std::move(load));
    auto work = [agent = found->agent, past = std::move(past), screening] {
      std::vector<std::optional<hold::Trip>> trips;
      trips.reserve(past.size());
      for (const Past& one : past) trips.push_back(judge(agent, one, screening));
      return trips;
    };
    auto task = run_on(context.workers, std::move(work));
    const std::vector<std::optional<hold::Trip>> trips = co_await std::move(task);
    for (std::size_t i = 0; i < trips.size(); ++i) tally.count(some[i], trips[i]);
  }
  const json::object view{{"checked", tally.checked},
                          {"would_hold", tally.hold},
                          {"would_block", tally.block},
                          {"would_flag", tally.flag},
                          {"examples", std::move(tally.examples)}};
  co_return json_answer(200, view);
}

}  // namespace countersign::console
