// After a build: no page may need what the content security policy refuses, and the JavaScript fits its
// budget.
import { readFileSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";

const kJavaScriptGzipBytesMax = 120 * 1024;
const dist = new URL("../dist/", import.meta.url);
const faults = [];

const html = readFileSync(new URL("index.html", dist), "utf8");
if (/<script(?![^>]*\bsrc=)[^>]*>/i.test(html)) faults.push("index.html has an inline script");
if (/<style|\sstyle=/i.test(html)) faults.push("index.html has an inline style");
if (/\son[a-z]+=/i.test(html)) faults.push("index.html has an inline event handler");
if (/(src|href)="(https?:)?\/\//i.test(html)) faults.push("index.html loads from elsewhere");

let bytes = 0;
for (const name of readdirSync(new URL("assets/", dist))) {
  const content = readFileSync(new URL(`assets/${name}`, dist));
  if (name.endsWith(".js")) bytes += gzipSync(content, { level: 9 }).length;
  if (name.endsWith(".css") && /url\(\s*["']?(https?:)?\/\//.test(content.toString())) {
    faults.push(`${name} loads from elsewhere`);
  }
}
if (bytes > kJavaScriptGzipBytesMax) faults.push(`JavaScript is ${bytes} bytes gzipped`);
console.log(
  `JavaScript ${(bytes / 1024).toFixed(1)} KiB gzipped (at most ${kJavaScriptGzipBytesMax / 1024})`,
);
for (const fault of faults) console.error(`error: ${fault}`);
process.exit(faults.length === 0 ? 0 : 1);
