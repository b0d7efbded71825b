// The stand-in's agents, mailboxes, hand-overs, webhooks, events, keys and numbers.
import { Refused } from "./refused.mjs";
import { ago, pending } from "./world.mjs";

const kHour = 3600;

function hourly(base, spread) {
  return Array.from({ length: 24 }, (_, i) => {
    const busy = Math.abs(Math.sin(i * 1.7)) + (i > 14 ? 0.6 : 0.2);
    const quiet = i === 3 || i === 4;
    const p50 = quiet ? null : Math.round(base * busy * 10) / 10;
    return {
      at: ago((23 - i) * kHour),
      p50,
      p90: quiet ? null : Math.round(p50 * spread * 10) / 10,
      count: quiet ? 0 : Math.round(busy * 9),
    };
  });
}

function overview({ world }) {
  const held = pending(world);
  return {
    now: ago(0),
    health: world.degraded ? "degraded" : "ok",
    held: held.length,
    oldest_held_at: held.map((one) => one.hold.created_at).sort()[0] ?? null,
    queued: world.degraded ? 214 : 3,
    oldest_queued_at: ago(world.degraded ? 5400 : 12),
    unknown: world.handovers.filter((one) => one.state === "unknown").length,
    relay: world.degraded
      ? {
          transport: "smtp",
          state: "open",
          since: ago(5300),
          last_error: "connect to relay.example.org:587: connection refused",
        }
      : { transport: "smtp", state: "closed", since: null, last_error: null },
    webhooks_failing: 1,
    inbound_backlog: 0,
    decision_seconds: hourly(180, 3.1),
    delivery_seconds: hourly(1.4, 2.2),
  };
}

const find = (list, test) => {
  const found = list.find(test);
  if (!found) throw new Refused(404, "not_found", "no such thing");
  return found;
};

const summary = ({ message }) => {
  const { authentication: _a, body: _b, draft: _d, raw_message: _r, attachments: _t, ...rest } = message;
  return rest;
};

function conversations(world, agent) {
  const by_id = new Map();
  for (const one of world.messages.values()) {
    const owner =
      one.hold?.agent_email ??
      (one.message.direction === "outbound" ? one.message.header_from : one.message.delivered_to);
    const hidden = one.message.direction === "inbound" && one.hold;
    if (owner !== agent || hidden) continue;
    by_id.set(one.message.conversation_id, [...(by_id.get(one.message.conversation_id) ?? []), summary(one)]);
  }
  return [...by_id]
    .map(([id, messages]) => {
      messages.sort((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at));
      const last = messages.at(-1);
      return {
        id,
        last_message_at: last.created_at,
        first_message_at: messages[0].created_at,
        message_count: messages.length,
        inbound_count: messages.filter((m) => m.direction === "inbound").length,
        outbound_count: messages.filter((m) => m.direction === "outbound").length,
        has_unread: messages.some((m) => m.read_status === "unread"),
        latest_subject: last.subject,
        latest_from: last.header_from,
        participants: [agent],
        labels: [],
        messages,
      };
    })
    .sort((a, b) => Date.parse(b.last_message_at) - Date.parse(a.last_message_at));
}

function create_agent(context) {
  const { world, body } = context;
  const email = String(body.email).trim().toLowerCase();
  if (world.agents.some((one) => one.email === email)) throw new Refused(409, "agent_taken", "taken");
  if (!/^[a-z0-9][a-z0-9-]*[a-z0-9]@/.test(email)) throw new Refused(400, "invalid_slug", "not a slug");
  const agent = {
    email,
    name: body.name ?? "",
    domain: "agents.example.org",
    registered_domain: "agents.example.org",
    domain_verified: true,
    created_at: ago(0),
  };
  world.agents.unshift(agent);
  world.protections.set(email, {
    inbound: { gate: {}, scan: {} },
    outbound: { gate: {}, scan: {} },
    holds: { on_expiry: "reject" },
  });
  context.status = 201;
  return agent;
}

