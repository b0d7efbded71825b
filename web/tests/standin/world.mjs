// What the stand-in knows: an account with agents, holds of many kinds, a mailbox, hand-overs, webhooks and
// events.
import { createHash } from "node:crypto";
import { Refused } from "./refused.mjs";
import { hostile } from "./hostile.mjs";
import { samples } from "./samples.mjs";

export const kEmail = "ada@example.org";
export const kPassword = "correct horse battery";

const hex = (text) => createHash("sha256").update(text).digest("hex").slice(0, 32);
export const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();
export const ahead = (seconds) => ago(-seconds);

export function make_world(options) {
  const world = {
    password: options.setup ? null : kPassword,
    setup_token: "first-run-token",
    sessions: new Map(),
    streams: new Set(),
    requests: [],
    tries: 0,
    agents: [],
    protections: new Map(),
    policies: new Map(),
    messages: new Map(), // by id: {message, body, hold, decision, files, timeline}
    handovers: [],
    webhooks: [],
    deliveries: new Map(),
    answers: new Map(), // by Idempotency-Key
    rotations: [], // the keys under which secrets were made anew
    events: [],
    keys: [],
    suppressions: [],
    agent_suppressions: new Map(),
    undo: new Map(),
    undo_window: options.undo_window ?? true,
    missing: new Set(options.missing ?? []),
    serial: 0,
    admit(request) {
      const session = this.sessions.get(/cs_session=(\w+)/.exec(request.headers.cookie ?? "")?.[1]);
      if (!session) throw new Refused(401, "unauthorized", "not signed in");
      if (request.method !== "GET" && request.headers["x-csrf-token"] !== session.csrf) {
        throw new Refused(403, "csrf_mismatch", "the token does not fit the session");
      }
      return session;
    },
    hold_back: () => false, // requests that wait until let_go()
    waiting: [],
    gate(url) {
      return this.hold_back(url) ? new Promise((go) => this.waiting.push(go)) : undefined;
    },
    let_go() {
      this.hold_back = () => false;
      for (const go of this.waiting.splice(0)) go();
    },
    id(prefix, name = `${++this.serial}`) {
      return `${prefix}_${hex(name)}`;
    },
    tell(type, message_id, agent) {
      const event = { type, message_id, agent };
      for (const stream of this.streams) stream.write(`data: ${JSON.stringify(event)}\n\n`);
    },
  };
  if (!options.setup && !options.empty) {
    samples(world);
    if (options.hostile) hostile(world);
    for (let i = 0; i < (options.holds ?? 0); i++) add_plain_hold(world, i);
  }
  return world;
}

export function add_hold(world, fields) {
  const {
    name,
    agent,
    direction = "outbound",
    from,
    to,
    cc = [],
    bcc = [],
    subject,
    text = "",
    html = "",
    files = [],
    reason,
    protection = null,
    expires = 3600 * 20,
    on_expiry = "reject",
    age = 600,
    conversation,
    warnings = [],
    authentication = null,
    verified_domain = null,
  } = fields;
  const id = world.id("msg", name ?? subject);
  const outbound = direction === "outbound";
  const hold = {
    id,
    agent_email: agent,
    direction,
    header_from: outbound ? agent : from,
    envelope_from: outbound ? null : from,
    verified_domain,
    to: outbound ? to : [agent],
    subject,
    conversation_id: conversation ?? world.id("conv", name ?? subject),
    review_status: "pending_review",
    created_at: ago(age),
    hold_reason: reason,
    approval_expires_at: ahead(expires),
    on_expiry,
    revision: 1,
    attachment_count: files.length,
    snippet: text.replace(/\s+/g, " ").slice(0, 140),
  };
  const message = {
    ...hold,
    cc,
    reply_to: [],
    delivered_to: outbound ? (to[0] ?? "") : agent,
    read_status: outbound ? "" : "unread",
    labels: [],
    authentication,
    protection,
    raw_message: null,
    attachments: [],
    ...(outbound
      ? { body: { text, ...(html ? { html } : {}) }, draft: { bcc, reply_to: "", attachments: [] } }
      : {}),
  };
  const attachments = files.map((file, index) => ({
    index,
    filename: file.filename,
    content_type: file.content_type,
    size: file.bytes.length,
    ...(file.content_id ? { content_id: file.content_id } : {}),
  }));
  const headers = [
    ["From", hold.header_from ?? ""],
    ["To", hold.to.join(", ")],
    ["Subject", subject],
    ["Date", new Date(hold.created_at).toUTCString()],
    ["Message-ID", `<${id}@mx.example.org>`],
  ];
  world.messages.set(id, {
    message,
    hold,
    body: {
      text,
      html,
      headers,
      attachments,
      warnings,
      source: headers.map((h) => h.join(": ")).join("\r\n") + "\r\n\r\n" + (html || text),
    },
    files,
    decision: null,
  });
  return id;
}

const kSubjects = [
  "Your order has shipped",
  "Re: offer for the spring campaign",
  "Appointment on Tuesday",
  "Invoice 2026-%",
  "Question about your delivery",
];

function add_plain_hold(world, i) {
  add_hold(world, {
    name: `plain-${i}`,
    agent: "scout@agents.example.org",
    to: [`customer${i}@shop${i % 40}.example`],
    age: 60 + i,
    subject: kSubjects[i % kSubjects.length].replace("%", String(1000 + i)),
    text: `Dear customer ${i},\n\nthis is message ${i}.\n`,
    reason: {
      type: "gate",
      code: "recipient_gate",
      summary: "a recipient is not on the allowlist",
      detail: `customer${i}@shop${i % 40}.example`,
    },
    expires: 3600 * 24 + i * 7,
  });
}

export const pending = (world) =>
  [...world.messages.values()]
    .filter((one) => one.hold && !one.decision)
    .sort(
      (a, b) =>
        Date.parse(a.hold.approval_expires_at) - Date.parse(b.hold.approval_expires_at) ||
        (a.hold.id < b.hold.id ? -1 : 1),
    );
