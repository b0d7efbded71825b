#include "agent/rest/request.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace countersign::agent::rest {
namespace json = boost::json;
namespace {

// The value of a query parameter as T. Nothing when absent; a bug when it is declared with another type.
template <class T>
const T* query_as(const std::vector<std::pair<std::string, QueryValue>>& query, std::string_view name) {
  for (const auto& [key, value] : query) {
    if (key != name) continue;
    const T* typed = std::get_if<T>(&value);
    CS_ASSERT(typed);
    return typed;
  }
  return nullptr;
}

template <class T>
std::optional<T> copy_of(const T* value) {
  if (!value) return std::nullopt;
  return *value;
}

}  // namespace

const std::string& Call::path(std::string_view name) const {
  const auto found = std::find_if(parts_.path.begin(), parts_.path.end(),
                                  [name](const PathValue& value) { return value.name == name; });
  CS_ASSERT(found != parts_.path.end());
  return found->value;
}

std::optional<std::string> Call::query_text(std::string_view name) const {
  return copy_of(query_as<std::string>(parts_.query, name));
}

std::optional<std::int64_t> Call::query_integer(std::string_view name) const {
  return copy_of(query_as<std::int64_t>(parts_.query, name));
}

bool Call::query_flag(std::string_view name) const {
  return copy_of(query_as<bool>(parts_.query, name)).value_or(false);
}

std::vector<std::string> Call::query_list(std::string_view name) const {
  const auto* list = query_as<std::vector<std::string>>(parts_.query, name);
  return list ? *list : std::vector<std::string>();
}

std::optional<std::string_view> Call::authorization() const { return headers().find("Authorization"); }

std::optional<std::string_view> Call::idempotency_key() const {
  const auto key = headers().find("Idempotency-Key");
  if (!key || key->empty()) return std::nullopt;
  return key;
}

const json::object& Call::body() const {
  static const json::object kNone;
  const json::object* object = parts_.body.if_object();
  return object ? *object : kNone;
}

std::optional<std::string_view> Call::body_text(std::string_view name) const {
  const json::value* value = member(name);
  if (!value) return std::nullopt;
  return std::string_view(value->as_string());
}

std::vector<std::string> Call::body_texts(std::string_view name) const {
  std::vector<std::string> texts;
  if (const json::value* value = member(name)) {
    for (const json::value& item : value->as_array()) texts.emplace_back(item.as_string());
  }
  return texts;
}

}  // namespace countersign::agent::rest
