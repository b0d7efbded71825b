import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { use_session } from "../lib/api";
import type { Decision, Hold, Session } from "../lib/types";
import { approve, decide_all, deciding, reject, while_deciding } from "./decide";
import { failures, tell_failure } from "./failures";

const hold = (id: string) =>
  ({ id, direction: "outbound", agent_email: "a@x", to: ["b@y"], subject: id }) as Hold;
const ids = (list: { hold: Hold }[]) => list.map((one) => one.hold.id).sort();
const noted = () =>
  failures
    .get()
    .map((one) => one.id)
    .sort();

// A server that answers each message as it is told to.
type Said = { status: number; code?: string; details?: object } | (() => Promise<Response>);
let says: Record<string, Said> = {};
beforeEach(() => {
  says = {};
  failures.set([]);
  use_session({ email: "ada@x.org", account_id: "u1", csrf_token: "t" } as Session);
  globalThis.fetch = (input) => {
    const said = says[/reviews\/(\w+)\//.exec(String(input))![1]!] ?? { status: 200 };
    if (typeof said === "function") return said();
    const { status, code, details } = said;
    const body = status === 200 ? {} : { error: { code, message: "said", details } };
    return Promise.resolve(Response.json(body, { status }));
  };
});

const decided = (more: Partial<Decision>): Said => ({
  status: 409,
  code: "message_not_pending",
  details: { decision: { as: "approved", by: "ada@x.org", at: "2026-01-02T12:00:00Z", edited: false, ...more } },
});
const refused = { code: "message_not_pending" };

test("what one has decided oneself, by a request whose answer was lost, is done", async () => {
  says = { m1: decided({}), m2: decided({ as: "rejected", reason: "Wrong" }), m3: decided({ as: "rejected" }) };
  assert.equal((await approve(hold("m1"), null, {})).undo_token, undefined);
  await reject(hold("m2"), "Wrong");
  await reject(hold("m3"), "");
});

test("what was decided by somebody else, or otherwise, is not", async () => {
  for (const more of [{ by: "grace@x.org" }, { as: "rejected" }, { as: "expired_approved" }, { edited: true }]) {
    says = { m1: decided(more) };
    await assert.rejects(approve(hold("m1"), null, {}), refused);
  }
  says = { m1: decided({}), m2: decided({ as: "rejected", reason: "Wrong" }) };
  await assert.rejects(approve(hold("m1"), null, { subject: "Corrected" }), refused);
  await assert.rejects(reject(hold("m1"), ""), refused);
  await assert.rejects(reject(hold("m2"), "Late"), refused);
  says = { m1: { status: 409, code: "message_not_pending" }, m2: { status: 409, code: "conflict" } };
  await assert.rejects(approve(hold("m1"), null, {}), refused);
  await assert.rejects(approve(hold("m2"), null, {}), { code: "conflict" });
});

test("a message is being decided until the answer is there, whichever it is", async () => {
  let end = (_: boolean) => {};
  const both = ["m1", "m2"].map((id) =>
    while_deciding(id, () => new Promise<void>((good, bad) => (end = (well) => (well ? good() : bad(id))))),
  );
  assert.deepEqual([...deciding.get()], ["m1", "m2"]);
  end(false);
  await assert.rejects(both[1]!);
  assert.deepEqual([...deciding.get()], ["m1"]);
});

test("of many decisions the failed ones leave a note, and the others take theirs away", async () => {
  says = { m2: { status: 500, code: "internal_error" }, m3: decided({ by: "grace@x.org" }), m4: decided({}) };
  for (const id of ["m1", "m4", "m5"]) tell_failure(hold(id), "approve", new Error("earlier"));
  const list = ["m1", "m2", "m3", "m4"].map(hold);
  const result = await decide_all(list, { as: "approve" }, () => {}, new AbortController().signal);
  assert.deepEqual([ids(result.done), ids(result.failed)], [["m1", "m4"], ["m2", "m3"]]);
  assert.deepEqual(noted(), ["m2", "m3", "m5"]);
  assert.equal(deciding.get().size, 0);
});

test("what fails after somebody pressed Stop is told; what was only waiting is not a failure", async () => {
  const stop = new AbortController();
  let let_go = () => {};
  const asked = new Promise<void>((go) => (let_go = go));
  const answer = (status: number, code: string) => () =>
    asked.then(() => Response.json({ error: { code } }, { status }));
  says = { m1: answer(500, "internal_error"), m2: answer(429, "rate_limited") };
  const list = ["m1", "m2"].map(hold);
  const deciding_all = decide_all(list, { as: "reject", reason: "" }, () => {}, stop.signal);
  assert.equal(deciding.get().size, 2);
  stop.abort();
  let_go();
  const result = await deciding_all;
  assert.deepEqual([ids(result.failed), noted()], [["m1"], ["m1"]]);
  assert.match(failures.get()[0]!.title, /^Your rejection/);
});
