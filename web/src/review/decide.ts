// Decisions, and taking them back while there is time.
import { ApiError, at, call, current_session, post } from "../lib/api";
import { explain } from "../lib/explain";
import { plural } from "../lib/format";
import { patience } from "../lib/patience";
import { createStore } from "../lib/store";
import type { ApproveResult, Decision, Hold } from "../lib/types";
import { toast } from "../ui/dialog";
import { keep_draft, type Draft } from "./draft";
import { forget_failure, tell_failure } from "./failures";
import { put_back, take_out } from "./holds";

const kUndoSeconds = patience("undo_seconds", 8); // the server takes up to 60
const kAtOnce = 6;
const kWaitsMax = 60; // for one message, when the server asks to slow down

export interface Overrides {
  subject?: string;
  text?: string;
  html?: string;
  to?: string[];
  cc?: string[];
  bcc?: string[];
  attachments?: { filename: string; content_type: string; data: string }[];
}

interface Undo {
  until: number;
  entries: { hold: Hold; token: string; draft: Draft | undefined }[];
}

const undos: Undo[] = [];

/** Ids of messages about which a decision is on its way, wherever the reviewer is by now. */
export const deciding = createStore<ReadonlySet<string>>(new Set());

export async function while_deciding<T>(id: string, run: () => Promise<T>): Promise<T> {
  deciding.set((ids) => new Set([...ids, id]));
  try {
    return await run();
  } finally {
    deciding.set((ids) => new Set([...ids].filter((one) => one !== id)));
  }
}

export async function approve(hold: Hold, etag: string | null, overrides: Overrides): Promise<ApproveResult> {
  try {
    const answer = await call<ApproveResult>("POST", at`/reviews/${hold.id}/approve`, {
      body: { ...overrides, undo_seconds: kUndoSeconds },
      headers: etag ? { "If-Match": etag } : {},
    });
    return answer.data;
  } catch (error) {
    const own = own_decision(error);
    if (own?.as !== "approved" || own.edited || Object.keys(overrides).length > 0) throw error;
    return { status: "accepted", message_id: hold.id };
  }
}

export async function reject(hold: Hold, reason: string): Promise<void> {
  try {
    await post(at`/v1/reviews/${hold.id}/reject`, reason === "" ? {} : { reason });
  } catch (error) {
    const own = own_decision(error);
    if (own?.as !== "rejected" || (own.reason ?? "") !== reason) throw error;
  }
}

// A decision is refused as well when the same person has made it before: by a request whose answer was lost.
function own_decision(error: unknown): Decision | null {
  if (!(error instanceof ApiError) || error.code !== "message_not_pending") return null;
  const decision = error.details["decision"] as Decision | undefined;
  return decision && decision.by === current_session()?.email ? decision : null;
}

const done_word = (hold: Hold): string => (hold.direction === "inbound" ? "Released to" : "Approved for");
const peer = (hold: Hold): string =>
  hold.direction === "inbound" ? hold.agent_email : (hold.to[0] ?? "nobody");

/** Tells of approvals, with the way back. */
export function offer_undo(done: { hold: Hold; result: ApproveResult; draft?: Draft }[]): void {
  const entries = done.flatMap(({ hold, result, draft }) =>
    result.undo_token && result.undo_until
      ? [{ hold, token: result.undo_token, until: Date.parse(result.undo_until), draft }]
      : [],
  );
  const first = done[0];
  if (!first) return;
  const text = done.length === 1 ? `${done_word(first.hold)} ${peer(first.hold)}` : `${done.length} approved`;
  if (entries.length === 0) {
    toast(`${text}.`);
    return;
  }
  // The clock of the server may differ from ours: never count longer than what was asked for.
  const until = Math.min(Date.now() + kUndoSeconds * 1000, Math.max(...entries.map((entry) => entry.until)));
  const undo: Undo = {
    until: Number.isFinite(until) ? Math.max(until, Date.now() + 1000) : Date.now() + kUndoSeconds * 1000,
    entries,
  };
  undos.push(undo);
  toast(`${text}.`, { label: "Undo", run: () => void take_back(undo), shortcut: "u" }, undo.until);
}

export async function undo_last(): Promise<void> {
  const undo = undos[undos.length - 1];
  if (!undo || undo.until < Date.now()) {
    toast("Nothing to undo any more.");
    return;
  }
  await take_back(undo);
}

