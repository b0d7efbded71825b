#include "agent/rest/schema.hpp"

#include <algorithm>
#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <charconv>
#include <map>
#include <optional>

#include "agent/rest/schema_tree.hpp"
#include "agent/rest/text.hpp"
#include "base/assert.hpp"

namespace countersign::agent::rest {
namespace json = boost::json;
namespace {

constexpr std::size_t kListItemsMax = 1000;

struct Parameter {
  std::string name;
  bool required;
  const SchemaNode* schema;
  std::optional<QueryValue> fallback;
};

struct Declared {
  std::vector<Parameter> query;
  std::vector<Parameter> header;
  const SchemaNode* body = nullptr;
  std::map<std::string, const SchemaNode*, std::less<>> answers;  // by status or `default`
};

std::string_view text_of(const json::value& value) { return std::string_view(value.as_string()); }

std::optional<std::string> form_decode(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  return net::percent_decode(spaced);
}

struct QueryPair {
  std::string name;
  std::optional<std::string> value;  // nothing: cannot be decoded
};

// application/x-www-form-urlencoded. Only the first value of a name is kept (operations.md, listMessages).
std::vector<QueryPair> split_query(std::string_view raw) {
  std::vector<QueryPair> pairs;
  while (!raw.empty()) {
    const std::string_view part = raw.substr(0, raw.find('&'));
    raw.remove_prefix(std::min(part.size() + 1, raw.size()));
    const std::size_t equals = part.find('=');
    auto name = form_decode(part.substr(0, equals));
    if (!name) continue;
    const bool seen = std::ranges::any_of(pairs, [&](const QueryPair& pair) { return pair.name == *name; });
    if (seen) continue;
    pairs.push_back({std::move(*name), equals == std::string_view::npos
                                           ? std::optional<std::string>("")
                                           : form_decode(part.substr(equals + 1))});
  }
  return pairs;
}

std::optional<bool> boolean_of(std::string_view text) {
  constexpr std::array<std::string_view, 6> kTrue = {"true", "1", "t", "T", "TRUE", "True"};
  constexpr std::array<std::string_view, 6> kFalse = {"false", "0", "f", "F", "FALSE", "False"};
  if (std::ranges::find(kTrue, text) != kTrue.end()) return true;
  if (std::ranges::find(kFalse, text) != kFalse.end()) return false;
  return std::nullopt;
}

std::optional<std::int64_t> integer_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> items;
  while (items.size() <= kListItemsMax) {
    const std::size_t comma = text.find(',');
    items.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return items;
}

// The typed value, checked by its schema; nothing when it is at fault.
std::optional<QueryValue> read_value(const SchemaNode& schema, const std::string& text,
                                     const std::string& location, std::vector<FieldError>& faults) {
  const auto fault = [&](std::string message) {
    faults.push_back({location, std::move(message)});
    return std::nullopt;
  };
  if (!is_clean_utf8(text)) return fault("must be UTF-8 without U+0000");
  if ((schema.types & SchemaNode::kBoolean) != 0) {
    const auto flag = boolean_of(text);
    if (!flag) return fault("must be a boolean");
    return QueryValue(*flag);
  }
  const std::size_t before = faults.size();
  QueryValue typed = text;
  json::value as_json;
  if ((schema.types & SchemaNode::kInteger) != 0) {
    const auto number = integer_of(text);
    if (!number) return fault("must be an integer");
    typed = *number;
    as_json = *number;
  } else if ((schema.types & SchemaNode::kArray) != 0) {
    auto items = list_of(text);
    if (items.size() > kListItemsMax) return fault("has too many entries");
    typed = std::move(items);
    as_json = json::array();
  } else {
    as_json = json::string(text);
  }
  check(schema, as_json, NullRule::strict, location, faults);
  if (faults.size() != before) return std::nullopt;
  return typed;
}

std::optional<QueryValue> fallback_of(const json::object& schema) {
  const json::value* value = schema.if_contains("default");
  if (!value) return std::nullopt;
  if (value->is_int64()) return QueryValue(value->get_int64());
  if (value->is_bool()) return QueryValue(value->get_bool());
  return QueryValue(std::string(text_of(*value)));
}

const json::object& json_schema_of(const json::object& holder) {
  return holder.at("content").at("application/json").at("schema").as_object();
}

// Index behind the closing quote of the string that begins at `start`, or the end of the text.
std::size_t behind_string(std::string_view text, std::size_t start) {
  for (std::size_t at = text.find('"', start + 1); at != std::string_view::npos;
       at = text.find('"', at + 1)) {
    std::size_t backslashes = 0;
    while (text[at - 1 - backslashes] == '\\') ++backslashes;
    if (backslashes % 2 == 0) return at + 1;
  }
  return text.size();
}

// Every value but the first of its array or object stands behind a comma, and every first one is counted with
// its bracket. Looks at structure only; whether the text is JSON is the parser's business.
bool has_too_many_values(std::string_view text) {
  std::size_t values = 1;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      at = behind_string(text, at);
      continue;
    }
    if ((c == ',' || c == '[' || c == '{') && ++values > kJsonValuesMax) return true;
    ++at;
  }
  return false;
}

}  // namespace

