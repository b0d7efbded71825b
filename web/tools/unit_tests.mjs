// Bundles src/**/*.test.ts (node does not read TypeScript) and runs them with node's test runner.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const source = fileURLToPath(new URL("../src/", import.meta.url));
const input = readdirSync(source, { recursive: true })
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => join(source, name));
const dir = mkdtempSync(join(tmpdir(), "console-tests-"));
try {
  const bundle = await rolldown({ input, platform: "node", logLevel: "silent" });
  await bundle.write({ dir, format: "esm", entryFileNames: "[name].mjs" });
  const files = readdirSync(dir)
    .filter((name) => name.endsWith(".test.mjs"))
    .map((name) => join(dir, name));
  const run = spawnSync(process.execPath, ["--test", "--test-reporter=dot", ...files], { stdio: "inherit" });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(dir, { recursive: true });
}
