// Decisions, and taking them back while there is time.
import { ApiError, at, call, post } from "../lib/api";
import { explain } from "../lib/explain";
import { plural } from "../lib/format";
import { createStore } from "../lib/store";
import type { ApproveResult, Hold } from "../lib/types";
import { toast } from "../ui/dialog";
import { keep_draft, type Draft } from "./draft";
import { put_back, take_out } from "./holds";

export const kUndoSeconds = 8;
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

export async function approve(hold: Hold, etag: string | null, overrides: Overrides): Promise<ApproveResult> {
  const answer = await call<ApproveResult>("POST", at`/reviews/${hold.id}/approve`, {
    body: { ...overrides, undo_seconds: kUndoSeconds },
    headers: etag ? { "If-Match": etag } : {},
  });
  return answer.data;
}

export async function reject(hold: Hold, reason: string): Promise<void> {
  await post(at`/v1/reviews/${hold.id}/reject`, reason === "" ? {} : { reason });
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
      out.done.push({ hold, result: await decide_patiently(hold, decision, stop) });
    } catch (error) {
      if (!stop.aborted) out.failed.push({ hold, error });
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