class Contract::Impl {
 public:
  explicit Impl(std::string_view text)
      : document_(json::parse(json::string_view(text.data(), text.size()))),
        schemas_(document_.at("components").at("schemas").as_object()) {
    for (const auto& path : document_.at("paths").as_object()) {
      for (const auto& method : path.value().as_object()) declare(method.value().as_object());
    }
    for (const auto& type : document_.at("x-event-data").as_object()) {
      events_.emplace(type.key(), schemas_.compile(type.value().as_object()));
    }
  }

  [[nodiscard]] const Declared& declared(std::string_view id) const {
    const auto found = operations_.find(id);
    CS_ASSERT(found != operations_.end());
    return found->second;
  }
  [[nodiscard]] const auto& operations() const { return operations_; }
  // Null for a type without a schema.
  [[nodiscard]] const SchemaNode* event(std::string_view type) const {
    const auto found = events_.find(type);
    return found == events_.end() ? nullptr : found->second;
  }

 private:
  void declare(const json::object& operation) {
    Declared declared;
    if (const json::value* list = operation.if_contains("parameters")) {
      for (const json::value& entry : list->as_array()) {
        const json::object& parameter = entry.as_object();
        const json::object& schema = parameter.at("schema").as_object();
        Parameter compiled{.name = std::string(text_of(parameter.at("name"))),
                           .required = parameter.at("required").as_bool(),
                           .schema = schemas_.compile(schema),
                           .fallback = fallback_of(schema)};
        const std::string_view place = text_of(parameter.at("in"));
        if (place == "query") declared.query.push_back(std::move(compiled));
        if (place == "header") declared.header.push_back(std::move(compiled));
      }
    }
    if (const json::value* body = operation.if_contains("requestBody")) {
      declared.body = schemas_.compile(json_schema_of(body->as_object()));
    }
    for (const auto& answer : operation.at("responses").as_object()) {
      declared.answers.emplace(answer.key(), schemas_.compile(json_schema_of(answer.value().as_object())));
    }
    operations_.emplace(text_of(operation.at("operationId")), std::move(declared));
  }

  json::value document_;
  SchemaSet schemas_;
  std::map<std::string, Declared, std::less<>> operations_;
  std::map<std::string, const SchemaNode*, std::less<>> events_;
};

Contract::Contract(std::string_view openapi_json) : impl_(std::make_unique<Impl>(openapi_json)) {}
Contract::~Contract() = default;

bool Contract::has_body(std::string_view operation_id) const {
  return impl_->declared(operation_id).body != nullptr;
}

QueryValues undeclared_query(std::string_view raw_query) {
  QueryValues values;
  for (QueryPair& pair : split_query(raw_query)) {
    if (pair.value && !pair.value->empty()) values.emplace_back(std::move(pair.name), std::move(*pair.value));
  }
  return values;
}

