import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { Hold } from "../lib/types";
import { holds, load_holds, take_out } from "./holds";

// A server that answers when it is told to.
let asked: ((ids: string[]) => void)[] = [];
beforeEach(() => {
  asked = [];
  globalThis.fetch = () =>
    new Promise((resolve) =>
      asked.push((ids) =>
        resolve(Response.json({ items: ids.map(hold), next_cursor: null, total: ids.length })),
      ),
    );
});

const hold = (id: string) => ({ id }) as Hold;
const shown = () => holds.get().items.map((one) => one.id);
async function load(ids: string[]) {
  const loading = load_holds();
  asked.shift()!(ids);
  await loading;
}

test("what is decided while the list is on its way is not listed, and counted, any more", async () => {
  await load(["a", "b"]);
  const loading = load_holds();
  take_out(["a"]);
  asked.shift()!(["a", "b"]);
  await loading;
  assert.deepEqual(shown(), ["b"]);
  assert.equal(holds.get().total, 1);
});

test("what a list that was asked for after the decision holds is held again", async () => {
  await load(["a", "b"]);
  take_out(["a"]);
  assert.deepEqual(shown(), ["b"]);
  await load(["a", "b"]); // somebody else has undone it
  assert.deepEqual(shown(), ["a", "b"]);
});

test("a list that is being read is read to its end, whatever asks for it meanwhile", async (context) => {
  const later = context.mock.fn();
  Object.assign(globalThis, { window: { setTimeout: later } });
  await load([]);
  const first = load_holds();
  await load_holds();
  assert.equal(asked.length, 1);
  asked.shift()!(["a"]);
  await first;
  assert.deepEqual(shown(), ["a"]);
  assert.equal(later.mock.callCount(), 1); // and then again
});