const agents = (page) => [
  ["GET", /^\/v1\/agents$/, ({ world, query }) => page(query.get("deleted") === "true" ? [] : world.agents)],
  ["POST", /^\/v1\/agents$/, create_agent],
  ["GET", /^\/v1\/agents\/([^/]+)$/, ({ world }, email) => find(world.agents, (one) => one.email === email)],
  [
    "PATCH",
    /^\/v1\/agents\/([^/]+)$/,
    ({ world, body }, email) =>
      Object.assign(
        find(world.agents, (one) => one.email === email),
        body,
      ),
  ],
  [
    "DELETE",
    /^\/v1\/agents\/([^/]+)$/,
    ({ world }, email) => (
      (world.agents = world.agents.filter((one) => one.email !== email)),
      { deleted: true, email }
    ),
  ],
  [
    "POST",
    /^\/v1\/agents\/([^/]+)\/test$/,
    (context) => ((context.status = 202), { status: "accepted", message_id: "msg_test" }),
  ],
  [
    "GET",
    /^\/v1\/agents\/([^/]+)\/protection$/,
    ({ world }, email) => world.protections.get(email) ?? find([], () => false),
  ],
  [
    "PUT",
    /^\/v1\/agents\/([^/]+)\/protection$/,
    ({ world, body }, email) => (world.protections.set(email, body), body),
  ],
  [
    "GET",
    /^\/v1\/agents\/([^/]+)\/delivery-policy$/,
    ({ world }, email) => world.policies.get(email) ?? { on_unknown: "hold", unknown_grace_seconds: 3600 },
  ],
  [
    "PUT",
    /^\/v1\/agents\/([^/]+)\/delivery-policy$/,
    ({ world, body }, email) => (world.policies.set(email, body), body),
  ],
  [
    "POST",
    /^\/protection\/([^/]+)\/dry-run$/,
    ({ body }) => {
      const gated = body.outbound.gate.policy !== "open";
      const example = (i) => ({
        id: `msg_${i}`,
        direction: "outbound",
        from: "scout@agents.example.org",
        to: [`customer${i}@example.net`],
        subject: `Example ${i}`,
        at: ago(i * 4000),
        action: "review",
        reason: "a recipient is not on the allowlist",
      });
      return {
        checked: 214,
        would_hold: gated ? 87 : 3,
        would_block: 0,
        would_flag: 2,
        examples: gated ? [1, 2, 3].map(example) : [],
      };
    },
  ],
  [
    "GET",
    /^\/v1\/agents\/([^/]+)\/messages$/,
    ({ world, query }, email) => {
      const direction = query.get("direction") ?? "all";
      const all = conversations(world, email)
        .flatMap((one) => one.messages)
        .filter((m) => direction === "all" || m.direction === direction);
      return page(all.sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at)));
    },
  ],
  ["GET", /^\/v1\/agents\/([^/]+)\/conversations$/, ({ world }, email) => page(conversations(world, email))],
  [
    "GET",
    /^\/v1\/agents\/([^/]+)\/conversations\/([^/]+)$/,
    ({ world }, email, id) => find(conversations(world, email), (one) => one.id === id),
  ],
  [
    "GET",
    /^\/v1\/agents\/([^/]+)\/suppressions$/,
    ({ world }, email) => page(world.agent_suppressions.get(email) ?? []),
  ],
  [
    "POST",
    /^\/v1\/agents\/([^/]+)\/suppressions$/,
    ({ world, body }, email) => {
      const row = { address: body.address, source: "manual", reason: body.reason, created_at: ago(0) };
      world.agent_suppressions.set(email, [row, ...(world.agent_suppressions.get(email) ?? [])]);
      return row;
    },
  ],
  [
    "DELETE",
    /^\/v1\/agents\/([^/]+)\/suppressions\/([^/]+)$/,
    ({ world }, email, address) => {
      world.agent_suppressions.set(
        email,
        (world.agent_suppressions.get(email) ?? []).filter((row) => row.address !== address),
      );
      return { deleted: true, address };
    },
  ],
  [
    "GET",
    /^\/messages\/([^/]+)\/([^/]+)\/timeline$/,
    ({ world }, _agent, id) => {
      const one = world.messages.get(id) ?? find([], () => false);
      if (!one.hold) return { items: world.timeline };
      return { items: world.timeline.slice(0, 2).map((item) => ({ ...item, at: one.hold.created_at })) };
    },
  ],
];

const handovers = (page) => [
  [
    "GET",
    /^\/v1\/handovers$/,
    ({ world, query }) =>
      page(
        world.handovers.filter((one) =>
          query.get("message_id") ? one.message_id === query.get("message_id") : one.state === "unknown",
        ),
      ),
  ],
  [
    "POST",
    /^\/v1\/handovers\/([^/]+)\/resolve$/,
    ({ world, body }, id) => {
      const one = find(world.handovers, (row) => row.id === id);
      if (one.state !== "unknown") throw new Refused(409, "conflict", "it is settled");
      return Object.assign(one, {
        state: body.as === "sent" ? "accepted" : "superseded",
        settled_at: ago(0),
        settled_by: "person",
        resolution: { as: body.as, by: "ada@example.org", note: body.note },
      });
    },
  ],
];

// Under one Idempotency-Key it is made once, and answered the same again.
const once = (make) => (context) => {
  const { answers } = context.world;
  const key = context.request.headers["idempotency-key"];
  const made = answers.get(key) ?? make(context);
  if (key) answers.set(key, made);
  context.status = 201;
  return made;
};

