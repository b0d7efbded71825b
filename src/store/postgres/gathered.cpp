#include "store/postgres/gathered.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace countersign::store::postgres {
namespace {

constexpr std::size_t kRowsMax = 256;  // of one kind in one statement

// As an element of an array's text (PostgreSQL 15, 8.15.6): quoted whatever it holds.
void append_quoted(std::string& list, std::string_view text) {
  list += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') list += '\\';
    list += c;
  }
  list += '"';
}

// Unambiguous: each value stands behind its length.
std::string key_of(Params params, std::size_t count) {
  std::string key;
  for (const Param& param : params.first(count)) {
    key += param.kind() == Param::Kind::integer ? fmt::format("i{} ", param.integer())
                                                : fmt::format("t{} {} ", param.text().size(), param.text());
  }
  return key;
}

}  // namespace

void Gathered::add(const Query& query, Params params) {
  const std::size_t key_size = query.together().key;
  Kind* kind = &kind_of(query);
  const std::string key = key_size == 0 ? std::string() : key_of(params, key_size);
  if (kind->rows.size() == kRowsMax || kind->keys.contains(key) ||
      (!kind->rows.empty() && kind->rows.front().size() != params.size())) {
    queue_all();
    kind = &kind_of(query);
  }
  if (key_size > 0) kind->keys.insert(key);
  Row& row = kind->rows.emplace_back();
  row.reserve(params.size());
  for (const Param& param : params) {
    if (param.kind() == Param::Kind::blob) {
      throw StatementError(fmt::format("{}: bytes are not sent together", query.name()));
    }
    row.push_back({param.kind(), param.integer(), std::string(param.text())});
  }
}

void Gathered::queue_all() {
  const std::vector<Kind> kinds = std::move(kinds_);
  kinds_.clear();
  for (const Kind& kind : kinds) {
    if (kind.rows.size() == 1) {
      queue_one(kind);
    } else {
      queue_together(kind);
    }
  }
}

Gathered::Kind& Gathered::kind_of(const Query& query) {
  const auto found =
      std::ranges::find(kinds_, query.name(), [](const Kind& kind) { return kind.query.name(); });
  if (found != kinds_.end()) return *found;
  return kinds_.emplace_back(Kind{query, {}, {}});
}

void Gathered::queue_one(const Kind& kind) {
  std::vector<Param> params;
  for (const Value& value : kind.rows.front()) {
    switch (value.kind) {
      case Param::Kind::null:
        params.emplace_back(nullptr);
        break;
      case Param::Kind::integer:
        params.emplace_back(value.integer);
        break;
      case Param::Kind::text:
      case Param::Kind::blob:
        params.emplace_back(value.text);
        break;
    }
  }
  connection_.queue(kind.query, params);
}

void Gathered::queue_together(const Kind& kind) {
  std::vector<std::string> lists(kind.rows.front().size());
  for (const Row& row : kind.rows) {
    for (std::size_t i = 0; i < lists.size(); ++i) {
      std::string& list = lists[i];
      list += list.empty() ? '{' : ',';
      switch (row[i].kind) {
        case Param::Kind::null:
          list += "NULL";
          break;
        case Param::Kind::integer:
          fmt::format_to(std::back_inserter(list), "{}", row[i].integer);
          break;
        case Param::Kind::text:
        case Param::Kind::blob:
          append_quoted(list, row[i].text);
          break;
      }
    }
  }
  for (std::string& list : lists) list += '}';
  const std::vector<Param> params(lists.begin(), lists.end());
  const std::string name = fmt::format("{}.together", kind.query.name());
  connection_.queue(Query(name, "", kind.query.together().text), params);
}

}  // namespace countersign::store::postgres
