// JSON Schemas as trees that check values. Internal to the REST plumbing; schema.hpp is the door.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/rest/errors.hpp"

namespace countersign::agent::rest {

/// One compiled schema. References between schemas are pointers, so that they may form cycles.
struct SchemaNode {
  enum Type : std::uint8_t {
    kNull = 1,
    kBoolean = 2,
    kInteger = 4,
    kNumber = 8,
    kString = 16,
    kArray = 32,
    kObject = 64,
  };
  struct Property {
    std::string name;
    const SchemaNode* schema;
    bool null_invalid;  // null is a fault instead of absence (contract §2)
  };
  enum class Additional : std::uint8_t { free, refused, checked };

  std::uint8_t types = 0;  // bits of Type; 0: anything
  std::vector<const SchemaNode*> any_of;
  std::vector<std::string> one_of;  // enum, of strings
  std::optional<std::size_t> max_length;
  std::optional<std::int64_t> minimum;
  std::optional<std::int64_t> maximum;
  bool date_time = false;
  std::optional<std::size_t> max_items;
  const SchemaNode* items = nullptr;
  std::vector<Property> properties;  // sorted by name
  std::vector<std::string> required;
  Additional additional = Additional::free;
  const SchemaNode* additional_schema = nullptr;

  [[nodiscard]] const Property* property(std::string_view name) const;
};

/// Owns all nodes of a document.
class SchemaSet {
 public:
  /// definitions: `components.schemas`. An unknown keyword or reference is a bug.
  explicit SchemaSet(const boost::json::object& definitions);

  /// A schema that stands in the document outside the definitions.
  const SchemaNode* compile(const boost::json::object& schema);

 private:
  const SchemaNode* reference(std::string_view pointer);
  void fill(SchemaNode& node, const boost::json::object& schema);
  void keyword(SchemaNode& node, std::string_view name, const boost::json::value& value);
  SchemaNode& make();

  const boost::json::object& definitions_;
  std::vector<std::unique_ptr<SchemaNode>> nodes_;
  std::map<std::string, SchemaNode*, std::less<>> named_;
};

enum class NullRule : std::uint8_t {
  absent,  // requests: null for an optional member counts as absent and is removed
  strict,  // answers: null where the schema says so only
};

/// Appends what is wrong with `value` to `faults`; see Contract::check_body for the rules.
void check(const SchemaNode& schema, boost::json::value& value, NullRule nulls, std::string location,
           std::vector<FieldError>& faults);

/// Whether a date-time member or parameter may stand: RFC 3339.
[[nodiscard]] bool is_date_time(std::string_view text);

}  // namespace countersign::agent::rest