async function take_back(undo: Undo): Promise<void> {
  const index = undos.indexOf(undo);
  if (index < 0) return;
  undos.splice(index, 1);
  const back: Hold[] = [];
  const late: unknown[] = [];
  const unanswered: Undo["entries"] = [];
  await in_parallel(undo.entries, async (entry) => {
    const { hold, token, draft } = entry;
    try {
      await post(at`/reviews/${hold.id}/undo`, { undo_token: token });
      if (draft) keep_draft(hold.id, draft); // the corrections are there again, not yet approved
      back.push(hold);
    } catch (error) {
      late.push(error);
      if (!(error instanceof ApiError && error.status === 409)) unanswered.push(entry);
    }
  });
  if (unanswered.length > 0) undos.push({ ...undo, entries: unanswered });
  if (back.length > 0) {
    put_back(back);
    returned.set((list) => [...list.slice(-20), ...back.map((hold) => hold.id)]);
  }
  if (late.length === 0)
    toast(back.length === 1 ? "Undone: it is held again." : `${back.length} are held again.`);
  else {
    const said = explain(late[0]);
    const rest = back.length > 0 ? ` ${back.length} are held again, ${late.length} are not.` : "";
    toast(`${said.title}. ${said.advice}${rest}`);
  }
}

/** Ids that an undo has brought back, the newest last: an open page reads them again. */
export const returned = createStore<string[]>([]);

export interface Progress {
  done: number;
  all: number;
}

export interface BulkResult {
  done: { hold: Hold; result: ApproveResult | null }[];
  failed: { hold: Hold; error: unknown }[];
}

type BulkDecision = { as: "approve" } | { as: "reject"; reason: string };

/**
 * One decision about many holds, each for the revision that the list showed. Ends early when `stop` is
 * aborted.
 */
export async function decide_all(
  list: Hold[],
  decision: BulkDecision,
  progress: (now: Progress) => void,
  stop: AbortSignal,
): Promise<BulkResult> {
  const out: BulkResult = { done: [], failed: [] };
  await in_parallel(list, async (hold) => {
    if (stop.aborted) return;
    try {
      const result = await while_deciding(hold.id, () => decide_patiently(hold, decision, stop));
      out.done.push({ hold, result });
      forget_failure(hold.id);
    } catch (error) {
      const given_up = stop.aborted && (!(error instanceof ApiError) || error.status === 429);
      if (!given_up) {
        out.failed.push({ hold, error });
        tell_failure(hold, decision.as, error);
      }
    }
    progress({ done: out.done.length + out.failed.length, all: list.length });
  });
  const gone = out.failed.filter(
    ({ error }) => error instanceof ApiError && error.code === "message_not_pending",
  );
  take_out([...out.done, ...gone].map(({ hold }) => hold.id));
  return out;
}

// An agent may send so many messages a minute: approvals beyond that wait as long as the server says.
async function decide_patiently(
  hold: Hold,
  decision: BulkDecision,
  stop: AbortSignal,
): Promise<ApproveResult | null> {
  for (let waits = 0; ; waits++) {
    try {
      if (decision.as === "reject") {
        await reject(hold, decision.reason);
        return null;
      }
      return await approve(hold, hold.revision === undefined ? null : `"${hold.revision}"`, {});
    } catch (error) {
      const wait =
        error instanceof ApiError && error.status === 429 ? (error.retry_after_seconds ?? 5) : null;
      if (wait === null || waits >= kWaitsMax || stop.aborted) throw error;
      await pause(wait * 1000, stop);
    }
  }
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    stop.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new Error("stopped"));
    });
  });
}

/** What a bulk decision came to, in one sentence for each kind of failure. */
export function failures_of(result: BulkResult): string[] {
  const kinds = new Map<string, number>();
  for (const { error } of result.failed) {
    const title = explain(error).title;
    kinds.set(title, (kinds.get(title) ?? 0) + 1);
  }
  return [...kinds].map(([title, count]) => `${plural(count, "message")}: ${title.toLowerCase()}`);
}

async function in_parallel<T>(list: T[], run: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < list.length) await run(list[next++]!);
  };
  await Promise.all(Array.from({ length: Math.min(kAtOnce, list.length) }, worker));
}
