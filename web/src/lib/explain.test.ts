import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, at, error_of, query } from "./api";
import { decided, explain } from "./explain";

const refused = (status: number, code: string, details = {}): ApiError =>
  new ApiError(status, code, "said", details, "req_1");

test("an error says what happened and what to do, with its reference", () => {
  assert.deepEqual(
    explain(refused(422, "recipient_suppressed", { addresses: ["a@x.org"] })).advice.slice(0, 16),
    "a@x.org bounced,",
  );
  assert.match(explain(refused(409, "message_not_pending")).advice, /Nothing was changed by you/);
  assert.match(explain(refused(500, "internal_error")).advice, /reference/);
  assert.equal(explain(refused(500, "internal_error")).reference, "req_1");
  assert.match(explain(new ApiError(0, "offline", "")).advice, /connection/);
  assert.match(explain(new ApiError(429, "rate_limited", "", {}, "", 30)).advice, /30 s/);
  assert.match(explain(new ApiError(0, "timeout", "")).advice, /Reload before you repeat it/);
  assert.match(explain(new ApiError(0, "timeout_keyed", "")).advice, /Try again here: it is done once/);
  assert.match(explain(new ApiError(0, "offline_keyed", "")).advice, /Check the connection.*it is done once/);
  assert.match(explain(refused(409, "idempotency_in_flight")).advice, /has not ended/);
  assert.match(explain(refused(404, "no_envelope")).title, /Not available/);
  assert.match(explain(refused(404, "attachment_not_found")).title, /said/);
});

test("fields that the server did not take are named", () => {
  const details = {
    fields: [
      { location: "body.holds.ttl_seconds", message: "must be at least 0" },
      { location: "", message: "no" },
    ],
  };
  assert.equal(
    explain(refused(422, "invalid_request", details)).advice,
    "holds.ttl_seconds: must be at least 0 · no",
  );
});

test("who was faster is told in one sentence", () => {
  const at_noon = new Date(2026, 0, 2, 12, 0).toISOString();
  assert.match(
    decided({ as: "rejected", by: "grace@x.org", at: at_noon, reason: "Wrong" }),
    /^grace@x.org rejected it at .*12:00.*Reason: “Wrong”\.$/,
  );
  assert.match(decided({ as: "approved", by: "grace@x.org", at: at_noon, edited: true }), /with changes\.$/);
  assert.match(
    decided({ as: "expired_rejected", by: "deadline", at: at_noon }),
    /^It was rejected because its time was up/,
  );
});

test("what is not an envelope is an error all the same", () => {
  const response = new Response("<html>", {
    status: 502,
    headers: { "Retry-After": "7", "X-Request-Id": "req_9" },
  });
  const error = error_of(response, null);
  assert.deepEqual(
    [error.status, error.code, error.retry_after_seconds, error.request_id],
    [502, "no_envelope", 7, "req_9"],
  );
});

test("paths and queries are escaped", () => {
  assert.equal(at`/v1/agents/${"a/b@x"}/messages/${7}`, "/v1/agents/a%2Fb%40x/messages/7");
  assert.equal(query({ a: "x y", b: null, c: undefined, d: "", e: 0 }), "?a=x+y&e=0");
});
