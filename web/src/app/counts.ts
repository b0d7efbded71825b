// How much waits, for the navigation: from the overview, kept fresh by news.
import { get } from "../lib/api";
import { on_news } from "../lib/live";
import { createStore } from "../lib/store";
import type { Overview } from "../lib/types";

export interface Counts {
  held: number | null;
  unknown: number | null;
}

export const counts = createStore<Counts>({ held: null, unknown: null });

let running = false;
let again = false;

export async function refresh_counts(): Promise<void> {
  if (running) {
    again = true;
    return;
  }
  running = true;
  try {
    const overview = await get<Overview>("/overview");
    counts.set({ held: overview.held, unknown: overview.unknown });
  } catch {
    // the pages say what is wrong; numbers that are not known are not shown
  } finally {
    running = false;
    if (again) {
      again = false;
      void refresh_counts();
    }
  }
}

/** Keeps the numbers fresh until the returned function is called. */
export function follow_counts(): () => void {
  void refresh_counts();
  return on_news(() => void refresh_counts());
}
