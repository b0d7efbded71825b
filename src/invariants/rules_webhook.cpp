// The way out: no event and no delivery is stuck, and what is said of a delivery is what its attempts say.
#include "invariants/rule.hpp"

namespace countersign::invariants {
namespace {

#define CS_DELIVERY "d.id AS subject, d.event_type || ' for ' || d.webhook_id AS detail"

constexpr Rule kRules[] = {
    CS_RULE_SINCE(Since::leases, "event-fanned-out", "no event has waited for long to be told",
                  "SELECT e.id AS subject, e.type AS detail FROM events e WHERE e.status = 'pending' AND "
                  "e.created_at_us < $2"),
    CS_RULE_SINCE(
        Since::leases, "webhook-lease-ends", "no lease on a webhook has been over for long",
        "SELECT l.webhook_id AS subject, 'held by ' || l.worker AS detail FROM webhook_lanes l WHERE "
        "l.lease_until_us < $2"),
    // A webhook that somebody works on may have more to hear than it takes in.
    CS_RULE_SINCE(
        Since::leases, "webhook-delivery-moves",
        "no delivery has been due for long without anybody working on it",
        "SELECT " CS_DELIVERY
        " FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id JOIN webhook_lanes l ON "
        "l.webhook_id = d.webhook_id WHERE d.status = 'pending' AND d.due_at_us < $2 AND w.enabled = 1 "
        "AND w.enabled_at_us < $2 AND l.lease_until_us IS NULL"),
    CS_RULE("webhook-attempts-logged", "every attempt to deliver has its row",
            "SELECT " CS_DELIVERY
            " FROM webhook_deliveries d WHERE d.attempts <> (SELECT count(*) FROM webhook_attempts a WHERE "
            "a.delivery_id = d.id)"),
    CS_RULE("webhook-delivered-true", "what is delivered was answered so",
            "SELECT " CS_DELIVERY
            " FROM webhook_deliveries d WHERE d.status = 'delivered' AND NOT EXISTS (SELECT 1 FROM "
            "webhook_attempts a WHERE a.delivery_id = d.id AND a.attempt = d.attempts AND a.error = '')"),
};

}  // namespace

std::span<const Rule> webhook_rules() { return kRules; }

}  // namespace countersign::invariants
