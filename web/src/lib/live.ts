// News from the server: one event stream for the page; pages say which events concern them. Without a stream
// they are asked to look again every kPollMs while somebody looks at the page.
import { createStore } from "./store";

export interface News {
  type: string;
  message_id: string | null;
  agent: string | null;
}

export type Liveness = "connecting" | "live" | "polling";

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
let poll = 0;
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
  source?.close();
  source = null;
  clearInterval(poll);
  poll = 0;
  document.removeEventListener("visibilitychange", on_visible);
}

function on_visible(): void {
  if (document.visibilityState === "visible" && liveness.get() !== "live") tell([]);
}

function connect(): void {
  source = new EventSource("/console/api/stream");
  source.onopen = () => {
    liveness.set("live");
    retry_ms = 1000;
    clearInterval(poll);
    poll = 0;
    tell([]); // what happened between the reading of the page and this moment
  };
  source.onmessage = (event: MessageEvent<string>) => {
    try {
      tell([JSON.parse(event.data) as News]);
    } catch {
      // not ours
    }
  };
  source.onerror = () => {
    const closed = source;
    closed?.close();
    source = null;
    liveness.set("polling");
    if (poll === 0) {
      poll = window.setInterval(() => {
        if (document.visibilityState === "visible") tell([]);
      }, kPollMs);
    }
    retry_ms = Math.min(retry_ms * 2, kRetryMsMax);
    window.setTimeout(() => {
      if (source === null && poll !== 0) connect();
    }, retry_ms);
  };
}
