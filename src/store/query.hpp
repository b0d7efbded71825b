// A named SQL statement and its parameters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace countersign::store {

enum class Dialect { sqlite, postgres };

/// PostgreSQL: one statement that does for several rows of parameters what the query does for one. `$1`,
/// `$2`, … are texts of arrays, to be cast (`$1::text[]`, `$2::bigint[]`): what the query's `$1`, `$2`, … are
/// in each row. A statement by itself is cheap there and its beginning is not: the constraints of the table
/// alone are read and compiled each time.
struct Together {
  std::string_view text;
  /// The first so many parameters say which row of the table is changed: rows that agree in them are not sent
  /// together. 0 where that does no harm.
  std::size_t key = 0;
};

/// One statement with a name that is unique in the program; prepared once per connection under that name.
/// Parameters are `$1`, `$2`, … in both dialects. Tables keep times as int64 microseconds, flags as 0/1 and
/// ids as text, so one text usually serves both. Where the dialects differ, give both texts.
class Query {
 public:
  constexpr Query(std::string_view name, std::string_view both)
      : name_(name), sqlite_(both), postgres_(both) {}
  /// For statements whose texts differ; say why in a comment beside them ("differs because …").
  constexpr Query(std::string_view name, std::string_view sqlite, std::string_view postgres)
      : name_(name), sqlite_(sqlite), postgres_(postgres) {}
  /// For statements that Tx::send is given again and again in one transaction. Those that are sent with
  /// nothing else between them may run in any order, so each has to stand for itself.
  constexpr Query(std::string_view name, std::string_view both, Together together)
      : name_(name), sqlite_(both), postgres_(both), together_(together) {}

  [[nodiscard]] constexpr std::string_view name() const noexcept { return name_; }
  [[nodiscard]] constexpr std::string_view text(Dialect dialect) const noexcept {
    return dialect == Dialect::sqlite ? sqlite_ : postgres_;
  }
  /// Its text is empty when there is none.
  [[nodiscard]] constexpr const Together& together() const noexcept { return together_; }

 private:
  std::string_view name_;
  std::string_view sqlite_;
  std::string_view postgres_;
  Together together_;
};

/// Bytes that are not text: BLOB in SQLite, BYTEA in PostgreSQL.
struct Blob {
  std::string_view bytes;
};

/// One parameter. Views what it is given: the argument must outlive the call it is passed to, which every
/// expression inside the call's parentheses does.
class Param {
 public:
  enum class Kind { null, integer, text, blob };

  Param(std::nullptr_t) {}                                              // NOLINT(google-explicit-constructor)
  Param(std::int64_t value) : kind_(Kind::integer), integer_(value) {}  // NOLINT(google-explicit-constructor)
  Param(int value) : kind_(Kind::integer), integer_(value) {}           // NOLINT(google-explicit-constructor)
  Param(bool value) : kind_(Kind::integer), integer_(value ? 1 : 0) {}  // NOLINT(google-explicit-constructor)
  Param(UtcTime value) : Param(to_us(value)) {}                         // NOLINT(google-explicit-constructor)
  Param(std::string_view value) : kind_(Kind::text), text_(value) {}    // NOLINT(google-explicit-constructor)
  Param(const std::string& value) : Param(std::string_view(value)) {}   // NOLINT(google-explicit-constructor)
  Param(const char* value) : Param(std::string_view(value)) {}          // NOLINT(google-explicit-constructor)
  Param(Blob value) : kind_(Kind::blob), text_(value.bytes) {}          // NOLINT(google-explicit-constructor)
  template <class T>
  Param(const std::optional<T>& value)  // NOLINT(google-explicit-constructor)
      : Param(value ? Param(*value) : Param(nullptr)) {}

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] std::int64_t integer() const noexcept { return integer_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }

 private:
  Kind kind_ = Kind::null;
  std::int64_t integer_ = 0;
  std::string_view text_;
};

using Params = std::span<const Param>;

}  // namespace countersign::store
