import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ApiError } from "../lib/api";
import type { Hold } from "../lib/types";
import { failures, forget_failure, tell_failure } from "./failures";

const written = {
  direction: "outbound",
  agent_email: "a@agents.example",
  to: ["x@y.example"],
  subject: "Quote",
};
const hold = (id: string, more: Partial<Hold> = {}) => ({ id, ...written, ...more }) as Hold;
const refused = (code: string) => new ApiError(422, code, "said", {}, "req_1");
const ids = () => failures.get().map((one) => one.id);

beforeEach(() => failures.set([]));

test("a failure names the message, the deed, who would have got it, and what to do", () => {
  tell_failure(hold("m1"), "approve", refused("domain_not_verified"));
  assert.deepEqual(failures.get(), [
    {
      id: "m1",
      title: "Your approval of the message to x@y.example was not confirmed: “Quote”",
      advice:
        "The sender's domain is not verified. Publish its DNS records and verify the domain; " +
        "the message stays held until then. Open it, and decide again if it still waits.",
      reference: "req_1",
    },
  ]);
});

test("a message to an agent is released to it, and every decision can be one that failed", () => {
  const inbound = { direction: "inbound" as const, to: ["other@agents.example"] };
  tell_failure(hold("m1", inbound), "approve", refused("forbidden"));
  tell_failure(hold("m2", { to: ["a@x", "b@x", "c@x"] }), "reject", refused("forbidden"));
  tell_failure(hold("m3", { subject: "" }), "approve", refused("forbidden"));
  assert.deepEqual(
    failures.get().map((one) => one.title),
    [
      "Your approval of the message to x@y.example was not confirmed: (no subject)",
      "Your rejection of the message to a@x, b@x and 1 more was not confirmed: “Quote”",
      "Your release of the message to a@agents.example was not confirmed: “Quote”",
    ],
  );
});

test("a subject cannot turn the words around", () => {
  tell_failure(hold("m1", { subject: "\u202Edemrifnoc" }), "approve", refused("forbidden"));
  assert.match(failures.get()[0]!.title, /confirmed: “⟨U\+202E⟩demrifnoc”$/);
});

test("a message has one note, the newest failure, until it is taken note of", () => {
  for (const id of ["m1", "m2"]) tell_failure(hold(id), "approve", refused("forbidden"));
  tell_failure(hold("m1"), "reject", refused("conflict"));
  assert.deepEqual(ids(), ["m1", "m2"]);
  assert.match(failures.get()[0]!.title, /rejection/);
  forget_failure("m3");
  forget_failure("m1");
  assert.deepEqual(ids(), ["m2"]);
});

test("there is an end to how many are kept", () => {
  for (let i = 0; i < 60; i++) tell_failure(hold(`m${i}`), "approve", refused("forbidden"));
  assert.equal(ids().length, 50);
  assert.equal(ids()[0], "m59");
});
