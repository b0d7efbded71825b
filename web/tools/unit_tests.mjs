// Bundles src/**/*.test.ts (node does not read TypeScript) and runs them with node's test runner.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const source = fileURLToPath(new URL("../src/", import.meta.url));
const input = readdirSync(source, { recursive: true })
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => join(source, name));
const dir = mkdtempSync(join(tmpdir(), "console-tests-"));
try {
  await build({
    entryPoints: input,
    outdir: dir,
    outExtension: { ".js": ".mjs" },
    entryNames: "[name]",
    bundle: true,
    platform: "node",
    format: "esm",
    jsx: "automatic",
    jsxImportSource: "preact",
    logLevel: "error",
  });
  const files = readdirSync(dir)
    .filter((name) => name.endsWith(".test.mjs"))
    .map((name) => join(dir, name));
  const run = spawnSync(process.execPath, ["--test", "--test-reporter=dot", ...files], { stdio: "inherit" });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(dir, { recursive: true });
}
