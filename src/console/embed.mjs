// Writes the files of a folder as a C++ source: node embed.mjs DIST OUTPUT. Run as a build step.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { gzipSync } from "node:zlib";

const [dist, output] = process.argv.slice(2);
const types = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

const paths = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && extname(entry.name) !== ".map")
  .map((entry) => relative(dist, join(entry.parentPath ?? entry.path, entry.name)).split(sep).join("/"))
  .sort();

// In lines, because a compiler need not take a string literal of more than 65536 characters: numbers instead.
function numbers(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 64) lines.push(Array.from(bytes.subarray(at, at + 64)).join(","));
  return lines.join(",\n");
}

let arrays = "";
let entries = "";
function constant(name, bytes) {
  if (bytes.length === 0) return '""';
  arrays += `constexpr unsigned char ${name}[] = {\n${numbers(bytes)}};\n`;
  return `view(${name}, sizeof(${name}))`;
}
paths.forEach((path, i) => {
  const type = types[extname(path)];
  if (!type) throw new Error(`no media type is known for ${path}`);
  const plain = readFileSync(join(dist, path));
  const packed = gzipSync(plain, { level: 9 });
  packed[9] = 255; // the operating system: the same file everywhere
  const gzip = packed.length < plain.length ? packed : Buffer.alloc(0);
  const etag = createHash("sha256").update(plain).digest("hex").slice(0, 32);
  entries += `      EmbeddedFile{"${path}", "${type}", "\\"${etag}\\"", ${constant(`kPlain${i}`, plain)}, `;
  entries += `${constant(`kGzip${i}`, gzip)}},\n`;
});

writeFileSync(
  output,
  `// Generated from web/dist.
#include <array>

#include "console/assets.hpp"

namespace countersign::console {
namespace {

${arrays}
std::string_view view(const unsigned char* bytes, std::size_t count) {
  return {reinterpret_cast<const char*>(bytes), count};
}

}  // namespace

std::span<const EmbeddedFile> embedded_files() {
  static const std::array kFiles = {
${entries}  };
  return kFiles;
}

}  // namespace countersign::console
`,
);
