#include "daemon/config_toml.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

namespace countersign::daemon {
namespace {

// A configuration is a page or two; what is larger is not one.
constexpr std::streamsize kFileBytesMax = 1024 * 1024;

std::string name_of(toml::node_type type) {
  std::ostringstream out;
  out << type;
  return out.str();
}

TomlValue value_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  return OtherToml{name_of(node.type())};
}

void flatten(const toml::table& table, const std::string& prefix, std::vector<TomlEntry>& out) {
  for (const auto& [key, node] : table) {
    const std::string path = prefix + std::string(key.str());
    if (const toml::table* inner = node.as_table()) {
      flatten(*inner, path + ".", out);
    } else {
      out.push_back({path, value_of(node), static_cast<int>(node.source().begin.line)});
    }
  }
}

}  // namespace

Result<std::vector<TomlEntry>, std::string> read_toml(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(static_cast<std::size_t>(kFileBytesMax) + 1, '\0');
  file.read(text.data(), kFileBytesMax + 1);
  if (file.bad() || !file.is_open() || file.gcount() == 0) {
    // An empty file is a configuration without settings; a folder or a missing file is none.
    if (file.is_open() && errno == 0) return std::vector<TomlEntry>{};
    return unexpected(fmt::format("{}: {}", path, std::strerror(errno)));
  }
  if (file.gcount() > kFileBytesMax) {
    return unexpected(fmt::format("{}: larger than {} bytes", path, kFileBytesMax));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  try {
    const toml::table table = toml::parse(text, path);
    std::vector<TomlEntry> entries;
    flatten(table, "", entries);
    std::ranges::sort(entries, {}, [](const TomlEntry& entry) { return std::pair(entry.line, entry.key); });
    return entries;
  } catch (const toml::parse_error& error) {
    return unexpected(fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
  }
}

}  // namespace countersign::daemon
