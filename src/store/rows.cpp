#include "store/rows.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace countersign::store {

const Row::Cell& Row::at(std::size_t column) const {
  CS_ASSERT(column < columns_);
  return cells_[column];
}

bool Row::is_null(std::size_t column) const { return at(column).kind == Cell::Kind::null; }

std::int64_t Row::integer(std::size_t column) const {
  const Cell& cell = at(column);
  CS_ASSERT(cell.kind == Cell::Kind::integer);
  return cell.integer;
}

std::string_view Row::view(std::size_t column) const {
  const Cell& cell = at(column);
  CS_ASSERT(cell.kind == Cell::Kind::bytes);
  return cell.bytes;
}

std::optional<std::int64_t> Row::maybe_integer(std::size_t column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

std::optional<UtcTime> Row::maybe_time(std::size_t column) const {
  if (is_null(column)) return std::nullopt;
  return time(column);
}

std::optional<std::string> Row::maybe_text(std::size_t column) const {
  if (is_null(column)) return std::nullopt;
  return text(column);
}

Row Rows::operator[](std::size_t index) const {
  CS_ASSERT(index < size());
  return {cells_.data() + index * columns_, columns_};
}

void Rows::add_integer(std::int64_t value) { cells_.push_back({Row::Cell::Kind::integer, value, {}}); }

void Rows::add_bytes(std::string_view value) {
  char* const copy = reserve(value.size());
  std::copy(value.begin(), value.end(), copy);
  cells_.push_back({Row::Cell::Kind::bytes, 0, {copy, value.size()}});
}

char* Rows::reserve(std::size_t count) {
  constexpr std::size_t kFirstChunkBytes = 512;
  constexpr std::size_t kChunkBytes = 16'384;
  if (count > free_bytes_ || free_ == nullptr) {
    free_bytes_ = std::max(count, chunks_.empty() ? kFirstChunkBytes : kChunkBytes);
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(free_bytes_));
    free_ = chunks_.back().get();
  }
  char* const at = free_;
  free_ += count;
  free_bytes_ -= count;
  return at;
}

}  // namespace countersign::store
