// A real server for the browser: COUNTERSIGN_BINARY names it, COUNTERSIGN_CONSOLE_STORE another store than a fresh SQLite.
// With COUNTERSIGN_CONSOLE_DIST=1 the pages are those of web/dist rather than those inside of the binary.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start_front } from "./front.mjs";

const binary = process.env.COUNTERSIGN_BINARY;
export const available = binary !== undefined;
// The server knows all variables that begin like its own, and refuses these.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("COUNTERSIGN_")));
export const kOwner = "ada@example.org";

function free_port() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** Starts it with one account, and waits for the link that chooses its password. */
export async function start_server(settings = []) {
  const data = mkdtempSync(join(tmpdir(), "console-server-"));
  const [http, smtp] = [await free_port(), await free_port()];
  const store = process.env.COUNTERSIGN_CONSOLE_STORE;
  const all = [`data_dir=${data}`, `http.listen=127.0.0.1:${http}`, `inbound.listen=127.0.0.1:${smtp}`, ...(store ? [`store.url=${store}`] : []), ...settings];
  const flags = all.flatMap((one) => ["--set", one]);
  const made = spawnSync(binary, ["bootstrap", kOwner, ...flags], { encoding: "utf8", env });
  const key = /e2a_acct_[0-9a-f]+/.exec(made.stdout)?.[0];
  if (!key) throw new Error(`no account: ${made.stdout}${made.stderr}`);
  const child = spawn(binary, ["serve", ...flags], { stdio: ["ignore", "ignore", "pipe"], env });
  let log = "";
  const link = await new Promise((resolve, reject) => {
    child.stderr.on("data", (bytes) => {
      log += bytes;
      const found = /\/console\/setup#\S+/.exec(log);
      if (found && /node\.serving/.test(log)) resolve(found[0]);
    });
    child.on("exit", (status) => reject(new Error(`the server ended (${status}): ${log}`)));
  });
  const direct = `http://127.0.0.1:${http}`;
  const front = process.env.COUNTERSIGN_CONSOLE_DIST ? await start_front(direct) : null;
  const url = front?.url ?? direct;
  const stop = async () => {
    await front?.stop();
    const ended = new Promise((resolve) => child.on("exit", resolve));
    child.kill("SIGTERM");
    await ended;
    rmSync(data, { recursive: true });
  };
  return { url, link, key, smtp, data, stop, log: () => log };
}

/** Hands a message to the server as any mail server would. */
export function deliver(port, from, to, content) {
  const lines = [`EHLO mail.example`, `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, "DATA", `${content.replace(/\r?\n/g, "\r\n").replace(/^\./gm, "..")}\r\n.`, "QUIT"];
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
