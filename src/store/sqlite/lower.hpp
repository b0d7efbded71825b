// Lower case beyond ASCII, which SQLite's own lower() leaves as it is.
#pragma once

#include <sqlite3.h>

#include <string>
#include <string_view>

namespace countersign::store::sqlite {

/// Each character's lower case, as PostgreSQL's lower() has it in a UTF-8 locale; ill-formed bytes stay.
[[nodiscard]] std::string lower(std::string_view utf8);

/// Gives statements of the connection `utf8_lower(text)`. Returns SQLite's result code.
[[nodiscard]] int add_lower(sqlite3* database);

}  // namespace countersign::store::sqlite
