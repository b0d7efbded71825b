// What leaves with a text that should not: keys, passwords, card numbers, other people's data in bulk. For
// outgoing mail. Internal to the screen module.
#pragma once

#include <string_view>
#include <vector>

#include "screen/screen.hpp"

namespace countersign::screen {

/// One finding per kind, with nothing secret in its excerpt: the beginning of a key, the end of a card
/// number. What documentation uses as an example does not count. Any bytes, linear.
[[nodiscard]] std::vector<Finding> find_disclosures(std::string_view text);

/// A file that holds keys or a database by its name, or by how it begins.
[[nodiscard]] std::vector<Finding> find_disclosing_file(std::string_view filename, std::string_view content);

/// Leaves of several findings of one code the one that counts most.
void keep_strongest(std::vector<Finding>& into, std::vector<Finding> more);

}  // namespace countersign::screen
