// News from the server: one event stream for the page; pages say which events concern them. Without a stream
// they are asked to look again every kPollMs while somebody looks at the page.
import { patience } from "./patience";
import { createStore } from "./store";

export interface News {
  type: string;
  message_id: string | null;
  agent: string | null;
}

export type Liveness = "connecting" | "live" | "reconnecting";

const kPingMs = 20_000; // a stream on which nothing happens says so (API.md);
// one that says nothing is dead, even where its connection looks open
const kSilenceMsMax = patience("silence_ms", 2.5 * kPingMs);
const kPollMs = 20_000;
const kRetryMsMax = 60_000;
const kGatherMs = 250; // news that come together are told once,
const kTellMsMin = 1500; // and pages are not asked to look again more often than this

export const liveness = createStore<Liveness>("connecting");

type Listener = (news: News[]) => void;
const listeners = new Set<Listener>();
let gathered: News[] = [];
let timer = 0;
let told_at = 0;
let source: EventSource | null = null;
let watchdog = 0;
let poll = 0;
let retry = 0;
let retry_ms = 1000;

/** Listens to news until the returned function is called. An empty list means: anything may have changed. */
export function on_news(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(news: News[]): void {
  gathered.push(...news);
  if (timer !== 0) return;
  const wait = Math.max(kGatherMs, told_at + kTellMsMin - Date.now());
  timer = window.setTimeout(() => {
    told_at = Date.now();
    const all = gathered;
    gathered = [];
    timer = 0;
    for (const listener of [...listeners]) listener(all);
  }, wait);
}

export function start_live(): void {
  stop_live();
  liveness.set("connecting");
  connect();
  document.addEventListener("visibilitychange", on_visible);
}

export function stop_live(): void {
  disconnect();
  window.clearTimeout(retry);
  window.clearInterval(poll);
  poll = 0;
  document.removeEventListener("visibilitychange", on_visible);
}

function disconnect(): void {
  source?.close();
  source = null;
  window.clearTimeout(watchdog);
}

function on_visible(): void {
  if (document.visibilityState === "visible" && liveness.get() !== "live") tell([]);
}

function connect(): void {
  source = new EventSource("/console/api/stream");
  source.addEventListener("ping", heard);
  source.onmessage = (event: MessageEvent<string>) => {
    heard();
    try {
      tell([JSON.parse(event.data) as News]);
    } catch {
      // not ours
    }
  };
  source.onerror = lost;
  watch();
}

function watch(): void {
  window.clearTimeout(watchdog);
  watchdog = window.setTimeout(lost, kSilenceMsMax);
}

// That a connection is open proves nothing: what comes through it does.
function heard(): void {
  watch();
  if (liveness.get() === "live") return;
  liveness.set("live");
  retry_ms = 1000;
  window.clearInterval(poll);
  poll = 0;
  tell([]); // what happened between the reading of the page and this moment
}

function lost(): void {
  disconnect();
  liveness.set("reconnecting");
  if (poll === 0) {
    poll = window.setInterval(() => {
      if (document.visibilityState === "visible") tell([]);
    }, kPollMs);
  }
  retry_ms = Math.min(retry_ms * 2, kRetryMsMax);
  retry = window.setTimeout(connect, retry_ms);
}
