#include "support/conforming_events.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <map>
#include <string>
#include <vector>

#include "agent/rest/schema.hpp"

namespace countersign::test {
namespace {

namespace json = boost::json;
namespace rest = agent::rest;

constexpr store::Query kEvents("test.all_events", "SELECT type, id, envelope FROM events ORDER BY position");

// Members of the types for which the contract has a table instead of a schema (behaviour.md §24), by type and
// direction.
const std::map<std::string, std::vector<std::string>>& members() {
  static const std::map<std::string, std::vector<std::string>> all{
      {"email.review_requested outbound",
       {"message_id", "direction", "agent_email", "from", "to", "cc", "bcc", "subject", "message_type",
        "conversation_id", "approval_expires_at"}},
      {"email.review_requested inbound",
       {"message_id", "conversation_id", "agent_email", "direction", "header_from", "envelope_from",
        "authentication", "delivered_to", "subject", "reason", "reason_source", "approval_expires_at"}},
      {"email.review_approved outbound",
       {"message_id", "direction", "agent_email", "method", "from", "to", "subject", "message_type",
        "edited"}},
      {"email.review_approved inbound",
       {"message_id", "direction", "agent_email", "from", "subject", "message_type"}},
      {"email.review_rejected outbound",
       {"message_id", "direction", "agent_email", "message_type", "reason"}},
      {"email.review_rejected inbound", {"message_id", "direction", "agent_email", "message_type", "reason"}},
      {"email.flagged inbound",
       {"message_id", "conversation_id", "direction", "agent_email", "header_from", "envelope_from",
        "authentication", "reply_to", "delivered_to", "subject", "policy", "reason"}},
      {"email.blocked inbound",
       {"message_id", "conversation_id", "direction", "agent_email", "header_from", "envelope_from",
        "authentication", "delivered_to", "subject", "reason", "reason_source"}},
      {"email.blocked outbound",
       {"message_id", "agent_email", "direction", "to", "cc", "bcc", "subject", "reason", "reason_source"}}};
  return all;
}

void check_envelope(const std::string& type, const std::string& id, const json::object& envelope) {
  std::vector<std::string> names;
  for (const auto& member : envelope) names.emplace_back(member.key());
  EXPECT_EQ(names, (std::vector<std::string>{"type", "id", "schema_version", "created_at", "data"}));
  EXPECT_EQ(envelope.at("type").as_string(), type);
  EXPECT_EQ(envelope.at("id").as_string(), id);
  EXPECT_EQ(envelope.at("schema_version").as_string(), "1");
}

void check_data(const rest::Contract& contract, const std::string& type, const json::object& data) {
  for (const rest::FieldError& fault : contract.check_event(type, data)) {
    ADD_FAILURE() << type << ": " << fault.location << " " << fault.message << " in "
                  << json::serialize(data);
  }
  const json::value* direction = data.if_contains("direction");
  const std::string key =
      direction != nullptr ? type + " " + std::string(std::string_view(direction->as_string())) : type;
  const auto found = members().find(key);
  if (found == members().end()) return;
  for (const std::string& name : found->second) {
    EXPECT_TRUE(data.contains(name)) << key << " without " << name << " in " << json::serialize(data);
  }
}

}  // namespace

void expect_events_conform(store::Database& database) {
  static const rest::Contract contract{rest::openapi_document()};
  const store::Rows rows = database.read([](store::ReadTx& tx) { return tx.query(kEvents); });
  for (const store::Row row : rows) {
    const json::value envelope = json::parse(row.text(2));
    check_envelope(row.text(0), row.text(1), envelope.as_object());
    check_data(contract, row.text(0), envelope.at("data").as_object());
  }
}

}  // namespace countersign::test
