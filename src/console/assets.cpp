#include "console/assets.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace countersign::console {
namespace {

constexpr std::string_view kPrefix = "/console/";
constexpr std::string_view kIndex = "index.html";

const EmbeddedFile* find_file(std::string_view path) {
  const auto files = embedded_files();
  const auto found = std::ranges::find(files, path, &EmbeddedFile::path);
  return found == files.end() ? nullptr : &*found;
}

net::Response plain(int status, std::string_view text) {
  net::Response response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.body = text;
  return response;
}

// Whether a comma-separated field names the word; weights other than zero make no difference.
bool names(std::string_view field, std::string_view word) {
  while (!field.empty()) {
    const std::size_t end = field.find(',');
    std::string_view item = trim(field.substr(0, end));
    field.remove_prefix(end == std::string_view::npos ? field.size() : end + 1);
    const std::string_view weight = trim(item.substr(std::min(item.find(';'), item.size())));
    item = trim(item.substr(0, item.find(';')));
    const bool none = weight == ";q=0" || weight == "; q=0" || weight.starts_with(";q=0.000");
    if (item == word && !none) return true;
  }
  return false;
}

// How long a browser may keep a file: names below assets/ hold a hash of the content.
std::string_view caching_of(const EmbeddedFile& file) {
  if (file.path == kIndex) return "no-store";
  return file.path.starts_with("assets/") ? "public, max-age=31536000, immutable" : "public, max-age=86400";
}

net::Response send(const EmbeddedFile& file, const net::Request& request) {
  net::Response response;
  response.headers.add("Cache-Control", std::string(caching_of(file)));
  response.headers.add("ETag", std::string(file.etag));
  response.headers.add("Vary", "Accept-Encoding");
  if (names(request.headers.get("If-None-Match"), file.etag)) {
    response.status = 304;
    return response;
  }
  response.headers.add("Content-Type", std::string(file.content_type));
  const bool compressed = !file.gzip.empty() && names(request.headers.get("Accept-Encoding"), "gzip");
  if (compressed) response.headers.add("Content-Encoding", "gzip");
  response.body = compressed ? file.gzip : file.plain;
  return response;
}

}  // namespace

net::Response serve_asset(const net::Request& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    net::Response response = plain(405, "method not allowed\n");
    response.headers.add("Allow", "GET, HEAD");
    return response;
  }
  if (!request.path.starts_with(kPrefix)) {  // `/console`: relative links need the slash
    net::Response response = plain(308, "");
    response.headers.add("Location", std::string(kPrefix));
    return response;
  }
  const std::string_view path = std::string_view(request.path).substr(kPrefix.size());
  if (const EmbeddedFile* file = find_file(path)) return send(*file, request);
  if (path.starts_with("assets/")) return plain(404, "not found\n");
  const EmbeddedFile* index = find_file(kIndex);
  return send(*index, request);
}

}  // namespace countersign::console
