import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { patience } from "./patience";

const set = (value: unknown) => Object.assign(globalThis, { countersign_patience: value });
afterEach(() => set(undefined));

test("a time is the usual one, unless a longer number is given", () => {
  assert.equal(patience("undo_seconds", 8), 8);
  set({ undo_seconds: 60 });
  assert.equal(patience("undo_seconds", 8), 60);
  assert.equal(patience("toast_ms", 6000), 6000);
  for (const wrong of [0, -1, 7, NaN, "60", null, {}, [60]]) {
    set({ undo_seconds: wrong });
    assert.equal(patience("undo_seconds", 8), 8);
  }
  for (const wrong of [null, 60, "60", []]) {
    set(wrong);
    assert.equal(patience("undo_seconds", 8), 8);
  }
});
