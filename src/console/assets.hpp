// The files of the front end, as they were built into the program.
#pragma once

#include <span>
#include <string_view>

#include "net/http_message.hpp"

namespace countersign::console {

struct EmbeddedFile {
  std::string_view path;  // below /console/: "index.html", "assets/main-1a2b3c.js"
  std::string_view content_type;
  std::string_view etag;  // quoted
  std::string_view plain;
  std::string_view gzip;  // the same, compressed; empty where that is no gain
};
/// "index.html" is always among them.
[[nodiscard]] std::span<const EmbeddedFile> embedded_files();

/// Answers a path of the console outside /console/api: a file, or index.html for every path that is a page.
[[nodiscard]] net::Response serve_asset(const net::Request& request);

}  // namespace countersign::console
