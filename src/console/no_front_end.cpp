// Stands in for the front end in a build without it.
#include <array>

#include "console/assets.hpp"

namespace countersign::console {

std::span<const EmbeddedFile> embedded_files() {
  static constexpr std::array kFiles = {EmbeddedFile{
      "index.html", "text/html; charset=utf-8", "\"none\"",
      "<!doctype html><meta charset=utf-8><title>Countersign</title><h1>There is no console in this "
      "build</h1>"
      "<p>It was built without its front end. Build it with Node.js (<code>scripts/install web</code>) and "
      "<code>-D COUNTERSIGN_CONSOLE=ON</code>. The REST API under <code>/v1</code> works as ever.</p>",
      ""}};
  return kFiles;
}

}  // namespace countersign::console
