// Why something is held, and which words of it show that.
import type { HoldReason } from "./types";

export interface Evidence {
  code: string;
  excerpt: string;
}

/**
 * The parts of a hold's detail. A scan writes "code: excerpt; code: excerpt", a gate the addresses that
 * tripped it.
 */
export function evidence_of(reason: HoldReason | undefined): Evidence[] {
  if (!reason?.detail) return [];
  if (reason.type === "gate") {
    return reason.detail
      .split(/,\s*/)
      .filter(Boolean)
      .map((address) => ({ code: reason.code, excerpt: address }));
  }
  const parts = reason.detail.split(/;\s(?=[a-z][a-z0-9_.]*(?::\s|;|$))/);
  return parts.map((part) => {
    const match = /^([a-z][a-z0-9_.]*)(?::\s([\s\S]*))?$/.exec(part);
    return match ? { code: match[1] ?? "", excerpt: match[2] ?? "" } : { code: "", excerpt: part };
  });
}

export interface Marked {
  text: string;
  marked: boolean;
}

const kMarksMax = 200;

/** Splits a text where one of the excerpts stands in it; runs of white space count as one. */
export function mark(text: string, excerpts: string[]): Marked[] {
  const patterns = excerpts
    .map((one) => one.replace(/…$/, "").trim())
    .filter((one) => one.length >= 3)
    .map((one) =>
      one
        .split(/\s+/)
        .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
        .join("\\s+"),
    );
  if (patterns.length === 0) return [{ text, marked: false }];
  const expression = new RegExp(patterns.join("|"), "giu");
  const out: Marked[] = [];
  let from = 0;
  for (const match of text.matchAll(expression)) {
    if (out.length > kMarksMax) break;
    if (match.index > from) out.push({ text: text.slice(from, match.index), marked: false });
    out.push({ text: match[0], marked: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) out.push({ text: text.slice(from), marked: false });
  return out;
}
