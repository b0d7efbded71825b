// Tricks that make a person see something other than what is there: invisible and direction-changing
// characters, hosts in mixed scripts, names of attachments that hide what they are. Looks at text only; the
// server's warnings come first.
import type { BodyAttachment, Warning } from "./types";

const kDirection = /[\u202A-\u202E\u2066-\u2069\u200E\u200F\u061C]/u;
const kOverride = /[\u202D\u202E]/u;
const kInvisible = /[\u200B-\u200D\u2060\uFEFF\u00AD]|[\u{E0000}-\u{E007F}]/u;
const kRuns =
  /\.(exe|scr|com|bat|cmd|ps1|psm1|vbs|vbe|js|jse|wsf|wsh|msi|msp|hta|cpl|jar|lnk|url|reg|app|dmg|pkg|iso|img|vhd|apk|docm|xlsm|pptm|xll|one)$/i;
const kInnocent = /\.(pdf|docx?|xlsx?|pptx?|txt|csv|jpe?g|png|gif|zip|html?)\s*\.[a-z0-9]{2,4}$/i;
const kLooksActive = /\.(html?|svg|xhtml|mht|mhtml|shtml)$/i;

/** Shows characters that cannot be seen as ⟨U+XXXX⟩. */
export function visible(text: string): string {
  return text.replace(
    /[\u202A-\u202E\u2066-\u2069\u200B-\u200F\u2060\u061C\uFEFF\u00AD]|[\u{E0000}-\u{E007F}]|[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/gu,
    (c) => `⟨U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}⟩`,
  );
}

const kScripts: [string, RegExp][] = [
  ["Latin", /\p{Script=Latin}/u],
  ["Cyrillic", /\p{Script=Cyrillic}/u],
  ["Greek", /\p{Script=Greek}/u],
  ["Armenian", /\p{Script=Armenian}/u],
  ["Cherokee", /\p{Script=Cherokee}/u],
];

/** The alphabets of a host name's or address's letters, of those that can be mistaken for each other. */
export function scripts_of(text: string): string[] {
  return kScripts.filter(([, expression]) => expression.test(text)).map(([name]) => name);
}

/** Why a host may not be the one that it looks like, or null. */
export function suspicious_host(host: string): string | null {
  const scripts = scripts_of(host);
  if (scripts.length > 1) return `${visible(host)} mixes ${scripts.join(" and ")} letters`;
  if (scripts.length === 1 && scripts[0] !== "Latin" && /\.[a-z]{2,}$/i.test(host)) {
    return `${visible(host)} is written in ${scripts[0]} letters`;
  }
  if (/(^|\.)xn--/i.test(host)) return `${host} is an encoded name; it may be displayed as another one`;
  return null;
}

function host_of(address: string): string {
  const end = address.replace(/[>\s]+$/, "");
  return end.slice(end.lastIndexOf("@") + 1);
}

/** What is wrong with the name of an attachment, or null. */
export function deceptive_name(attachment: Pick<BodyAttachment, "filename" | "content_type">): string | null {
  const name = attachment.filename;
  if (kDirection.test(name)) return `“${visible(name)}” reverses letters to hide its real ending`;
  if (kInvisible.test(name)) return `“${visible(name)}” has invisible characters in its name`;
  if (/\s{4,}\S*\.\w+$/.test(name))
    return `“${name.replace(/\s+/g, " ")}” pushes its real ending out of sight`;
  if (kRuns.test(name)) {
    return kInnocent.test(name)
      ? `“${name}” is a program that pretends to be a document`
      : `“${name}” is a program`;
  }
  if (kLooksActive.test(name)) return `“${name}” is a web page: opened elsewhere, it can run scripts`;
  const type = attachment.content_type.toLowerCase();
  if (/^image\//.test(type) && /\.(pdf|docx?|xlsx?|zip)$/i.test(name)) return `“${name}” says it is ${type}`;
  if (type === "application/pdf" && !/\.pdf$/i.test(name)) return `“${name}” says it is a PDF`;
  return null;
}

export interface Looked {
  subject: string;
  text: string;
  addresses: string[];
  attachments: Pick<BodyAttachment, "filename" | "content_type">[];
}

/** What a reviewer should be warned of, at most one warning of a kind and thing. */
export function warnings_of(message: Looked): Warning[] {
  const found: Warning[] = [];
  if (kOverride.test(message.subject) || kOverride.test(message.text)) {
    found.push({
      code: "bidi_override",
      text: "Characters that reverse the direction of reading: what you see is not the order in which it is written.",
    });
  }
  if (/[\u{E0000}-\u{E007F}]/u.test(message.text + message.subject)) {
    found.push({
      code: "tag_characters",
      text: "Invisible tag characters: text that a model reads and you do not see.",
    });
  }
  for (const address of message.addresses) {
    const why = suspicious_host(host_of(address));
    if (why) found.push({ code: "homograph", text: `${why}.` });
  }
  for (const attachment of message.attachments) {
    const why = deceptive_name(attachment);
    if (why) found.push({ code: "attachment_name", text: `${why}.` });
  }
  return found;
}

/** The server's warnings, then ours for what the server did not name. */
export function merge_warnings(server: Warning[], own: Warning[]): Warning[] {
  const named = new Set(server.map((one) => one.code));
  return [...server, ...own.filter((one) => !named.has(one.code))];
}
