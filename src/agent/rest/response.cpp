#include "agent/rest/response.hpp"

#include <boost/json/serialize.hpp>
#include <utility>

namespace countersign::agent::rest {
namespace json = boost::json;

Response json_text_response(int status, std::string text) {
  Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.body = std::move(text);
  return response;
}

Response json_response(int status, const json::value& value) {
  return json_text_response(status, json::serialize(value));
}

Response text_response(int status, std::string text) {
  Response response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(text);
  return response;
}

json::object page(json::array items, const std::string& next_cursor) {
  json::object envelope;
  envelope["items"] = std::move(items);
  if (next_cursor.empty()) {
    envelope["next_cursor"] = nullptr;
  } else {
    envelope["next_cursor"] = next_cursor;
  }
  return envelope;
}

}  // namespace countersign::agent::rest
