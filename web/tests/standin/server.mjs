// A stand-in for src/console in the browser suite: serves web/dist under the content security policy of
// API.md and answers the interface from memory, deterministically. It has doors of its own under /test/ to
// make things happen. By hand: node tests/standin/server.mjs [port] [holds] prints the address and the
// password. With COUNTERSIGN_URL and COUNTERSIGN_KEY, /console/api/v1 is the REST API of that server.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { make_world } from "./world.mjs";
import { routes, Refused } from "./routes.mjs";

const kPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' data:; img-src 'self' data: blob:; connect-src 'self'; " +
  "frame-src 'self' blob:; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const kTypes = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".svg": "image/svg+xml",
};
const dist = new URL("../../dist/", import.meta.url);

export async function start(options = {}) {
  const world = make_world(options);
  const { COUNTERSIGN_URL, COUNTERSIGN_KEY } = process.env;
  if (COUNTERSIGN_URL && COUNTERSIGN_KEY) world.backend = { url: COUNTERSIGN_URL, key: COUNTERSIGN_KEY };
  const server = createServer((request, response) => void answer(world, request, response));
  await new Promise((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const stop = () => {
    for (const stream of world.streams) stream.end();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url, world, stop };
}

async function answer(world, request, response) {
  const url = new URL(request.url, "http://x");
  world.requests.push(`${request.method} ${url.pathname}`);
  await world.gate(url);
  if (url.pathname.startsWith("/console/api/")) return api(world, request, response, url);
  if (!url.pathname.startsWith("/console")) return send(response, 404, "not here");
  serve_dist(url.pathname, response);
}

/** A page or an asset of web/dist, under the policy of API.md. */
export function serve_dist(pathname, response) {
  const path = pathname.slice("/console/".length);
  const is_file = path.startsWith("assets/") || path === "icon.svg";
  try {
    const file = is_file ? new URL(path, dist) : new URL("index.html", dist);
    if (!file.pathname.startsWith(dist.pathname)) throw new Error("outside");
    response.writeHead(200, {
      "Content-Type": kTypes[extname(file.pathname)] ?? "application/octet-stream",
      "Content-Security-Policy": kPolicy,
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "no-referrer",
      "Cross-Origin-Opener-Policy": "same-origin",
    });
    response.end(readFileSync(file));
  } catch {
    send(response, 404, "no such file");
  }
}

function send(response, status, body, headers = {}) {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", ...headers });
  response.end(body);
}

async function read_body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return text === "" ? {} : JSON.parse(text);
}

function one_page(result, query) {
  const whole = result?.whole_list;
  if (!whole) return result;
  const from = Number(query.get("cursor") ?? 0);
  const to = from + Math.min(100, Number(query.get("limit") ?? 50));
  return { items: whole.slice(from, to), next_cursor: to < whole.length ? String(to) : null };
}

async function api(world, request, response, url) {
  const body = request.method === "GET" ? {} : await read_body(request);
  const path = url.pathname.slice("/console/api".length);
  if (world.backend && path.startsWith("/v1/"))
    return forward(world.backend, request, response, path + url.search, body);
  const context = { world, request, response, body, query: url.searchParams, headers: {} };
  try {
    for (const [method, pattern, handler, open] of routes) {
      const match = method === request.method && pattern.exec(path);
      if (!match) continue;
      if (!open) world.admit(request);
      const result = one_page(
        await handler(context, ...match.slice(1).map(decodeURIComponent)),
        context.query,
      );
      if (result === undefined) return; // it answered by itself
      const status = context.status ?? (result === null ? 204 : 200);
      response.writeHead(status, {
        "Content-Type": "application/json",
        "X-Request-Id": "req_standin",
        ...context.headers,
      });
      response.end(result === null ? "" : JSON.stringify(result));
      return;
    }
    throw new Refused(404, "not_found", `no ${request.method} ${path}`);
  } catch (error) {
    const refused = error instanceof Refused ? error : new Refused(500, "internal_error", String(error));
    response.writeHead(refused.status, { "Content-Type": "application/json", ...refused.headers });
    const { code, message, details } = refused;
    response.end(JSON.stringify({ error: { code, message, request_id: "req_standin", details } }));
  }
}

async function forward(backend, request, response, path, body) {
  const headers = { Authorization: `Bearer ${backend.key}`, "Content-Type": "application/json" };
  if (request.headers["if-match"]) headers["If-Match"] = request.headers["if-match"];
  const init = {
    method: request.method,
    headers,
    ...(request.method === "GET" ? {} : { body: JSON.stringify(body) }),
  };
  const answer = await fetch(backend.url + path, init);
  const etag = answer.headers.get("ETag");
  response.writeHead(answer.status, { "Content-Type": "application/json", ...(etag ? { ETag: etag } : {}) });
  response.end(Buffer.from(await answer.arrayBuffer()));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await start({ port: Number(process.argv[2] ?? 8090), holds: Number(process.argv[3] ?? 0) });
  console.log(`${url}/console/  ada@example.org  correct horse battery`);
}