const webhooks = (page) => [
  ["GET", /^\/v1\/webhooks$/, ({ world }) => page(world.webhooks)],
  [
    "POST",
    /^\/v1\/webhooks$/,
    once(({ world, body }) => {
      if (!String(body.url).startsWith("https://"))
        throw new Refused(400, "invalid_webhook_url", "https only");
      const made = {
        id: `wh_${world.webhooks.length + 1}`,
        description: "",
        filters: {},
        ...body,
        enabled: true,
        created_at: ago(0),
      };
      world.webhooks.unshift(made);
      return { ...made, signing_secret: `whsec_${"0f".repeat(32)}` };
    }),
  ],
  ["GET", /^\/v1\/webhooks\/([^/]+)$/, ({ world }, id) => find(world.webhooks, (one) => one.id === id)],
  [
    "PATCH",
    /^\/v1\/webhooks\/([^/]+)$/,
    ({ world, body }, id) =>
      Object.assign(
        find(world.webhooks, (one) => one.id === id),
        body,
      ),
  ],
  [
    "DELETE",
    /^\/v1\/webhooks\/([^/]+)$/,
    ({ world }, id) => (
      (world.webhooks = world.webhooks.filter((one) => one.id !== id)),
      { deleted: true, id }
    ),
  ],
  [
    "POST",
    /^\/v1\/webhooks\/([^/]+)\/rotate-secret$/,
    ({ world, request }) => {
      world.rotations.push(request.headers["idempotency-key"]);
      return { signing_secret: `whsec_${"a1".repeat(32)}`, previous_secret_expires_at: ago(-86400) };
    },
  ],
  ["POST", /^\/v1\/webhooks\/([^/]+)\/test$/, () => ({ delivery_id: "whd_test" })],
  [
    "GET",
    /^\/v1\/webhooks\/([^/]+)\/deliveries$/,
    ({ world, query }, id) =>
      page(
        (world.deliveries.get(id) ?? []).filter(
          (one) => !query.get("status") || one.status === query.get("status"),
        ),
      ),
  ],
  [
    "GET",
    /^\/v1\/events$/,
    ({ world, query }) =>
      page(
        world.events.filter((one) =>
          ["type", "message_id", "agent_email"].every(
            (name) => !query.get(name) || one[name] === query.get(name),
          ),
        ),
      ),
  ],
  ["GET", /^\/v1\/events\/([^/]+)$/, ({ world }, id) => find(world.events, (one) => one.id === id)],
  [
    "POST",
    /^\/v1\/events\/([^/]+)\/redeliver$/,
    (_, id) => ({ event_id: id, status: "scheduled", deliveries: [] }),
  ],
];

const account = (page) => [
  ["GET", /^\/overview$/, overview],
  [
    "GET",
    /^\/v1\/account$/,
    () => ({
      user: { id: "u1", email: "ada@example.org" },
      scope: "account",
      plan_code: "self",
      limits: { max_agents: 100, max_domains: 100, max_messages_month: 100000, max_storage_bytes: 1e10 },
      usage: { agents: 3, domains: 0, messages_month: 214, storage_bytes: 4e6 },
      upgrade_url: "",
    }),
  ],
  ["GET", /^\/v1\/account\/api-keys$/, ({ world }) => page(world.keys)],
  [
    "POST",
    /^\/v1\/account\/api-keys$/,
    once(({ world, body }) => {
      const key = `e2a_${body.scope === "agent" ? "agt" : "acct"}_${"9c".repeat(32)}`;
      const made = {
        id: `apk_${world.keys.length + 1}`,
        name: body.name ?? "",
        scope: body.scope ?? "account",
        agent_email: body.agent_email,
        key_prefix: key.slice(0, 16),
        created_at: ago(0),
        expires_at: body.expires_at,
      };
      world.keys.unshift(made);
      return { ...made, key };
    }),
  ],
  [
    "DELETE",
    /^\/v1\/account\/api-keys\/([^/]+)$/,
    ({ world }, id) => ((world.keys = world.keys.filter((one) => one.id !== id)), { deleted: true, id }),
  ],
  ["GET", /^\/v1\/account\/suppressions$/, ({ world }) => page(world.suppressions)],
  [
    "DELETE",
    /^\/v1\/account\/suppressions\/([^/]+)$/,
    ({ world }, address) => (
      (world.suppressions = world.suppressions.filter((one) => one.address !== address)),
      { deleted: true, address }
    ),
  ],
];

export const operating = (page) => [...agents(page), ...handovers(page), ...webhooks(page), ...account(page)];
