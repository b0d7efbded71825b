// Addresses below /console, with the history API. A route is its path segments, decoded.
import { createStore, useStore } from "./store";

export const kBase = "/console";

export interface Route {
  path: string;
  segments: string[];
  query: URLSearchParams;
}

export function parse_route(pathname: string, search = ""): Route {
  const path = pathname.startsWith(kBase) ? pathname.slice(kBase.length) || "/" : pathname;
  const segments = path
    .split("/")
    .filter((part) => part !== "")
    .map(decode);
  return { path, segments, query: new URLSearchParams(search) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** An address of the console from its segments. */
export function path_to(...segments: string[]): string {
  return `${kBase}/${segments.map((part) => encodeURIComponent(part).replaceAll("%40", "@")).join("/")}`;
}

const hasWindow = typeof window !== "undefined";
const current = createStore<Route>(
  hasWindow ? parse_route(location.pathname, location.search) : parse_route("/"),
);

export function navigate(to: string, how: { replace?: boolean } = {}): void {
  const url = new URL(to, location.href);
  if (how.replace) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  current.set(parse_route(url.pathname, url.search));
}

export const route_now = (): Route => current.get();
export const useRoute = (): Route => useStore(current);

if (hasWindow) {
  window.addEventListener("popstate", () => current.set(parse_route(location.pathname, location.search)));
  // Plain clicks on links of the console stay in the page.
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey)
      return;
    const link = (event.target as Element | null)?.closest?.("a[href]") as HTMLAnchorElement | null;
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (!link.pathname.startsWith(`${kBase}/`) || link.pathname.startsWith(`${kBase}/api/`)) return;
    event.preventDefault();
    navigate(link.href);
    window.scrollTo(0, 0);
  });
}
