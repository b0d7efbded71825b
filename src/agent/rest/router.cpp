#include "agent/rest/router.hpp"

#include <algorithm>
#include <array>

#include "agent/rest/text.hpp"
#include "base/assert.hpp"
#include "net/http_message.hpp"

namespace countersign::agent::rest {
namespace {

using enum Caller;
using Limit = LimiterKind;

constexpr std::array kOperations = {
    Operation{"getInfo", "GET", "/v1/info", none},
    Operation{"getAccount", "GET", "/v1/account", account_or_agent},
    Operation{"listApiKeys", "GET", "/v1/account/api-keys", account},
    Operation{"createApiKey", "POST", "/v1/account/api-keys", account, Limit::none, kBodyBytesDefault, true},
    Operation{"deleteApiKey", "DELETE", "/v1/account/api-keys/{id}", account},
    Operation{"listSuppressions", "GET", "/v1/account/suppressions", account},
    Operation{"deleteSuppression", "DELETE", "/v1/account/suppressions/{address}", account},
    Operation{"listAgents", "GET", "/v1/agents", account},
    Operation{"createAgent", "POST", "/v1/agents", account, Limit::registration},
    Operation{"getAgent", "GET", "/v1/agents/{email}", account_or_agent},
    Operation{"updateAgent", "PATCH", "/v1/agents/{email}", account},
    Operation{"deleteAgent", "DELETE", "/v1/agents/{email}", account},
    Operation{"restoreAgent", "POST", "/v1/agents/{email}/restore", account},
    Operation{"testAgent", "POST", "/v1/agents/{email}/test", account_or_agent},
    Operation{"listAgentSuppressions", "GET", "/v1/agents/{email}/suppressions", account},
    Operation{"createAgentSuppression", "POST", "/v1/agents/{email}/suppressions", account},
    Operation{"deleteAgentSuppression", "DELETE", "/v1/agents/{email}/suppressions/{address}", account},
    Operation{"getAgentProtection", "GET", "/v1/agents/{email}/protection", account},
    Operation{"putAgentProtection", "PUT", "/v1/agents/{email}/protection", account},
    Operation{"listMessages", "GET", "/v1/agents/{email}/messages", account_or_agent, Limit::poll},
    Operation{"sendMessage", "POST", "/v1/agents/{email}/messages", account_or_agent, Limit::none,
              kBodyBytesSend, true},
    Operation{"getMessage", "GET", "/v1/agents/{email}/messages/{id}", account_or_agent, Limit::poll},
    Operation{"updateMessage", "PATCH", "/v1/agents/{email}/messages/{id}", account_or_agent},
    Operation{"deleteMessage", "DELETE", "/v1/agents/{email}/messages/{id}", account_or_agent},
    Operation{"restoreMessage", "POST", "/v1/agents/{email}/messages/{id}/restore", account_or_agent},
    Operation{"getMessageLifecycle", "GET", "/v1/agents/{email}/messages/{id}/lifecycle", account_or_agent},
    Operation{"replyToMessage", "POST", "/v1/agents/{email}/messages/{id}/reply", account_or_agent,
              Limit::none, kBodyBytesSend, true},
    Operation{"forwardMessage", "POST", "/v1/agents/{email}/messages/{id}/forward", account_or_agent,
              Limit::none, kBodyBytesSend, true},
    Operation{"getAttachment", "GET", "/v1/agents/{email}/messages/{id}/attachments/{index}",
              account_or_agent},
    Operation{"listConversations", "GET", "/v1/agents/{email}/conversations", account_or_agent, Limit::poll},
    Operation{"getConversation", "GET", "/v1/agents/{email}/conversations/{id}", account_or_agent,
              Limit::poll},
    Operation{"listReviews", "GET", "/v1/reviews", account},
    Operation{"getReview", "GET", "/v1/reviews/{id}", account},
    Operation{"approveReview", "POST", "/v1/reviews/{id}/approve", account, Limit::none, kBodyBytesSend,
              true},
    Operation{"rejectReview", "POST", "/v1/reviews/{id}/reject", account},
    Operation{"listWebhooks", "GET", "/v1/webhooks", account, Limit::poll},
    Operation{"createWebhook", "POST", "/v1/webhooks", account, Limit::none, kBodyBytesDefault, true},
    Operation{"getWebhook", "GET", "/v1/webhooks/{id}", account, Limit::poll},
    Operation{"updateWebhook", "PATCH", "/v1/webhooks/{id}", account},
    Operation{"deleteWebhook", "DELETE", "/v1/webhooks/{id}", account},
    Operation{"rotateWebhookSecret", "POST", "/v1/webhooks/{id}/rotate-secret", account, Limit::none,
              kBodyBytesDefault, true},
    Operation{"testWebhook", "POST", "/v1/webhooks/{id}/test", account},
    Operation{"listWebhookDeliveries", "GET", "/v1/webhooks/{id}/deliveries", account, Limit::poll},
    Operation{"listEvents", "GET", "/v1/events", account},
    Operation{"getEvent", "GET", "/v1/events/{id}", account},
    Operation{"redeliverEvent", "POST", "/v1/events/{id}/redeliver", account},
    // Our own, beside the contract.
    Operation{"getWebhookDelivery", "GET", "/v1/webhooks/{id}/deliveries/{delivery_id}", account},
    Operation{"listHandovers", "GET", "/v1/handovers", account},
    Operation{"getHandover", "GET", "/v1/handovers/{id}", account},
    Operation{"resolveHandover", "POST", "/v1/handovers/{id}/resolve", account},
    Operation{"getDeliveryPolicy", "GET", "/v1/agents/{email}/delivery-policy", account},
    Operation{"putDeliveryPolicy", "PUT", "/v1/agents/{email}/delivery-policy", account},
    Operation{"getAccountReviewSettings", "GET", "/v1/account/review-settings", account},
    Operation{"putAccountReviewSettings", "PUT", "/v1/account/review-settings", account},
    Operation{"getAgentReviewSettings", "GET", "/v1/agents/{email}/review-settings", account},
    Operation{"putAgentReviewSettings", "PUT", "/v1/agents/{email}/review-settings", account},
};

// Beside the document (operations.md §12): whoever holds the link needs no credential.
constexpr Operation kDownload{.id = "downloadAttachment",
                              .method = "GET",
                              .path = "/v1/agents/{email}/messages/{id}/attachments/{index}/download",
                              .caller = none,
                              .limiter = Limit::download,
                              .declared = false};

// Not HTTP once it was answered, and so not in the document either (contract §18).
constexpr Operation kListen{.id = "listen",
                            .method = "GET",
                            .path = "/v1/agents/{email}/ws",
                            .caller = account_or_agent,
                            .declared = false};

// The segment that `path` begins with, cut off together with the slash before it.
std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

// Whether a raw path has the form of a template; literal segments compare after decoding.
bool matches(std::string_view path_template, std::string_view path, std::vector<PathValue>& values) {
  values.clear();
  while (path_template.starts_with('/') && path.starts_with('/')) {
    const std::string_view expected = take_segment(path_template);
    auto segment = net::percent_decode(take_segment(path));
    if (!segment) return false;
    if (!expected.starts_with('{')) {
      if (*segment != expected) return false;
      continue;
    }
    if (segment->empty() || !is_clean_utf8(*segment)) return false;
    values.push_back({std::string(expected.substr(1, expected.size() - 2)), std::move(*segment)});
  }
  return path_template.empty() && path.empty();
}

}  // namespace

std::span<const Operation> operations() { return kOperations; }

const Operation& operation(std::string_view id) {
  if (id == kDownload.id) return kDownload;
  if (id == kListen.id) return kListen;
  const auto found = std::find_if(kOperations.begin(), kOperations.end(),
                                  [id](const Operation& operation) { return operation.id == id; });
  CS_ASSERT(found != kOperations.end());
  return *found;
}

std::variant<Match, WrongMethod, NoSuchPath> route(std::string_view method, std::string_view raw_path) {
  Match match{};
  WrongMethod wrong;
  const auto takes = [&](const Operation& candidate) {
    if (!matches(candidate.path, raw_path, match.path)) return false;
    if (candidate.method == method) {
      match.operation = &candidate;
      return true;
    }
    if (!wrong.allow.empty()) wrong.allow += ", ";
    wrong.allow += candidate.method;
    return false;
  };
  if (std::ranges::any_of(kOperations, takes) || takes(kDownload) || takes(kListen)) return match;
  if (!wrong.allow.empty()) return wrong;
  return NoSuchPath{};
}

bool is_api_path(std::string_view raw_path) { return raw_path == "/v1" || raw_path.starts_with("/v1/"); }

}  // namespace countersign::agent::rest
