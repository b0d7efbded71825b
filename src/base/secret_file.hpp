// A password or key that an operator keeps in a file of its own.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.hpp"

namespace countersign {

inline constexpr std::size_t kSecretFileBytesMax = 4096;

/// The content of the file without a final line end. Refuses with a text for people, which never holds any of
/// the content: not readable, empty, longer than kSecretFileBytesMax.
[[nodiscard]] Result<std::string, std::string> read_secret_file(const std::string& path);

}  // namespace countersign
