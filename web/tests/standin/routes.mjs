// The interface of API.md, from the stand-in's memory: [method, path, handler, open without a session].
import { randomBytes } from "node:crypto";
import { kEmail, add_hold, ago, pending } from "./world.mjs";
import { Refused } from "./refused.mjs";
import { operating } from "./operating.mjs";

export { Refused };

const kPingMs = 10_000; // twice as often as API.md asks for

const page = (items) => ({ whole_list: items }); // cut into pages by the server

function session_of(session) {
  return {
    email: kEmail,
    account_id: session.account_id ?? "u1",
    csrf_token: session.csrf,
    version: "1.0.0",
    shared_domain: "agents.example.org",
  };
}

function open_session(context) {
  const id = randomBytes(16).toString("hex");
  const session = { csrf: randomBytes(16).toString("hex") };
  context.world.sessions.set(id, session);
  context.headers["Set-Cookie"] = `cs_session=${id}; HttpOnly; SameSite=Strict; Path=/console`;
  return session_of(session);
}

const sessions = [
  ["GET", /^\/session$/, ({ world, request }) => session_of(world.admit(request)), true],
  [
    "POST",
    /^\/session$/,
    (context) => {
      const { world, body } = context;
      if (++world.tries > 20)
        throw new Refused(
          429,
          "rate_limited",
          "slow down",
          { retry_after_seconds: 30 },
          { "Retry-After": "30" },
        );
      if (body.email !== kEmail || world.password === null || body.password !== world.password) {
        throw new Refused(401, "invalid_credentials", "e-mail or password is wrong");
      }
      return open_session(context);
    },
    true,
  ],
  ["DELETE", /^\/sessions?$/, ({ world }) => (world.sessions.clear(), null)],
  [
    "PUT",
    /^\/password$/,
    (context) => {
      const { world, body } = context;
      if (body.password !== world.password) throw new Refused(403, "wrong_password", "that is not it");
      world.password = body.new_password;
      world.sessions.clear();
      return open_session(context);
    },
  ],
  ["GET", /^\/setup$/, ({ world }) => ({ needed: world.password === null }), true],
  [
    "POST",
    /^\/setup$/,
    (context) => {
      const { world, body } = context;
      if (world.password !== null || body.token !== world.setup_token)
        throw new Refused(403, "forbidden", "the link is used up");
      world.password = body.password;
      return open_session(context);
    },
    true,
  ],
];

function entry(world, id) {
  const found = world.messages.get(id);
  if (!found) throw new Refused(404, "not_found", "no such message");
  return found;
}

function expect_pending(one) {
  if (one.decision)
    throw new Refused(409, "message_not_pending", "the message is not pending review", {
      decision: one.decision,
    });
}

