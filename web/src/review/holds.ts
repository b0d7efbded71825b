// What waits for a decision, soonest deadline first: read page by page in the background, kept fresh by news.
import { get, query } from "../lib/api";
import { on_news, type News } from "../lib/live";
import { createStore } from "../lib/store";
import type { Hold, HoldPage } from "../lib/types";
import { counts } from "../app/counts";

export interface Holds {
  items: Hold[];
  total: number;
  complete: boolean;
  loaded: boolean;
  error: unknown;
}

const kFirstPage = 100; // quick to see something
const kPage = 1000;
const kReloadMsMin = 3000; // for each kPage holds

const kNone: Holds = { items: [], total: 0, complete: false, loaded: false, error: null };
export const holds = createStore<Holds>(kNone);
// Decided, at which turn: an answer that was on its way by then may still list them. One that was asked for
// later knows better: an approval may have been undone elsewhere.
const hidden = new Map<string, number>();
let turn = 0;
let reading = false;
let again = false;
let last_load = 0;
let timer = 0;

/**
 * Reads everything anew; what is on the screen stays until the new list is there. What is being read is read
 * to its end, and then again.
 */
export async function load_holds(): Promise<void> {
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  const mine = ++turn;
  last_load = Date.now();
  const items: Hold[] = [];
  let cursor: string | null = null;
  try {
    do {
      const page: HoldPage = await get<HoldPage>(
        `/reviews${query({ cursor, limit: items.length === 0 ? kFirstPage : kPage })}`,
      );
      items.push(...page.items);
      cursor = page.next_cursor;
      const have = holds.get();
      // A longer list that is being read again is replaced when it is whole, so that it does not jump.
      if (cursor === null || items.length >= have.items.length) publish(items, page.total, cursor === null);
    } while (cursor !== null);
    for (const [id, at] of hidden) if (at < mine) hidden.delete(id);
  } catch (error) {
    holds.set((have) => ({ ...have, loaded: true, error }));
  } finally {
    reading = false;
    if (again) soon();
    again = false;
  }
}

function publish(items: Hold[], total: number, complete: boolean): void {
  const shown = items.filter((one) => (hidden.get(one.id) ?? 0) < turn);
  holds.set({
    items: shown,
    total: Math.max(total - (items.length - shown.length), shown.length),
    complete,
    loaded: true,
    error: null,
  });
  counts.set((old) => ({ ...old, held: holds.get().total }));
}

export function take_out(ids: Iterable<string>): void {
  const gone = new Set(ids);
  for (const id of gone) hidden.set(id, turn);
  holds.set((have) => {
    const items = have.items.filter((one) => !gone.has(one.id));
    return { ...have, items, total: Math.max(0, have.total - (have.items.length - items.length)) };
  });
  counts.set((old) => ({ ...old, held: holds.get().total }));
}

export function put_back(returned: Hold[]): void {
  for (const hold of returned) hidden.delete(hold.id);
  const ids = new Set(returned.map((one) => one.id));
  holds.set((have) => {
    const others = have.items.filter((one) => !ids.has(one.id));
    const items = [...others, ...returned].sort(by_deadline);
    return { ...have, items, total: have.total + (items.length - have.items.length) };
  });
  counts.set((old) => ({ ...old, held: holds.get().total }));
}

export function by_deadline(a: Hold, b: Hold): number {
  const due = (hold: Hold): number =>
    hold.approval_expires_at ? Date.parse(hold.approval_expires_at) : Infinity;
  return due(a) - due(b) || (a.id < b.id ? -1 : 1);
}

function soon(): void {
  if (timer !== 0) return;
  timer = window.setTimeout(
    () => {
      timer = 0;
      void load_holds();
    },
    Math.max(0, last_load + kReloadMsMin * Math.ceil(holds.get().items.length / kPage) - Date.now()),
  );
}

function heard(news: News[]): void {
  if (news.length === 0) soon();
  for (const one of news) {
    if (one.type === "email.review_requested") {
      if (one.message_id) hidden.delete(one.message_id);
      soon();
    } else if (
      (one.type === "email.review_approved" || one.type === "email.review_rejected") &&
      one.message_id
    ) {
      take_out([one.message_id]);
    }
  }
}

/** Follows the queue until the returned function is called. */
export function follow_holds(): () => void {
  void load_holds();
  return on_news(heard);
}
