// A TOML file as a flat list of keys. Apart from the rest because toml++ is expensive to compile.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace countersign::daemon {

/// What TOML has and no setting takes.
struct OtherToml {
  std::string type;  // "array", "floating-point", …
};
using TomlValue = std::variant<std::string, std::int64_t, bool, OtherToml>;

struct TomlEntry {
  std::string key;  // dotted: "store.url"
  TomlValue value;
  int line;
};

/// The file's entries in order. Refuses with `FILE:LINE: what is wrong` when it is no TOML or cannot be read.
[[nodiscard]] Result<std::vector<TomlEntry>, std::string> read_toml(const std::string& path);

}  // namespace countersign::daemon
