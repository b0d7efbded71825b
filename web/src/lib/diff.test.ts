import assert from "node:assert/strict";
import { test } from "node:test";
import { diff } from "./diff";

const joined = (pieces: ReturnType<typeof diff>, kind: "removed" | "added"): string =>
  pieces
    .filter((piece) => piece.kind === "same" || piece.kind === kind)
    .map((piece) => piece.text)
    .join("");

test("the pieces give both texts back", () => {
  const pairs = [
    ["", ""],
    ["", "a"],
    ["a", ""],
    ["a b c", "a x c"],
    ["one two three", "three two one"],
    ["Dear Ms Klein,\n\nYour quotte.\n", "Dear Mr Klein,\n\nYour quote, attached.\n"],
    ["ééé 中文 x", "ééé 中文 y"],
  ] as const;
  for (const [before, after] of pairs) {
    assert.equal(joined(diff(before, after), "removed"), before);
    assert.equal(joined(diff(before, after), "added"), after);
  }
});

test("a corrected word is one removal and one addition", () => {
  assert.deepEqual(diff("Your quotte for it", "Your quote for it"), [
    { kind: "same", text: "Your " },
    { kind: "removed", text: "quotte" },
    { kind: "added", text: "quote" },
    { kind: "same", text: " for it" },
  ]);
});

test("long texts that share nothing are compared in bounded time", () => {
  const before = Array.from({ length: 20_000 }, (_, i) => `a${i}`).join(" ");
  const after = Array.from({ length: 20_000 }, (_, i) => `b${i}`).join(" ");
  const pieces = diff(before, after);
  assert.equal(joined(pieces, "removed"), before);
  assert.equal(joined(pieces, "added"), after);
});
