// Decisions that failed while the reviewer was at something else: told until somebody has taken note, since
// the page where they belong is not open any more.
import { explain } from "../lib/explain";
import { visible } from "../lib/deception";
import { some_of } from "../lib/format";
import { createStore } from "../lib/store";
import type { Hold } from "../lib/types";

type Deed = "approve" | "reject";

export interface Failure {
  id: string;
  title: string;
  advice: string;
  reference: string;
}

const kFailuresMax = 50; // each is a decision of a person; the oldest go

/** The newest first, one for each message. */
export const failures = createStore<Failure[]>([]);

export function tell_failure(hold: Hold, deed: Deed, error: unknown): void {
  const told = failure_of(hold, deed, error);
  failures.set((list) => [told, ...list.filter((one) => one.id !== hold.id)].slice(0, kFailuresMax));
}

/** Somebody has taken note, or the message is decided after all. */
export function forget_failure(id: string): void {
  failures.set((list) => (list.some((one) => one.id === id) ? list.filter((one) => one.id !== id) : list));
}

function failure_of(hold: Hold, deed: Deed, error: unknown): Failure {
  const inbound = hold.direction === "inbound";
  const what = deed === "reject" ? "rejection" : inbound ? "release" : "approval";
  const receiver = inbound ? hold.agent_email : some_of(hold.to) || "nobody";
  const subject = hold.subject ? `“${visible(hold.subject)}”` : "(no subject)";
  const said = explain(error);
  return {
    id: hold.id,
    // The subject last: it may be too long for the line.
    title: `Your ${what} of the message to ${visible(receiver)} was not confirmed: ${subject}`,
    advice: `${said.title}. ${said.advice} Open it, and decide again if it still waits.`,
    reference: said.reference ?? "",
  };
}
