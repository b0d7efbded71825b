#include "agent/rest/schema_tree.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>

#include "agent/rest/schema.hpp"
#include "agent/rest/text.hpp"
#include "base/assert.hpp"
#include "base/time.hpp"

namespace countersign::agent::rest {
namespace json = boost::json;
namespace {

constexpr std::size_t kLocationBytesMax = 200;

struct TypeName {
  std::string_view name;
  std::uint8_t bit;
  std::string_view wanted;
};
constexpr std::array kTypeNames = {
    TypeName{"null", SchemaNode::kNull, "null"},
    TypeName{"boolean", SchemaNode::kBoolean, "a boolean"},
    TypeName{"integer", SchemaNode::kInteger, "an integer"},
    TypeName{"number", SchemaNode::kNumber, "a number"},
    TypeName{"string", SchemaNode::kString, "a string"},
    TypeName{"array", SchemaNode::kArray, "an array"},
    TypeName{"object", SchemaNode::kObject, "an object"},
};

std::uint8_t type_bit(std::string_view name) {
  for (const TypeName& type : kTypeNames) {
    if (type.name == name) return type.bit;
  }
  CS_ASSERT(!"an unknown type in the document");
  return 0;
}

std::string_view text_of(const json::value& value) { return std::string_view(value.as_string()); }

}  // namespace

const SchemaNode::Property* SchemaNode::property(std::string_view name) const {
  const auto found =
      std::lower_bound(properties.begin(), properties.end(), name,
                       [](const Property& property, std::string_view n) { return property.name < n; });
  return found != properties.end() && found->name == name ? &*found : nullptr;
}

SchemaSet::SchemaSet(const json::object& definitions) : definitions_(definitions) {}

SchemaNode& SchemaSet::make() {
  nodes_.push_back(std::make_unique<SchemaNode>());
  return *nodes_.back();
}

const SchemaNode* SchemaSet::compile(const json::object& schema) {
  if (const json::value* target = schema.if_contains("$ref")) return reference(text_of(*target));
  SchemaNode& node = make();
  fill(node, schema);
  return &node;
}

const SchemaNode* SchemaSet::reference(std::string_view pointer) {
  constexpr std::string_view kPrefix = "#/components/schemas/";
  CS_ASSERT(pointer.starts_with(kPrefix));
  const std::string_view name = pointer.substr(kPrefix.size());
  if (const auto found = named_.find(name); found != named_.end()) return found->second;
  SchemaNode& node = make();
  named_.emplace(name, &node);  // before its members, which may refer back to it
  fill(node, definitions_.at(name).as_object());
  return &node;
}

void SchemaSet::fill(SchemaNode& node, const json::object& schema) {
  for (const auto& member : schema) keyword(node, member.key(), member.value());
  std::sort(node.properties.begin(), node.properties.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
}

void SchemaSet::keyword(SchemaNode& node, std::string_view name, const json::value& value) {
  if (name == "type") {
    if (value.is_string()) {
      node.types = type_bit(text_of(value));
    } else {
      for (const json::value& type : value.as_array()) node.types |= type_bit(text_of(type));
    }
  } else if (name == "properties") {
    for (const auto& member : value.as_object()) {
      const json::object& schema = member.value().as_object();
      node.properties.push_back(
          {std::string(member.key()), compile(schema), schema.contains("x-null-invalid")});
    }
  } else if (name == "required") {
    for (const json::value& member : value.as_array()) node.required.emplace_back(text_of(member));
  } else if (name == "additionalProperties") {
    const bool is_schema = value.is_object() && !value.get_object().empty();
    if (is_schema) node.additional_schema = compile(value.get_object());
    const bool refused = value.is_bool() && !value.get_bool();
    node.additional = is_schema ? SchemaNode::Additional::checked
                      : refused ? SchemaNode::Additional::refused
                                : SchemaNode::Additional::free;
  } else if (name == "items") {
    node.items = compile(value.as_object());
  } else if (name == "anyOf") {
    for (const json::value& schema : value.as_array()) node.any_of.push_back(compile(schema.as_object()));
  } else if (name == "enum" || name == "x-extension-values") {  // the latter: our own, beside the contract's
    for (const json::value& text : value.as_array()) node.one_of.emplace_back(text_of(text));
  } else if (name == "maxLength") {
    node.max_length = value.to_number<std::size_t>();
  } else if (name == "maxItems") {
    node.max_items = value.to_number<std::size_t>();
  } else if (name == "minimum") {
    node.minimum = value.to_number<std::int64_t>();
  } else if (name == "maximum") {
    node.maximum = value.to_number<std::int64_t>();
  } else if (name == "format") {
    const std::string_view format = text_of(value);
    node.date_time = format == "date-time";
    CS_ASSERT(node.date_time || format == "int64" || format == "double");
  } else {
    const bool annotation =
        name == "description" || name == "default" || name == "contentEncoding" || name.starts_with("x-");
    CS_ASSERT(annotation);
  }
}

bool is_date_time(std::string_view text) { return parse_rfc3339(text).has_value(); }

namespace {

// One walk over one value.
class Checker {
 public:
  Checker(NullRule nulls, std::string location, std::vector<FieldError>& faults)
      : nulls_(nulls), location_(std::move(location)), faults_(faults) {}

  void value(const SchemaNode& schema, json::value& value) {
    if (!schema.any_of.empty()) return any_of(schema, value);
    if (schema.types != 0 && !has_type(schema, value)) return fault(wanted(schema));
    switch (value.kind()) {
      case json::kind::string:
        return text(schema, text_of(value));
      case json::kind::array:
        return array(schema, value.get_array());
      case json::kind::object:
        return object(schema, value.get_object());
      case json::kind::int64:
        return integer(schema, value.get_int64());
      case json::kind::uint64:
        return fault("must fit into 64 bits with a sign");
      case json::kind::double_:
      case json::kind::bool_:
      case json::kind::null:
        return;
    }
  }

 private:
  // Extends the location for the time of a nested check.
  class Step {
   public:
    Step(Checker& checker, std::string_view more) : checker_(checker), size_(checker.location_.size()) {
      checker.location_.append(more);
    }
    ~Step() { checker_.location_.resize(size_); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Checker& checker_;
    std::size_t size_;
  };

  [[nodiscard]] bool full() const { return faults_.size() >= kFaultsMax; }

  void fault(std::string message) {
    if (full()) return;
    std::string location = location_.substr(0, kLocationBytesMax);
    while (!is_clean_utf8(location)) location.pop_back();  // cut within a character, or at NUL
    faults_.push_back({std::move(location), std::move(message)});
  }

  static bool has_type(const SchemaNode& schema, const json::value& value) {
    switch (value.kind()) {
      case json::kind::null:
        return (schema.types & SchemaNode::kNull) != 0;
      case json::kind::bool_:
        return (schema.types & SchemaNode::kBoolean) != 0;
      case json::kind::int64:
      case json::kind::uint64:
        return (schema.types & (SchemaNode::kInteger | SchemaNode::kNumber)) != 0;
      case json::kind::double_:
        return (schema.types & SchemaNode::kNumber) != 0;
      case json::kind::string:
        return (schema.types & SchemaNode::kString) != 0;
      case json::kind::array:
        return (schema.types & SchemaNode::kArray) != 0;
      case json::kind::object:
        return (schema.types & SchemaNode::kObject) != 0;
    }
    return false;
  }

  static std::string wanted(const SchemaNode& schema) {
    std::string text = "must be ";
    bool first = true;
    for (const TypeName& type : kTypeNames) {
      if ((schema.types & type.bit) == 0) continue;
      if (!first) text += " or ";
      text += type.wanted;
      first = false;
    }
    return text;
  }

  // The first alternative that fits; else the faults of the last one that fits the value's type.
  void any_of(const SchemaNode& schema, json::value& value) {
    std::vector<FieldError> last{{location_, "has none of the allowed forms"}};
    for (const SchemaNode* alternative : schema.any_of) {
      std::vector<FieldError> faults;
      check(*alternative, value, nulls_, location_, faults);
      if (faults.empty()) return;
      if (has_type(*alternative, value)) last = std::move(faults);
    }
    for (FieldError& entry : last) {
      if (!full()) faults_.push_back(std::move(entry));
    }
  }

  void text(const SchemaNode& schema, std::string_view text) {
    if (text.find('\0') != std::string_view::npos) return fault("must not contain U+0000");
    if (schema.max_length && text.size() > *schema.max_length && code_points(text) > *schema.max_length) {
      fault("must have at most " + std::to_string(*schema.max_length) + " characters");
    }
    if (schema.date_time && !is_date_time(text)) fault("must be an RFC 3339 date-time");
    if (!schema.one_of.empty() && std::ranges::find(schema.one_of, text) == schema.one_of.end()) {
      std::string message = "must be one of";
      for (const std::string& allowed : schema.one_of) {
        message += (&allowed == schema.one_of.data() ? " " : ", ") + allowed;
      }
      fault(std::move(message));
    }
  }

  void integer(const SchemaNode& schema, std::int64_t number) {
    if (schema.minimum && number < *schema.minimum) {
      fault("must be at least " + std::to_string(*schema.minimum));
    }
    if (schema.maximum && number > *schema.maximum) {
      fault("must be at most " + std::to_string(*schema.maximum));
    }
  }

  void array(const SchemaNode& schema, json::array& array) {
    if (schema.max_items && array.size() > *schema.max_items) {
      return fault("must have at most " + std::to_string(*schema.max_items) + " items");
    }
    for (std::size_t i = 0; i < array.size() && !full(); ++i) {
      const Step step(*this, "[" + std::to_string(i) + "]");
      value(schema.items ? *schema.items : kAnything, array[i]);
    }
  }

  void object(const SchemaNode& schema, json::object& object) {
    for (const std::string& name : schema.required) {
      if (!object.contains(name)) fault("member " + name + " is required");
    }
    std::vector<std::string> absent;
    for (auto& member : object) {
      if (full()) return;
      const std::string_view name = member.key();
      const Step step(*this, "." + std::string(name.substr(0, kLocationBytesMax)));
      const SchemaNode::Property* property = schema.property(name);
      if (!property) {
        additional(schema, name, member.value());
      } else if (member.value().is_null() && counts_as_absent(schema, *property)) {
        absent.emplace_back(name);
      } else {
        value(*property->schema, member.value());
      }
    }
    for (const std::string& name : absent) object.stable_erase(object.find(name));
  }

  [[nodiscard]] bool counts_as_absent(const SchemaNode& schema, const SchemaNode::Property& property) const {
    return nulls_ == NullRule::absent && !property.null_invalid &&
           (property.schema->types & SchemaNode::kNull) == 0 &&
           std::ranges::find(schema.required, property.name) == schema.required.end();
  }

  void additional(const SchemaNode& schema, std::string_view name, json::value& member) {
    switch (schema.additional) {
      case SchemaNode::Additional::refused:
        return fault("is not a known member");
      case SchemaNode::Additional::checked:
        return value(*schema.additional_schema, member);
      case SchemaNode::Additional::free:
        if (name.find('\0') != std::string_view::npos) return fault("must not contain U+0000");
        return value(kAnything, member);
    }
  }

  static const SchemaNode kAnything;

  const NullRule nulls_;
  std::string location_;
  std::vector<FieldError>& faults_;
};

const SchemaNode Checker::kAnything{};

}  // namespace

void check(const SchemaNode& schema, json::value& value, NullRule nulls, std::string location,
           std::vector<FieldError>& faults) {
  Checker(nulls, std::move(location), faults).value(schema, value);
}

}  // namespace countersign::agent::rest
