// Numbers, times and addresses as people read them.
const kMinute = 60;
const kHour = 3600;
const kDay = 86_400;

/** "45 s", "12 min", "3 h 05", "2 d 4 h": short, and never longer than eight characters. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < kMinute) return `${s} s`;
  if (s < kHour) return `${Math.floor(s / kMinute)} min`;
  if (s < kDay)
    return `${Math.floor(s / kHour)} h ${String(Math.floor((s % kHour) / kMinute)).padStart(2, "0")}`;
  const days = Math.floor(s / kDay);
  const hours = Math.floor((s % kDay) / kHour);
  return days >= 10 || hours === 0 ? `${days} d` : `${days} d ${hours} h`;
}

/** A measured time: "0.4 s", "12 s", "3 min". */
export function measured(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(1)} s` : duration(seconds);
}

export function ago(at: string | null | undefined, now = Date.now()): string {
  if (!at) return "never";
  const seconds = (now - Date.parse(at)) / 1000;
  return seconds < 5 ? "now" : `${duration(seconds)} ago`;
}

export const seconds_until = (at: string, now = Date.now()): number => (Date.parse(at) - now) / 1000;

/** The time, with the day when it is not today. */
export function clock(at: string, now = new Date()): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  if (date.toDateString() === now.toDateString()) return time;
  const same_year = date.getFullYear() === now.getFullYear();
  const day = date.toLocaleDateString(undefined, {
    day: "numeric",
    month: "short",
    ...(same_year ? {} : { year: "numeric" }),
  });
  return `${day}, ${time}`;
}

export const full_time = (at: string): string =>
  new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 * 1024) return `${(count / 1024).toFixed(count < 10_240 ? 1 : 0)} KB`;
  return `${(count / 1024 / 1024).toFixed(1)} MB`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** "Ada <ada@x>" → "Ada" and the address. */
export function split_address(text: string): { name: string; address: string } {
  const match = /^\s*"?([^"<]*?)"?\s*<([^<>]+)>\s*$/.exec(text);
  return match ? { name: match[1] ?? "", address: match[2] ?? "" } : { name: "", address: text.trim() };
}

/** A line of addresses apart: at commas, semicolons and line ends outside of quotes and brackets. */
export function split_addresses(line: string): string[] {
  const out: string[] = [];
  let part = "";
  let quoted = false;
  let inside = false;
  for (const c of line) {
    if (c === '"') quoted = !quoted;
    if (!quoted && c === "<") inside = true;
    if (!quoted && c === ">") inside = false;
    if (!quoted && !inside && (c === "," || c === ";" || c === "\n")) {
      out.push(part);
      part = "";
    } else {
      part += c;
    }
  }
  out.push(part);
  return out.map((one) => one.trim()).filter((one) => one !== "");
}

/** "a@x, b@x and 3 more" */
export function some_of(list: string[], shown = 2): string {
  if (list.length <= shown) return list.join(", ");
  return `${list.slice(0, shown).join(", ")} and ${list.length - shown} more`;
}

const kWords: Record<string, string> = {
  pending_review: "held",
  review_approved: "released",
  review_rejected: "rejected",
  review_expired_approved: "approved by deadline",
  review_expired_rejected: "rejected by deadline",
  recipient_gate: "Recipient not allowed",
  sender_gate: "Sender not allowed",
  inbound_scan: "Suspicious content",
  outbound_scan: "Content to check",
  prompt_injection: "Prompt injection",
  hidden_text: "Hidden text",
  encoded_payload: "Encoded payload",
  phishing: "Phishing",
  exfiltration: "Data leaving",
};

/** A word of the API in plain words. */
export function word(code: string): string {
  return kWords[code] ?? code.replaceAll("_", " ");
}