const reviews = [
  [
    "GET",
    /^\/reviews$/,
    ({ world, query }) => {
      const all = pending(world);
      const from = Number(query.get("cursor") ?? 0);
      const to = from + Number(query.get("limit") ?? 200);
      return {
        items: all.slice(from, to).map((one) => one.hold),
        next_cursor: to < all.length ? String(to) : null,
        total: all.length,
      };
    },
  ],
  [
    "GET",
    /^\/v1\/reviews\/([^/]+)$/,
    (context, id) => {
      const one = entry(context.world, id);
      if (one.hold) context.headers["ETag"] = `"${one.hold.revision}"`;
      return {
        ...one.message,
        review_status: one.decision ? `review_${one.decision.as}` : one.message.review_status,
      };
    },
  ],
  [
    "GET",
    /^\/reviews\/([^/]+)\/body$/,
    ({ world }, id) => {
      const one = entry(world, id);
      const { source, ...body } = one.body;
      return {
        ...body,
        source_url: `/console/api/reviews/${id}/source`,
        hold: one.decision ? null : one.hold,
        decision: one.decision,
      };
    },
  ],
  [
    "GET",
    /^\/reviews\/([^/]+)\/source$/,
    ({ world, response }, id) => {
      response.writeHead(200, {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Security-Policy": "sandbox; default-src 'none'",
      });
      response.end(entry(world, id).body.source);
    },
  ],
  [
    "GET",
    /^\/reviews\/([^/]+)\/attachments\/(\d+)$/,
    ({ world, response }, id, index) => {
      const file = entry(world, id).files[Number(index)];
      if (!file) throw new Refused(404, "attachment_not_found", "no such attachment");
      response.writeHead(200, {
        "Content-Type": file.content_type,
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": "attachment",
      });
      response.end(file.bytes);
    },
  ],
  [
    "POST",
    /^\/reviews\/([^/]+)\/approve$/,
    (context, id) => {
      const { world, body, request } = context;
      const one = entry(world, id);
      expect_pending(one);
      const match = request.headers["if-match"];
      if (match && match !== `"${one.hold.revision}"`)
        throw new Refused(409, "conflict", "the draft has changed since it was read");
      const blocked = [...(body.to ?? one.hold.to)].filter((address) =>
        world.suppressions.some((row) => row.address === address),
      );
      if (blocked.length)
        throw new Refused(422, "recipient_suppressed", "suppressed", { addresses: blocked });
      const { undo_seconds, ...edit } = body;
      one.decision = { as: "approved", by: kEmail, at: ago(0), edited: Object.keys(edit).length > 0 };
      one.sent = edit;
      const undo_token = `undo_${id}`;
      world.undo.set(undo_token, Date.now() + undo_seconds * 1000);
      world.tell("email.review_approved", id, one.hold.agent_email);
      context.status = 202;
      return {
        status: "accepted",
        message_id: id,
        edited: one.decision.edited,
        undo_token,
        undo_until: new Date(Date.now() + undo_seconds * 1000).toISOString(),
      };
    },
  ],
  [
    "POST",
    /^\/reviews\/([^/]+)\/undo$/,
    ({ world, body }, id) => {
      if (!world.undo_window || (world.undo.get(body.undo_token) ?? 0) < Date.now())
        throw new Refused(409, "too_late", "it is on its way");
      entry(world, id).decision = null;
      world.undo.delete(body.undo_token);
      world.tell("email.review_requested", id, entry(world, id).hold.agent_email);
      return {};
    },
  ],
  [
    "POST",
    /^\/v1\/reviews\/([^/]+)\/reject$/,
    ({ world, body }, id) => {
      const one = entry(world, id);
      expect_pending(one);
      one.decision = {
        as: "rejected",
        by: kEmail,
        at: ago(0),
        ...(body.reason ? { reason: body.reason } : {}),
        edited: false,
      };
      world.tell("email.review_rejected", id, one.hold.agent_email);
      return { status: "review_rejected", message_id: id };
    },
  ],
];

// Doors for the tests: what other people, the clock and agents do.
const doors = [
  [
    "POST",
    /^\/test\/hold$/,
    ({ world, body }) => {
      const id = add_hold(world, body);
      world.tell("email.review_requested", id, body.agent);
      return { id };
    },
    true,
  ],
  [
    "POST",
    /^\/test\/decide$/,
    ({ world, body }) => {
      const one = entry(world, body.id);
      one.decision = { at: ago(0), edited: false, ...body.decision };
      if (!body.quiet)
        world.tell(
          `email.review_${body.decision.as.includes("approved") ? "approved" : "rejected"}`,
          body.id,
          one.hold.agent_email,
        );
      return {};
    },
    true,
  ],
  [
    "POST",
    /^\/test\/revise$/,
    ({ world, body }) => {
      const one = entry(world, body.id);
      one.hold.revision++;
      one.body.text = body.text;
      return {};
    },
    true,
  ],
  ["POST", /^\/test\/end_sessions$/, ({ world }) => (world.sessions.clear(), {}), true],
];

const stream = [
  [
    "GET",
    /^\/stream$/,
    ({ world, response, request }) => {
      response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
      response.write("retry: 2000\nevent: ping\ndata: {}\n\n");
      world.streams.add(response);
      const pings = setInterval(() => response.write("event: ping\ndata: {}\n\n"), kPingMs).unref();
      request.on("close", () => {
        clearInterval(pings);
        world.streams.delete(response);
      });
    },
  ],
];

export const routes = [...sessions, ...reviews, ...doors, ...stream, ...operating(page)];
