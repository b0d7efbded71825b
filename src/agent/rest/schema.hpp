// Declared structures: api/openapi.json, compiled once into trees that validate fast.
//
// The subset of JSON Schema it understands: type (a name or a list), required, properties,
// additionalProperties (false, true or a schema), items, enum, maxLength (code points), minLength, maxItems,
// minimum, maximum, format date-time, $ref, anyOf with null, and `x-null-invalid`. Anything else in the
// document stops the program at start.
#pragma once

#include <boost/json/value.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/rest/errors.hpp"
#include "agent/rest/request.hpp"
#include "agent/rest/router.hpp"
#include "base/result.hpp"

namespace countersign::agent::rest {

/// The text of api/openapi.json, as it was built in.
[[nodiscard]] std::string_view openapi_document();

/// Query values that were given or have a default, by parameter name.
using QueryValues = std::vector<std::pair<std::string, QueryValue>>;

/// Every pair of a query string as text, for routes that no document declares. The first value of a name
/// counts; what does not decode is left out.
[[nodiscard]] QueryValues undeclared_query(std::string_view raw_query);

/// All declared operations with the structures of what they take and give. Immutable, so thread-safe.
class Contract {
 public:
  /// A document it cannot compile is a bug.
  explicit Contract(std::string_view openapi_json);
  ~Contract();
  Contract(const Contract&) = delete;
  Contract& operator=(const Contract&) = delete;

  /// True when the operation takes a body.
  [[nodiscard]] bool has_body(std::string_view operation_id) const;

  /// Reads the query string: the first value of a parameter counts, unknown ones are ignored (operations.md
  /// §0). Appends what is wrong to `faults`, with locations `query` and `query.NAME`.
  [[nodiscard]] QueryValues read_query(std::string_view operation_id, std::string_view raw_query,
                                       std::vector<FieldError>& faults) const;
  /// Checks declared headers, with locations `header.NAME`.
  void check_headers(std::string_view operation_id, const net::Headers& headers,
                     std::vector<FieldError>& faults) const;
  /// Checks a request body and removes members that are null and optional, which count as absent (§2).
  /// Appends faults with locations `body…`, at most kFaultsMax in all.
  void check_body(std::string_view operation_id, boost::json::value& body,
                  std::vector<FieldError>& faults) const;

  /// What is wrong with an answer of this operation, read by the same schemas; empty when it conforms. For
  /// tests.
  [[nodiscard]] std::vector<FieldError> check_response(std::string_view operation_id, int status,
                                                       const boost::json::value& body) const;
  /// What is wrong with the data of an event by the schema of its type; empty when it conforms, or when the
  /// type has none. For tests.
  [[nodiscard]] std::vector<FieldError> check_event(std::string_view type,
                                                    const boost::json::value& data) const;
  /// Ids of all operations in the document.
  [[nodiscard]] std::vector<std::string> operation_ids() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Faults that one answer lists at most.
inline constexpr std::size_t kFaultsMax = 64;

/// A JSON text that cannot be taken.
enum class JsonFault : std::uint8_t { empty, malformed, too_deep, too_many_values };
[[nodiscard]] std::string_view to_string(JsonFault fault);

/// Values (members and items, however nested) that a text may hold. Each takes some 24 bytes for as few as
/// two of text, so a body of permitted size could otherwise take a gigabyte, before anyone is asked who they
/// are.
inline constexpr std::size_t kJsonValuesMax = 200'000;

/// Parses strict JSON (RFC 8259) into memory of its own, which the value keeps alive. Depth ≤ 32. Invalid
/// UTF-8 and lone surrogates are malformed. Of members with the same name the last one counts: this is the
/// only reader of a request, so reviewers see what is sent.
[[nodiscard]] Result<boost::json::value, JsonFault> parse_json(std::string_view text);

}  // namespace countersign::agent::rest
