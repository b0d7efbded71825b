// What changed between two texts, word by word. Longest common subsequence after the common ends are cut off;
// texts that differ in more than kWordsMax words are compared line by line, and beyond that shown as
// replaced.
export interface Piece {
  kind: "same" | "removed" | "added";
  text: string;
}

const kWordsMax = 3000;

const words = (text: string): string[] => text.match(/\s+|[\p{L}\p{N}_'’@.-]+|[^\s\p{L}\p{N}_]/gu) ?? [];
const lines = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+/g) ?? [];

/** The pieces in order; joining "same" and "removed" gives `before`, "same" and "added" gives `after`. */
export function diff(before: string, after: string): Piece[] {
  if (before === after) return before === "" ? [] : [{ kind: "same", text: before }];
  let a = words(before);
  let b = words(after);
  let cut = common_ends(a, b);
  if (Math.max(a.length, b.length) - cut.head - cut.tail > kWordsMax) {
    a = lines(before);
    b = lines(after);
    cut = common_ends(a, b);
  }
  const pieces: Piece[] = [];
  push(pieces, "same", a.slice(0, cut.head));
  const middle_a = a.slice(cut.head, a.length - cut.tail);
  const middle_b = b.slice(cut.head, b.length - cut.tail);
  if (Math.max(middle_a.length, middle_b.length) > kWordsMax) {
    push(pieces, "removed", middle_a);
    push(pieces, "added", middle_b);
  } else {
    between(pieces, middle_a, middle_b);
  }
  push(pieces, "same", a.slice(a.length - cut.tail));
  return pieces;
}

function common_ends(a: string[], b: string[]): { head: number; tail: number } {
  const most = Math.min(a.length, b.length);
  let head = 0;
  while (head < most && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < most - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  return { head, tail };
}

function between(pieces: Piece[], a: string[], b: string[]): void {
  const width = b.length + 1;
  const table = new Uint16Array((a.length + 1) * width); // lengths of common subsequences of the rests
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      table[i * width + j] =
        a[i] === b[j]
          ? table[(i + 1) * width + j + 1]! + 1
          : Math.max(table[(i + 1) * width + j]!, table[i * width + j + 1]!);
    }
  }
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      push(pieces, "same", [a[i]!]);
      i++;
      j++;
    } else if (j === b.length || (i < a.length && table[(i + 1) * width + j]! >= table[i * width + j + 1]!)) {
      push(pieces, "removed", [a[i++]!]);
    } else {
      push(pieces, "added", [b[j++]!]);
    }
  }
}

function push(pieces: Piece[], kind: Piece["kind"], parts: string[]): void {
  if (parts.length === 0) return;
  const last = pieces[pieces.length - 1];
  const before_last = pieces[pieces.length - 2];
  const text = parts.join("");
  if (last?.kind === kind) last.text += text;
  // removed, added, removed reads as removed, added: keep the two kinds together
  else if (kind === "removed" && last?.kind === "added" && before_last?.kind === "removed")
    before_last.text += text;
  else pieces.push({ kind, text });
}
