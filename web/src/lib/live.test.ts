import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { liveness, on_news, start_live, stop_live, type News } from "./live";

// A clock that is moved by hand.
let now = 0;
let next_timer = 1;
const timers = new Map<number, { at: number; every: number | null; run: () => void }>();

function set(run: () => void, ms: number, every: number | null): number {
  timers.set(next_timer, { at: now + ms, every, run });
  return next_timer++;
}

function pass(seconds: number): void {
  const until = now + seconds * 1000;
  for (;;) {
    const [id, due] = [...timers].sort(([, a], [, b]) => a.at - b.at)[0] ?? [0, null];
    if (!due || due.at > until) break;
    now = due.at;
    if (due.every === null) timers.delete(id);
    else due.at += due.every;
    due.run();
  }
  now = until;
}

// A stream, of which the newest is the one that the page should hear.
class Stream {
  static all: Stream[] = [];
  static get newest(): Stream {
    return Stream.all[Stream.all.length - 1]!;
  }
  onmessage: (event: { data: string }) => void = () => {};
  onerror: () => void = () => {};
  closed = false;
  private named = new Map<string, () => void>();
  constructor() {
    Stream.all.push(this);
  }
  addEventListener = (name: string, listener: () => void) => void this.named.set(name, listener);
  close = () => void (this.closed = true);
  ping = () => this.named.get("ping")?.();
  say = (type: string) => this.onmessage({ data: JSON.stringify({ type, message_id: "m", agent: "a" }) });
}

const told: News[][] = [];
on_news((news) => told.push(news));

beforeEach(() => {
  Object.assign(globalThis, {
    EventSource: Stream,
    document: { visibilityState: "visible", addEventListener() {}, removeEventListener() {} },
    window: {
      setTimeout: (run: () => void, ms: number) => set(run, ms, null),
      setInterval: (run: () => void, ms: number) => set(run, ms, ms),
      clearTimeout: (id: number) => timers.delete(id),
      clearInterval: (id: number) => timers.delete(id),
    },
  });
  Date.now = () => now;
  stop_live();
  pass(3600);
  start_live();
  Stream.newest.ping();
  pass(2);
  Stream.all.splice(0, Stream.all.length - 1);
  told.length = 0;
});

test("a stream that pings is live, however long nothing happens", () => {
  for (let i = 0; i < 100; i++) {
    pass(20);
    Stream.newest.ping();
  }
  pass(49);
  assert.equal(liveness.get(), "live");
  assert.equal(Stream.all.length, 1);
  assert.deepEqual(told, []);
});

test("news prove as much as a ping", () => {
  for (let i = 0; i < 4; i++) {
    pass(40);
    Stream.newest.say("email.sent");
  }
  assert.equal(liveness.get(), "live");
  assert.equal(Stream.all.length, 1);
});

test("a stream that has fallen silent is closed, and another is opened", () => {
  const silent = Stream.newest;
  pass(51);
  assert.equal(liveness.get(), "reconnecting");
  assert.ok(silent.closed);
  pass(2);
  assert.equal(Stream.all.length, 2);
  assert.equal(liveness.get(), "reconnecting"); // an open connection proves nothing
  assert.deepEqual(told, []);
  Stream.newest.ping();
  assert.equal(liveness.get(), "live");
  pass(2);
  assert.deepEqual(told, [[]]); // what happened in the silence is read again
  pass(40);
  assert.deepEqual(told, [[]]); // and nobody looks every 20 s any more
});

test("while no stream says anything the page looks every 20 seconds, and goes on trying", () => {
  pass(50 + 61);
  assert.equal(told.length, 3);
  assert.ok(told.every((news) => news.length === 0));
  assert.equal(liveness.get(), "reconnecting");
  const before = Stream.all.length;
  pass(600);
  assert.ok(Stream.all.length > before);
  assert.ok(Stream.all.slice(0, -1).every((one) => one.closed));
});

test("a stream that breaks is tried again, ever more rarely, and by one attempt at a time", () => {
  const waits: number[] = [];
  for (let i = 0; i < 7; i++) {
    const [count, at] = [Stream.all.length, now];
    Stream.newest.onerror();
    assert.equal(liveness.get(), "reconnecting");
    while (Stream.all.length === count) pass(1);
    waits.push((now - at) / 1000);
    assert.equal(Stream.all.length, count + 1);
  }
  assert.deepEqual(waits, [2, 4, 8, 16, 32, 60, 60]);
});

test("what is stopped neither listens nor comes back", () => {
  Stream.newest.onerror();
  stop_live();
  pass(600);
  assert.equal(Stream.all.length, 1);
  assert.deepEqual(told, []);
});
