// Members of JSON objects from outside, taken with a type and a maximum. Internal to feedback.
#pragma once

#include <boost/json.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::provider::feedback {

/// Reads a document that is one object, at most 16 levels deep. Nothing for anything else.
[[nodiscard]] inline std::optional<boost::json::object> parse_object(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = 16;
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(text, error, {}, options);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

/// The text of that member; nothing when it is absent, no text, or longer than `bytes_max`.
[[nodiscard]] inline std::optional<std::string> text_member(const boost::json::object& object,
                                                            std::string_view name, std::size_t bytes_max) {
  const boost::json::value* value = object.if_contains(name);
  const boost::json::string* text = value != nullptr ? value->if_string() : nullptr;
  if (text == nullptr || text->size() > bytes_max) return std::nullopt;
  return std::string(*text);
}

/// The object under that name, or nullptr.
[[nodiscard]] inline const boost::json::object* object_member(const boost::json::object& object,
                                                              std::string_view name) {
  const boost::json::value* value = object.if_contains(name);
  return value != nullptr ? value->if_object() : nullptr;
}

/// The array under that name, or nullptr.
[[nodiscard]] inline const boost::json::array* array_member(const boost::json::object& object,
                                                            std::string_view name) {
  const boost::json::value* value = object.if_contains(name);
  return value != nullptr ? value->if_array() : nullptr;
}

}  // namespace countersign::provider::feedback
