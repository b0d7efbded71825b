#include "agent/rest/cursor.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/crypto.hpp"

namespace countersign::agent::rest {
namespace json = boost::json;
namespace {

constexpr std::size_t kCursorBytesMax = 4096;

std::string_view view(const Sha256& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string filters_hash(std::string_view filters) { return base64url_encode(view(sha256(filters))); }

}  // namespace

std::string Cursors::encode(const CursorKey& key, std::string_view filters) const {
  const json::object content{{"t", key.created_at_us}, {"i", key.id}, {"f", filters_hash(filters)}};
  const std::string first = base64url_encode(json::serialize(content));
  return first + "." + base64url_encode(view(hmac_sha256(secret_, first)));
}

Result<CursorKey, CursorFault> Cursors::decode(std::string_view cursor, std::string_view filters) const {
  const unexpected invalid(CursorFault::invalid);
  const std::size_t dot = cursor.find('.');
  if (dot == std::string_view::npos || cursor.size() > kCursorBytesMax) return invalid;
  const std::string_view first = cursor.substr(0, dot);
  const auto mac = base64url_decode(cursor.substr(dot + 1));
  if (!mac || !equal_constant_time(*mac, view(hmac_sha256(secret_, first)))) return invalid;

  // Authentic, so made by encode: what follows cannot fail unless the form changed between versions.
  boost::system::error_code error;
  const auto text = base64url_decode(first);
  const json::value content = text ? json::parse(*text, error) : json::value();
  const json::object* object = content.if_object();
  if (error || !object) return invalid;
  const json::value* time = object->if_contains("t");
  const json::value* id = object->if_contains("i");
  const json::value* hash = object->if_contains("f");
  if (!time || !time->is_int64() || !id || !id->is_string() || !hash || !hash->is_string()) return invalid;
  if (std::string_view(hash->get_string()) != filters_hash(filters)) return invalid;
  return CursorKey{.created_at_us = time->get_int64(), .id = std::string(id->get_string())};
}

}  // namespace countersign::agent::rest
