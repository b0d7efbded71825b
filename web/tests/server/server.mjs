// A real server for the browser: COUNTERSIGN_BINARY names it. It keeps its data in a fresh SQLite file, or with
// COUNTERSIGN_CONSOLE_STORE=postgres in a database of its own on COUNTERSIGN_TEST_POSTGRES (URL of a superuser).
// With COUNTERSIGN_CONSOLE_DIST=1 the pages are those of web/dist rather than those inside of the binary.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { skip as no_browser } from "../smoke/browser.mjs";
import { start_front } from "./front.mjs";

const binary = process.env.COUNTERSIGN_BINARY;
const superuser = process.env.COUNTERSIGN_TEST_POSTGRES;
const on_postgres = process.env.COUNTERSIGN_CONSOLE_STORE === "postgres";
const missing = !binary
  ? "COUNTERSIGN_BINARY"
  : on_postgres && !superuser
    ? "COUNTERSIGN_TEST_POSTGRES"
    : null;
export const skip = no_browser || (missing && !process.env.CI ? `${missing} is not set` : false);
// The server knows all variables that begin like its own, and refuses these.
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("COUNTERSIGN_")),
);
export const kOwner = "ada@example.org";
// A machine that stands still for a while is no reason to give up, nor to do anything again.
const kPatience = [
  "store.deadline_ms=300000",
  "inbound.timeout_ms=300000",
  "inbound.lease_seconds=3600",
  "dispatcher.lease_seconds=3600",
];

function run(program, ...args) {
  const done = spawnSync(program, args, { encoding: "utf8", env });
  assert.equal(done.status, 0, `${program} ${args[0]}: ${done.error ?? done.stdout + done.stderr}`);
  return done.stdout;
}

/** An empty database on the server of the tests. */
function create_database() {
  const name = `console_${randomBytes(8).toString("hex")}`;
  const tell = (sql) => run("psql", "--no-psqlrc", "--quiet", "--dbname", superuser, "--command", sql);
  tell(`CREATE DATABASE ${name}`);
  const url = new URL(superuser);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => tell(`DROP DATABASE ${name} WITH (FORCE)`) };
}

/** What must not be in the log of a server: lines of level error, and what sanitizers say. */
function faults_of(log) {
  const faulty = /"level":\s*"error"|\w+Sanitizer: |runtime error: |assertion failed/;
  return log.split("\n").filter((line) => faulty.test(line));
}

/** What a log says of the first event of that name; undefined when it says nothing yet. */
function fields_of(log, event) {
  const whole = log.split("\n").slice(0, -1);
  const line = whole.find((one) => one.includes(`"event":"${event}"`));
  return line && JSON.parse(line);
}

/** Starts it with one account, and waits for the link that chooses its password. */
export async function start_server(settings = []) {
  assert.equal(missing, null, `${missing} is not set`);
  const data = mkdtempSync(join(tmpdir(), "console-server-"));
  const database = on_postgres ? create_database() : null;
  const all = [
    `data_dir=${data}`,
    "http.listen=127.0.0.1:0", // its log says which ports it got
    "inbound.listen=127.0.0.1:0",
    "log.format=json",
    ...kPatience,
    "notifications.enabled=false", // the only mail is that of the tests
    ...(database ? [`store.url=${database.url}`] : []),
    ...settings,
  ];
  const flags = all.flatMap((one) => ["--set", one]);
  const key = /e2a_acct_[0-9a-f]+/.exec(run(binary, "bootstrap", kOwner, ...flags))?.[0];
  // The kernel ends the server when this process dies.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", binary, "serve", ...flags], {
    stdio: ["ignore", "ignore", "pipe"],
    env,
  });
  const ended = once(child, "close");
  let log = "";
  const [direct, smtp, link] = await new Promise((resolve, reject) => {
    child.stderr.on("data", (bytes) => {
      log += bytes;
      const said = (event) => fields_of(log, event);
      const [serving, receiving, setup] = ["node.serving", "node.receiving", "console.setup"].map(said);
      if (serving && receiving && setup)
        resolve([serving.url, receiving.port, /\/console\/setup#.*/.exec(setup.link)[0]]);
    });
    ended.then(([status]) => reject(new Error(`the server ended (${status}): ${log}`)), reject);
  });
  const front = process.env.COUNTERSIGN_CONSOLE_DIST ? await start_front(direct) : null;
  const url = front?.url ?? direct;
  /** In good order; then its log is clean and the store keeps every promise. */
  const stop = async () => {
    await front?.stop();
    child.kill("SIGTERM");
    const [status] = await ended;
    assert.deepEqual([status, faults_of(log)], [0, []]);
    run(binary, "check", ...flags);
    database?.drop();
    rmSync(data, { recursive: true });
  };
  return { url, link, key, smtp, data, stop };
}

/** Hands a message to the server as any mail server would. */
export function deliver(port, from, to, content) {
  const lines = [
    `EHLO mail.example`,
    `MAIL FROM:<${from}>`,
    `RCPT TO:<${to}>`,
    "DATA",
    `${content.replace(/\r?\n/g, "\r\n").replace(/^\./gm, "..")}\r\n.`,
    "QUIT",
  ];
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, "127.0.0.1");
    let reply = "";
    socket.setEncoding("utf8");
    socket.on("error", reject);
    socket.on("end", () => (lines.length === 0 ? resolve() : reject(new Error(reply))));
    socket.on("data", (text) => {
      reply = text;
      if (!/^\d{3} .*\r\n$/m.test(text)) return;
      if (/^[45]/.test(text)) reject(new Error(text));
      const next = lines.shift();
      if (next !== undefined) socket.write(`${next}\r\n`);
    });
  });
}
