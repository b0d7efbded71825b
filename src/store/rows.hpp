// The rows a statement returned: an owning, dialect-free copy.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace countersign::store {

/// One row; views into the Rows it came from. Columns count from 0 in the order of the select list.
/// Asking a column for another type than the statement yields, or a NULL column through a non-optional
/// getter, is a bug and stops the process.
class Row {
 public:
  struct Cell {
    enum class Kind : std::uint8_t { null, integer, bytes } kind = Kind::null;
    std::int64_t integer = 0;
    std::string_view bytes;
  };

  Row(const Cell* cells, std::size_t columns) : cells_(cells), columns_(columns) {}

  [[nodiscard]] bool is_null(std::size_t column) const;
  [[nodiscard]] std::int64_t integer(std::size_t column) const;
  [[nodiscard]] bool flag(std::size_t column) const { return integer(column) != 0; }
  [[nodiscard]] UtcTime time(std::size_t column) const { return from_us(integer(column)); }
  /// Text or bytes.
  [[nodiscard]] std::string_view view(std::size_t column) const;
  [[nodiscard]] std::string text(std::size_t column) const { return std::string(view(column)); }
  [[nodiscard]] std::optional<std::int64_t> maybe_integer(std::size_t column) const;
  [[nodiscard]] std::optional<UtcTime> maybe_time(std::size_t column) const;
  [[nodiscard]] std::optional<std::string> maybe_text(std::size_t column) const;
  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }

 private:
  [[nodiscard]] const Cell& at(std::size_t column) const;

  const Cell* cells_;
  std::size_t columns_;
};

/// All rows of one statement. Cheap to move; the drivers fill it through add_*.
class Rows {
 public:
  explicit Rows(std::size_t columns = 0) : columns_(columns) {}
  Rows(Rows&&) = default;
  Rows& operator=(Rows&&) = default;
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  class Iterator {
   public:
    Iterator(const Rows* rows, std::size_t index) : rows_(rows), index_(index) {}
    Row operator*() const { return (*rows_)[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    const Rows* rows_;
    std::size_t index_;
  };

  [[nodiscard]] std::size_t size() const noexcept { return columns_ == 0 ? 0 : cells_.size() / columns_; }
  [[nodiscard]] bool empty() const noexcept { return cells_.empty(); }
  [[nodiscard]] Row operator[](std::size_t index) const;
  [[nodiscard]] Iterator begin() const { return {this, 0}; }
  [[nodiscard]] Iterator end() const { return {this, size()}; }
  /// The first row. A bug when there is none.
  [[nodiscard]] Row front() const { return (*this)[0]; }

  void add_null() { cells_.emplace_back(); }
  void add_integer(std::int64_t value);
  void add_bytes(std::string_view value);

 private:
  char* reserve(std::size_t count);

  std::size_t columns_;
  std::vector<Row::Cell> cells_;
  std::vector<std::unique_ptr<char[]>> chunks_;  // the bytes of all cells; a chunk never moves
  char* free_ = nullptr;                         // the unused rest of the last chunk
  std::size_t free_bytes_ = 0;
};

}  // namespace countersign::store
