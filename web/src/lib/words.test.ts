import assert from "node:assert/strict";
import { test } from "node:test";
import { deceptive_name, merge_warnings, suspicious_host, visible, warnings_of } from "./deception";
import { evidence_of, mark } from "./evidence";
import { bytes, duration, split_address, split_addresses } from "./format";
import { doubts_of, complete, summary_of } from "./protection";
import { parse_route, path_to } from "./router";
import { changed, draft_of, faults_of, overrides_of } from "../review/draft";
import { by_deadline } from "../review/holds";
import type { Body, Hold, Message, Protection } from "./types";

test("durations are short and never negative", () => {
  assert.deepEqual([-5, 0, 59, 60, 3600, 3660, 86_400, 90_000, 864_000].map(duration), [
    "0 s",
    "0 s",
    "59 s",
    "1 min",
    "1 h 00",
    "1 h 01",
    "1 d",
    "1 d 1 h",
    "10 d",
  ]);
});

test("sizes", () =>
  assert.deepEqual([0, 1023, 1024, 20_480, 5_242_880].map(bytes), [
    "0 B",
    "1023 B",
    "1.0 KB",
    "20 KB",
    "5.0 MB",
  ]));

test("addresses come apart outside of quotes and brackets", () => {
  assert.deepEqual(split_addresses(`"Klein, Mira" <m@x.org>, b@x.org; c@x.org\n`), [
    `"Klein, Mira" <m@x.org>`,
    "b@x.org",
    "c@x.org",
  ]);
  assert.deepEqual(split_address("Mira <m@x.org>"), { name: "Mira", address: "m@x.org" });
  assert.deepEqual(split_address(" m@x.org "), { name: "", address: "m@x.org" });
});

test("paths survive what is in them", () => {
  const path = path_to("message", "a+b@x.org", "msg/1 %");
  assert.deepEqual(parse_route(path).segments, ["message", "a+b@x.org", "msg/1 %"]);
  assert.deepEqual(parse_route("/console/%E0%A4%A").segments, ["%E0%A4%A"]);
});

test("evidence of a scan and of a gate", () => {
  const scan = {
    type: "scan",
    code: "inbound_scan",
    summary: "s",
    detail: "override_all: ignore; all of it; no_review",
  };
  assert.deepEqual(evidence_of(scan), [
    { code: "override_all", excerpt: "ignore; all of it" },
    { code: "no_review", excerpt: "" },
  ]);
  const gate = { type: "gate", code: "recipient_gate", summary: "s", detail: "a@x.org, b@x.org" };
  assert.deepEqual(
    evidence_of(gate).map((one) => one.excerpt),
    ["a@x.org", "b@x.org"],
  );
});

test("marks stand where the excerpt stands, whatever the white space", () => {
  const parts = mark("Please ignore\n all previous (now).", ["ignore all previous (now)…"]);
  assert.deepEqual(
    parts.map((part) => part.marked),
    [false, true, false],
  );
  assert.equal(parts.map((part) => part.text).join(""), "Please ignore\n all previous (now).");
});

test("what cannot be seen is made visible", () =>
  assert.equal(visible("a\u202Eb\u{E0041}"), "a⟨U+202E⟩b⟨U+E0041⟩"));

test("hosts in mixed or foreign letters are pointed out, others are not", () => {
  assert.match(suspicious_host("\u0440\u0430ypal.com") ?? "", /mixes Latin and Cyrillic/);
  assert.match(suspicious_host("xn--80ak6aa92e.com") ?? "", /encoded/);
  assert.equal(suspicious_host("paypal.com"), null);
  assert.equal(suspicious_host("münchen.de"), null);
});

test("attachments that pretend", () => {
  const name = (filename: string, content_type = "application/octet-stream") =>
    deceptive_name({ filename, content_type });
  assert.match(name("statement.pdf.exe") ?? "", /pretends/);
  assert.match(name("invoice\u202Efdp.exe") ?? "", /reverses/);
  assert.match(name("holiday.jpg            .scr") ?? "", /out of sight/);
  assert.match(name("page.html", "text/html") ?? "", /web page/);
  assert.equal(name("quote.pdf", "application/pdf"), null);
  assert.equal(name("Minutes v1.2.docx"), null);
});

test("the server's warnings come first and are not repeated", () => {
  const own = warnings_of({
    subject: "a\u202Eb",
    text: "",
    addresses: ["x@\u0440\u0430ypal.com"],
    attachments: [],
  });
  assert.deepEqual(
    own.map((one) => one.code),
    ["bidi_override", "homograph"],
  );
  assert.deepEqual(
    merge_warnings([{ code: "homograph", text: "server" }], own).map((one) => one.text.slice(0, 6)),
    ["server", "Charac"],
  );
});

const config = (policy: "open" | "allowlist", list: string[] = []): Protection => ({
  inbound: { gate: {}, scan: {} },
  outbound: { gate: { policy, action: "review", allowlist: list }, scan: { sensitivity: "medium" } },
  holds: { ttl_seconds: 86_400, on_expiry: "approve" },
});

test("a configuration in words", () => {
  assert.match(
    summary_of(config("allowlist")).sending.join(" "),
    /Everything it sends waits for you: nobody is on its list/,
  );
  assert.match(summary_of(config("allowlist", ["a@x"])).sending.join(" "), /1 address on its list/);
  assert.match(summary_of(config("open")).deadline, /within 1 day goes out as it is/);
  assert.match(doubts_of(config("allowlist")).join(" "), /sent unread/);
  assert.deepEqual(complete(config("open")).inbound, {
    gate: { policy: "open", action: "flag", allowlist: [] },
    scan: { sensitivity: "off" },
  });
});

const message = {
  to: ["a@x.org"],
  cc: [],
  subject: "s",
  draft: { bcc: [], reply_to: "", attachments: [] },
} as unknown as Message;
const body = {
  text: "t",
  html: "",
  attachments: [{ index: 0, filename: "f", content_type: "text/plain", size: 3 }],
} as unknown as Body;

test("only what was changed is sent with an approval", async () => {
  const before = draft_of(message, body);
  assert.deepEqual(changed(before, { ...before, to: " a@x.org ," }), []);
  const added = { kind: "new" as const, filename: "n", content_type: "text/plain", size: 1, data: "eA==" };
  const after = { ...before, to: "b@x.org", bcc: "c@x.org", files: [...before.files, added] };
  assert.deepEqual(await overrides_of(before, after, async () => "b2xk"), {
    to: ["b@x.org"],
    bcc: ["c@x.org"],
    attachments: [
      { filename: "f", content_type: "text/plain", data: "b2xk" },
      { filename: "n", content_type: "text/plain", data: "eA==" },
    ],
  });
});

test("a draft that cannot be sent says why", () => {
  const before = draft_of(message, body);
  assert.deepEqual(faults_of(before), {});
  assert.match(faults_of({ ...before, to: "nobody" }).to ?? "", /not an e-mail address/);
  assert.match(faults_of({ ...before, to: "" }).to ?? "", /receive/);
  assert.match(faults_of({ ...before, text: " " }).text ?? "", /text/);
});

test("the soonest deadline comes first, those without one last", () => {
  const hold = (id: string, at?: string) => ({ id, ...(at ? { approval_expires_at: at } : {}) }) as Hold;
  const list = [hold("c"), hold("b", "2026-01-02T00:00:00Z"), hold("a", "2026-01-01T00:00:00Z")];
  assert.deepEqual(
    list.sort(by_deadline).map((one) => one.id),
    ["a", "b", "c"],
  );
});
