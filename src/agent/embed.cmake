# Turns a text file into a C++ source that defines it as one constant; run as a build step with
#   cmake -D INPUT=… -D OUTPUT=… -D NAME=… -P embed.cmake
# In pieces, because a compiler need not take a string literal of more than 65536 characters.
file(READ "${INPUT}" text)
string(LENGTH "${text}" left)
set(begin 0)
set(pieces "")
while(left GREATER 0)
  string(SUBSTRING "${text}" ${begin} 30000 piece)
  string(LENGTH "${piece}" taken)
  string(APPEND pieces "      R\"~~~(${piece})~~~\",\n")
  math(EXPR begin "${begin} + ${taken}")
  math(EXPR left "${left} - ${taken}")
endwhile()
file(WRITE "${OUTPUT}" "// Generated from ${NAME}.\n" [=[
#include "agent/rest/schema.hpp"

namespace countersign::agent::rest {

std::string_view openapi_document() {
  static const std::string kText = [] {
    std::string text;
    for (const char* piece : {
]=] "${pieces}" [=[      ""}) {
      text += piece;
    }
    return text;
  }();
  return kText;
}

}  // namespace countersign::agent::rest
]=])