QueryValues Contract::read_query(std::string_view operation_id, std::string_view raw_query,
                                 std::vector<FieldError>& faults) const {
  QueryValues values;
  const std::vector<Parameter>& declared = impl_->declared(operation_id).query;
  if (declared.empty()) return values;
  const std::vector<QueryPair> pairs = split_query(raw_query);
  for (const Parameter& parameter : declared) {
    const std::string location = "query." + parameter.name;
    const auto given =
        std::ranges::find_if(pairs, [&](const QueryPair& pair) { return pair.name == parameter.name; });
    if (given != pairs.end() && !given->value) {
      faults.push_back({location, "must be percent-encoded correctly"});
    } else if (given != pairs.end() && !given->value->empty()) {
      if (auto value = read_value(*parameter.schema, *given->value, location, faults)) {
        values.emplace_back(parameter.name, std::move(*value));
      }
    } else if (parameter.required) {
      faults.push_back({location, "is required"});
    } else if (parameter.fallback) {
      values.emplace_back(parameter.name, *parameter.fallback);
    }
  }
  return values;
}

void Contract::check_headers(std::string_view operation_id, const net::Headers& headers,
                             std::vector<FieldError>& faults) const {
  for (const Parameter& parameter : impl_->declared(operation_id).header) {
    const std::string location = "header." + parameter.name;
    const std::string_view value = headers.get(parameter.name);
    if (!value.empty()) {
      static_cast<void>(read_value(*parameter.schema, std::string(value), location, faults));
    } else if (parameter.required) {
      faults.push_back({location, "is required"});
    }
  }
}

void Contract::check_body(std::string_view operation_id, json::value& body,
                          std::vector<FieldError>& faults) const {
  const SchemaNode* schema = impl_->declared(operation_id).body;
  CS_ASSERT(schema);
  check(*schema, body, NullRule::absent, "body", faults);
}

std::vector<FieldError> Contract::check_response(std::string_view operation_id, int status,
                                                 const json::value& body) const {
  const auto& answers = impl_->declared(operation_id).answers;
  auto found = answers.find(std::to_string(status));
  if (found == answers.end() && status >= 400) found = answers.find("default");
  if (found == answers.end()) return {{"", "status " + std::to_string(status) + " is not declared"}};
  json::value copy(body);
  std::vector<FieldError> faults;
  check(*found->second, copy, NullRule::strict, "body", faults);
  return faults;
}

std::vector<FieldError> Contract::check_event(std::string_view type, const json::value& data) const {
  const SchemaNode* schema = impl_->event(type);
  if (schema == nullptr) return {};
  json::value copy(data);
  std::vector<FieldError> faults;
  check(*schema, copy, NullRule::strict, "data", faults);
  return faults;
}

std::vector<std::string> Contract::operation_ids() const {
  std::vector<std::string> ids;
  for (const auto& [id, declared] : impl_->operations()) ids.push_back(id);
  return ids;
}

std::string_view to_string(JsonFault fault) {
  switch (fault) {
    case JsonFault::empty:
      return "a JSON body is required";
    case JsonFault::malformed:
      return "must be valid JSON in UTF-8";
    case JsonFault::too_deep:
      return "is nested too deeply";
    case JsonFault::too_many_values:
      return "holds too many values";
  }
  CS_ASSERT(false);
}

Result<json::value, JsonFault> parse_json(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return unexpected(JsonFault::empty);
  if (has_too_many_values(text)) return unexpected(JsonFault::too_many_values);
  boost::system::error_code error;
  auto memory = json::make_shared_resource<json::monotonic_resource>();
  json::value value = json::parse(json::string_view(text.data(), text.size()), error, memory);
  if (error == json::error::too_deep) return unexpected(JsonFault::too_deep);
  if (error) return unexpected(JsonFault::malformed);
  return value;
}

}  // namespace countersign::agent::rest
