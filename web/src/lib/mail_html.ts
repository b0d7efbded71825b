// The HTML of a mail as a document for a frame with sandbox="" – three layers that each suffice: the
// sanitised tree holds nothing that runs, submits or loads; the frame has no scripts and no origin; its own
// policy refuses every load but data:. The frame also inherits the policy of the page, which refuses inline
// styles: they become one data: style sheet.
import DOMPurify from "dompurify";
import { kStyleAttribute, take_styles } from "./mail_attributes";
import { safe_inline, safe_sheet } from "./mail_css";
import { suspicious_host } from "./deception";

export interface MailLink {
  text: string;
  href: string;
  warning: string | null;
}

export interface Rendered {
  document: string;
  links: MailLink[];
  /** What was left out: pictures from elsewhere, and things that run or ask. */
  remote: number;
  active: number;
}

const kNodesMax = 60_000;
const kLinksMax = 200;
const kPicture = /^data:image\/(png|jpe?g|gif|webp|avif);base64,/i;
const kPolicy = "default-src 'none'; style-src data:; img-src data:; form-action 'none'; base-uri 'none'";
const kBase =
  "html{background:#fff;color:#1b1b1b;font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}" +
  "body{margin:16px}img{max-width:100%}pre{white-space:pre-wrap}" +
  ".cs-gone{display:inline-block;padding:2px 6px;border:1px dashed #999;color:#555;font-size:12px}" +
  ".cs-link{color:#0b57d0;text-decoration:underline}";
const kTags =
  "a abbr address article aside b bdi bdo big blockquote body br caption center cite code col colgroup dd del details dfn " +
  "div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 head header hr html i img ins kbd li main mark ol p pre q s " +
  "samp section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr";
const kAttributes =
  "align alt bgcolor border cellpadding cellspacing class color colspan dir face height href id lang nowrap rowspan size " +
  "span src start title valign width data-cs-style";

