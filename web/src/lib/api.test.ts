import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { call, current_session, on_session_end, read_session, use_session } from "./api";
import type { Session } from "./types";

const session_of = (account_id: string, csrf_token: string) => ({ account_id, csrf_token }) as Session;

// A server with one session: whoever comes with another token is refused.
let there: Session;
let done: string[] = [];
let left = 0;
on_session_end(
  () => Promise.reject(new Error("not asked for")),
  () => left++,
);
beforeEach(() => {
  [done, left] = [[], 0];
  use_session(session_of("u1", "old"));
  globalThis.fetch = (input, init) => {
    const path = String(input).replace("/console/api", "");
    if (path === "/session") return Promise.resolve(Response.json(there));
    if (new Headers(init?.headers).get("X-CSRF-Token") !== there.csrf_token)
      return Promise.resolve(Response.json({ error: { code: "csrf_mismatch" } }, { status: 403 }));
    done.push(path);
    return Promise.resolve(Response.json({}));
  };
});

test("a token that has changed is read again, and what was asked for is done", async () => {
  there = session_of("u1", "new");
  await call("POST", "/a");
  await call("POST", "/b");
  assert.deepEqual([done, left, current_session()], [["/a", "/b"], 0, there]);
});

test("nothing that one account asked for is done in the name of another", async () => {
  there = session_of("u2", "new");
  const all = await Promise.allSettled([call("POST", "/a"), call("POST", "/b")]);
  const later = await Promise.allSettled([call("POST", "/c")]); // while the page is on its way out
  assert.deepEqual(
    [...all, ...later].map((one) => one.status),
    ["rejected", "rejected", "rejected"],
  );
  assert.deepEqual([done, current_session()], [[], null]);
  assert.ok(left > 0);
});

test("whose session it is can be asked without a deed", async () => {
  there = session_of("u1", "new");
  await read_session();
  assert.deepEqual([left, current_session()], [0, there]);
  there = session_of("u2", "newer");
  await assert.rejects(read_session());
  assert.deepEqual([left, current_session()], [1, null]);
});
