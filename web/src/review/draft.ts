// A reviewer's corrections of a held draft, kept while the tab lives: changing the hold, a lost session or a
// reload lose nothing that was typed. Files that were added survive all but the reload.
import { split_addresses } from "../lib/format";
import type { Body, Message } from "../lib/types";
import type { Overrides } from "./decide";

export type DraftFile =
  | { kind: "kept"; index: number; filename: string; content_type: string; size: number }
  | { kind: "new"; filename: string; content_type: string; size: number; data: string };

export interface Draft {
  to: string;
  cc: string;
  bcc: string;
  subject: string;
  text: string;
  html: string;
  files: DraftFile[];
}

/** The draft as the agent wrote it. */
export function draft_of(message: Message, body: Body): Draft {
  return {
    to: message.to.join(", "),
    cc: message.cc.join(", "),
    bcc: (message.draft?.bcc ?? []).join(", "),
    subject: message.subject,
    text: body.text,
    html: body.html,
    files: body.attachments.map(({ index, filename, content_type, size }) => ({
      kind: "kept",
      index,
      filename,
      content_type,
      size,
    })),
  };
}

const same_list = (a: string, b: string): boolean =>
  split_addresses(a).join("\n") === split_addresses(b).join("\n");

export function files_changed(before: Draft, after: Draft): boolean {
  return after.files.length !== before.files.length || after.files.some((file) => file.kind === "new");
}

/** Which parts a reviewer changed. */
export function changed(before: Draft, after: Draft): (keyof Draft)[] {
  const out: (keyof Draft)[] = [];
  for (const name of ["to", "cc", "bcc"] as const) if (!same_list(before[name], after[name])) out.push(name);
  for (const name of ["subject", "text", "html"] as const) if (before[name] !== after[name]) out.push(name);
  if (files_changed(before, after)) out.push("files");
  return out;
}

/** The members of the approval: only what was changed. `bytes` reads a kept attachment, base64. */
export async function overrides_of(
  before: Draft,
  after: Draft,
  bytes: (index: number) => Promise<string>,
): Promise<Overrides> {
  const out: Overrides = {};
  for (const name of changed(before, after)) {
    if (name === "to" || name === "cc" || name === "bcc") out[name] = split_addresses(after[name]);
    else if (name === "files") {
      out.attachments = await Promise.all(
        after.files.map(async (file) => ({
          filename: file.filename,
          content_type: file.content_type,
          data: file.kind === "new" ? file.data : await bytes(file.index),
        })),
      );
    } else out[name] = after[name];
  }
  return out;
}

/** What stands in the way of sending it, by part. */
export function faults_of(draft: Draft): Partial<Record<keyof Draft, string>> {
  const out: Partial<Record<keyof Draft, string>> = {};
  let count = 0;
  for (const name of ["to", "cc", "bcc"] as const) {
    const list = split_addresses(draft[name]);
    count += list.length;
    const bad = list.find((one) => !/^[^\s@<>]+@[^\s@<>]+$|<[^\s@<>]+@[^\s@<>]+>$/.test(one));
    if (bad !== undefined) out[name] = `“${bad}” is not an e-mail address.`;
  }
  if (count === 0) out.to = "Somebody has to receive it.";
  else if (count > 50) out.to = `${count} recipients; 50 is the most.`;
  if (draft.subject.trim() === "") out.subject = "It needs a subject.";
  if (/[\r\n]/.test(draft.subject)) out.subject = "A subject is one line.";
  if (draft.text.trim() === "") out.text = "It needs a text; mail programs without HTML show it.";
  return out;
}

const in_memory = new Map<string, Draft>();
const key_of = (id: string): string => `countersign.draft.${id}`;

export function keep_draft(id: string, draft: Draft): void {
  in_memory.set(id, draft);
  try {
    const kept = { ...draft, files: draft.files.filter((file) => file.kind === "kept") };
    sessionStorage.setItem(key_of(id), JSON.stringify(kept));
  } catch {
    // without storage it lives as long as the page
  }
}

export function kept_draft(id: string): Draft | null {
  const draft = in_memory.get(id);
  if (draft) return draft;
  try {
    const text = sessionStorage.getItem(key_of(id));
    return text ? (JSON.parse(text) as Draft) : null;
  } catch {
    return null;
  }
}

export function forget_draft(id: string): void {
  in_memory.delete(id);
  try {
    sessionStorage.removeItem(key_of(id));
  } catch {
    // nothing was stored
  }
}