/** `pictures` maps Content-IDs to data: URLs of parts of the same mail. */
export function render_mail(html: string, pictures: ReadonlyMap<string, string> = new Map()): Rendered {
  const unstyled = take_styles(html);
  const parsed = new DOMParser().parseFromString(unstyled.html, "text/html");
  if (parsed.getElementsByTagName("*").length > kNodesMax) return too_large();
  const left = Array.from(parsed.querySelectorAll("style"), (element) => element.textContent ?? "");
  for (const element of Array.from(parsed.querySelectorAll("[style]"))) element.removeAttribute("style");
  const active = parsed.querySelectorAll(
    "script,iframe,object,embed,form,input,button,textarea,select,video,audio,svg,math,applet,base,meta[http-equiv],portal",
  ).length;
  const body = DOMPurify.sanitize(parsed.body, {
    ALLOWED_TAGS: kTags.split(" "),
    ALLOWED_ATTR: kAttributes.split(" "),
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    // The pattern is asked about plain values such as align="right", too: those have no scheme.
    ALLOWED_URI_REGEXP: /^(?:(?:https?|mailto|tel|cid|data):|[^a-z]|[a-z+.-]+(?:[^a-z+.\-:]|$))/i,
    RETURN_DOM: true,
  }) as unknown as HTMLElement;
  const result = { links: [] as MailLink[], remote: 0 };
  const inline = inline_styles(body);
  for (const image of Array.from(body.querySelectorAll("img")))
    result.remote += settle_image(image, pictures);
  for (const link of Array.from(body.querySelectorAll("a"))) settle_link(link, result.links);
  for (const element of Array.from(body.querySelectorAll("[src]:not(img)"))) element.removeAttribute("src");
  for (const element of Array.from(body.querySelectorAll("[href]"))) element.removeAttribute("href");
  result.remote += (html.match(/url\s*\(\s*["']?\s*(https?:)?\/\//gi) ?? []).length;
  const css = kBase + [...unstyled.sheets, ...left].map(safe_sheet).join("") + inline;
  return { document: page(css, body.innerHTML), active, ...result };
}

function page(css: string, body: string): string {
  const sheet = `data:text/css;charset=utf-8,${encodeURIComponent(css)}`;
  return (
    `<!doctype html><html><head><meta charset="utf-8">` +
    `<meta http-equiv="Content-Security-Policy" content="${kPolicy}">` +
    `<meta name="referrer" content="no-referrer"><link rel="stylesheet" href="${sheet}">` +
    `</head><body>${body}</body></html>`
  );
}

function too_large(): Rendered {
  const text = "<p>This HTML has too many elements to show. Read the text instead.</p>";
  return { document: page(kBase, text), links: [], remote: 0, active: 0 };
}

// Style attributes as rules of their own, strong enough to win over the sheets of the mail.
function inline_styles(body: HTMLElement): string {
  const scratch = document.createElement("i");
  const classes = new Map<string, string>();
  const styled = Array.from(body.querySelectorAll(`[${kStyleAttribute}]`));
  if (body.hasAttribute(kStyleAttribute)) styled.push(body);
  let out = "";
  for (const element of styled) {
    const declarations = safe_inline(element.getAttribute(kStyleAttribute) ?? "", scratch);
    element.removeAttribute(kStyleAttribute);
    if (declarations === "") continue;
    let name = classes.get(declarations);
    if (name === undefined) {
      name = `cs-${classes.size}`;
      classes.set(declarations, name);
      out += `.${name}.${name}.${name}.${name}{${declarations}}`;
    }
    element.classList.add(name);
  }
  return out;
}

function settle_image(image: HTMLImageElement, pictures: ReadonlyMap<string, string>): number {
  const source = (image.getAttribute("src") ?? "").trim();
  const inside = /^cid:/i.test(source) ? pictures.get(decode(source.slice(4))) : source;
  if (inside !== undefined && kPicture.test(inside)) {
    image.setAttribute("src", inside);
    return 0;
  }
  const note = document.createElement("span");
  note.className = "cs-gone";
  const alt = (image.getAttribute("alt") ?? "").trim();
  note.textContent = alt === "" ? "picture not loaded" : alt;
  image.replaceWith(note);
  return /^(https?:|\/\/)/i.test(source) ? 1 : 0;
}

function settle_link(link: HTMLAnchorElement, links: MailLink[]): void {
  const href = (link.getAttribute("href") ?? "").trim();
  link.removeAttribute("href");
  if (href === "") return;
  link.classList.add("cs-link");
  link.title = `Leads to ${href.slice(0, 300)}`;
  if (links.length >= kLinksMax) return;
  const text = (link.textContent ?? "").replace(/\s+/g, " ").trim();
  links.push({
    text: text === "" ? "(picture)" : text.slice(0, 200),
    href,
    warning: link_warning(text, href),
  });
}

/** Why a link may mislead: it shows one host and leads to another, or to one in look-alike letters. */
export function link_warning(text: string, href: string): string | null {
  let target: URL;
  try {
    target = new URL(href);
  } catch {
    return null;
  }
  if (target.protocol === "data:") return "carries a page inside itself";
  if (!/^https?:$/.test(target.protocol)) return null;
  if (target.username !== "") return `leads to ${target.hostname}, whatever stands before the @`;
  const written = /^(?:https?:\/\/)?((?:[\p{L}\p{N}-]+\.)+\p{L}{2,})(?:[/:?#]|$)/u.exec(text.trim())?.[1];
  const odd =
    suspicious_host(/^[a-z]+:\/\/(?:[^/@]*@)?([^/:?#]+)/i.exec(href)?.[1] ?? "") ??
    suspicious_host(target.hostname);
  if (odd) return odd;
  if (written === undefined) return null;
  const bare = (host: string): string => host.toLowerCase().replace(/^www\./, "");
  return bare(written) === bare(target.hostname) ? null : `shows ${written}, leads to ${target.hostname}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
