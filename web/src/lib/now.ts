// The present, for count-downs: one timer for all of them, none while nobody looks.
import { useEffect, useState } from "preact/hooks";

const listeners = new Set<() => void>();
let timer = 0;

function run(): void {
  if (timer !== 0 || listeners.size === 0 || document.hidden) return;
  timer = window.setInterval(() => {
    for (const listener of [...listeners]) listener();
  }, 1000);
}

function rest(): void {
  clearInterval(timer);
  timer = 0;
}

if (typeof document !== "undefined") {
  document.addEventListener("visibilitychange", () => {
    rest();
    for (const listener of [...listeners]) listener();
    run();
  });
}

/** The time in milliseconds, anew every second. */
export function useNow(): number {
  const [now, set_now] = useState(Date.now);
  useEffect(() => {
    const listener = () => set_now(Date.now());
    listeners.add(listener);
    run();
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) rest();
    };
  }, []);
  return now;
}
