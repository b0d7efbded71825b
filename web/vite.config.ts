// Build of the console, and a development proxy: `COUNTERSIGN_URL=http://127.0.0.1:8080
// COUNTERSIGN_KEY=e2a_acct_… npm run dev` maps /console/api/v1 to the REST API of a running server with that
// key, and the rest of /console/api to the server as it is. What the server does not have answers 404 there,
// and the console says that it is missing.
import { defineConfig } from "vite";

const server = process.env["COUNTERSIGN_URL"] ?? "http://127.0.0.1:8080";
const key = process.env["COUNTERSIGN_KEY"];

const proxy = {
  ...(key
    ? {
        "/console/api/v1": {
          target: server,
          rewrite: (path: string) => path.replace(/^\/console\/api/, ""),
          headers: { Authorization: `Bearer ${key}` },
        },
      }
    : {}),
  "/console/api": { target: server },
};

export default defineConfig({
  base: "/console/",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2022",
    cssTarget: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy },
  preview: { proxy },
});
