#include "agent/rest/handlers/webhook_requests.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/rest/text.hpp"
#include "agent/webhook/url.hpp"
#include "base/text.hpp"
#include "mail/address.hpp"

namespace countersign::agent::rest {
namespace {

namespace json = boost::json;
using countersign::webhook::Change;
using countersign::webhook::Filters;

ApiError invalid(std::string message) { return api_error(ErrorCode::invalid_request, std::move(message)); }

std::vector<std::string> texts_of(const json::value* list) {
  std::vector<std::string> out;
  if (list == nullptr) return out;
  for (const json::value& item : list->as_array()) {
    std::string text(std::string_view(item.as_string()));
    if (std::ranges::find(out, text) == out.end()) out.push_back(std::move(text));
  }
  return out;
}

bool is_conversation_id(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !text.empty() && text.size() <= countersign::webhook::kConversationIdCharactersMax &&
         std::ranges::all_of(text, allowed);
}

bool is_label(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == ':';
  };
  return !text.empty() && text.size() <= countersign::webhook::kLabelCharactersMax &&
         std::ranges::all_of(text, allowed);
}

Result<Filters, ApiError> read_filters(const json::object& object) {
  Filters filters;
  for (const std::string& email : texts_of(object.if_contains("agent_emails"))) {
    const std::string address = mail::normalise(email);
    if (std::ranges::find(filters.agent_emails, address) == filters.agent_emails.end()) {
      filters.agent_emails.push_back(address);
    }
  }
  filters.conversation_ids = texts_of(object.if_contains("conversation_ids"));
  for (const std::string& label : texts_of(object.if_contains("labels"))) {
    filters.labels.push_back(ascii_lower(trim(label)));
  }
  for (const auto* kind : {&filters.agent_emails, &filters.conversation_ids, &filters.labels}) {
    if (kind->size() > countersign::webhook::kFilterEntriesMax) {
      return unexpected(invalid(fmt::format("a filter takes at most {} entries of a kind",
                                            countersign::webhook::kFilterEntriesMax)));
    }
  }
  if (!std::ranges::all_of(filters.conversation_ids, is_conversation_id)) {
    return unexpected(invalid("filters.conversation_ids: at most 200 letters, digits, - and _ each"));
  }
  if (!std::ranges::all_of(filters.labels, is_label)) {
    return unexpected(invalid("filters.labels: at most 64 of a-z, 0-9, :, _ and - each"));
  }
  return filters;
}

std::optional<ApiError> fault_of_url(std::string_view url) {
  if (url.size() > countersign::webhook::kUrlBytesMax) {
    return invalid(fmt::format("url must have at most {} bytes", countersign::webhook::kUrlBytesMax));
  }
  if (!webhook::host_of(url)) {
    return invalid_webhook_url("url must be https:// and a host name, without user name and fragment");
  }
  return std::nullopt;
}

std::optional<ApiError> fault_of_description(std::string_view text) {
  if (text.size() > countersign::webhook::kDescriptionBytesMax) {
    return invalid(
        fmt::format("description must have at most {} bytes", countersign::webhook::kDescriptionBytesMax));
  }
  if (text.find_first_of("\r\n") != std::string_view::npos) {
    return invalid("description must be one line");
  }
  return std::nullopt;
}

}  // namespace

ApiError invalid_webhook_url(std::string message) {
  return api_error(ErrorCode::invalid_webhook_url, std::move(message));
}

Result<Change, ApiError> read_webhook_change(const Call& call) {
  Change change;
  if (const json::value* events = call.member("events")) {
    change.events = texts_of(events);
    if (change.events->empty()) return unexpected(invalid("events must name at least one event"));
  }
  if (const auto description = call.body_text("description")) {
    if (auto fault = fault_of_description(*description)) return unexpected(std::move(*fault));
    change.description = *description;
  }
  if (const json::value* filters = call.member("filters")) {
    Result<Filters, ApiError> read = read_filters(filters->as_object());
    if (!read) return unexpected(std::move(read.error()));
    change.filters = std::move(*read);
  }
  if (const json::value* enabled = call.member("enabled")) change.enabled = enabled->as_bool();
  if (const auto url = call.body_text("url")) {
    if (auto fault = fault_of_url(*url)) return unexpected(std::move(*fault));
    change.url = *url;
  }
  return change;
}

}  // namespace countersign::agent::rest
