import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { call } from "./api";
import { Submission } from "./submission";

// A server that answers when it is told to.
interface Asked {
  path: string;
  key: string | null;
  body: string;
  answer: (status: number) => void;
  lose: (how?: string) => void;
}
let asked: Asked[] = [];
beforeEach(() => {
  asked = [];
  globalThis.fetch = (input, init) =>
    new Promise((resolve, reject) =>
      asked.push({
        path: String(input),
        key: new Headers(init?.headers).get("Idempotency-Key"),
        body: String(init?.body),
        answer: (status) => resolve(Response.json({ id: asked.length }, { status })),
        lose: (how = "TimeoutError") => reject(new DOMException("lost", how)),
      }),
    );
});

const keys = () => new Set(asked.map((one) => one.key)).size;

test("what is sent again after a lost answer, or an error, is the same request", async () => {
  const form = new Submission<{ id: number }>();
  let made = 0;
  const send = () => form.send("/v1/things", { name: "a", days: 30 }, () => ({ name: "a", made: ++made }));
  const first = send();
  asked[0]!.lose();
  await assert.rejects(first, { code: "timeout_keyed" });
  const second = send();
  asked[1]!.answer(503);
  await assert.rejects(second);
  const third = send();
  asked[2]!.answer(201);
  assert.deepEqual(await third, { id: 3 });
  assert.match(asked[0]!.key ?? "", /^[0-9a-f]{32}$/);
  assert.equal(keys(), 1);
  assert.deepEqual([...new Set(asked.map((one) => one.body))], ['{"name":"a","made":1}']);
});

test("a connection that broke may have been one on which it was done", async () => {
  const form = new Submission();
  const sending = form.send("/v1/things", { name: "a" });
  asked[0]!.lose("NetworkError");
  await assert.rejects(sending, { code: "offline_keyed" });
  const reading = call("GET", "/v1/things");
  asked[1]!.lose("NetworkError");
  await assert.rejects(reading, { code: "offline" });
});

test("two presses at a time are one request", async () => {
  const form = new Submission<{ id: number }>();
  const both = [form.send("/v1/things", { name: "a" }), form.send("/v1/things", { name: "a" })];
  assert.equal(asked.length, 1);
  asked[0]!.answer(201);
  assert.deepEqual(await Promise.all(both), [{ id: 1 }, { id: 1 }]);
});

test("other content is another request, and going back to the first is the first", async () => {
  const form = new Submission();
  for (const name of ["a", "b", "a"]) {
    const sending = form.send("/v1/things", { name });
    asked[asked.length - 1]!.lose();
    await assert.rejects(sending);
  }
  assert.equal(keys(), 2);
  assert.equal(asked[0]!.key, asked[2]!.key);
  assert.notEqual(asked[0]!.body, asked[1]!.body);
});

test("after a success the same content makes another one", async () => {
  const form = new Submission();
  for (let i = 0; i < 2; i++) {
    const sending = form.send("/v1/things", { name: "a" });
    asked[i]!.answer(201);
    await sending;
  }
  assert.equal(keys(), 2);
});
