// Lists that the server hands out in pages.
import { useRef, useState } from "preact/hooks";
import { get, query } from "./api";
import type { News } from "./live";
import { useResource } from "./resource";
import type { Page } from "./types";

const kPage = 100; // what the API gives at most
const kWholePagesMax = 50;

type Filters = Record<string, string | boolean>;

const read_page = <T>(path: string, filters: Filters, cursor: string | null, signal?: AbortSignal) =>
  get<Page<T>>(`${path}${query({ ...filters, limit: kPage, cursor })}`, signal);

export interface List<T> {
  items: T[];
  loaded: boolean;
  error: unknown;
  reload: () => void;
  /** Reads a further page; null when all of it is there. */
  more: (() => Promise<void>) | null;
  reading: boolean;
}

/**
 * A list of which the first page is read at once and further ones when somebody asks. Reading it anew reads
 * as much as there was.
 */
export function useList<T>(
  key: string,
  path: string,
  filters: Filters = {},
  concerns?: (news: News) => boolean,
): List<T> {
  const [reading, set_reading] = useState(false);
  const latest = useRef<Page<T> | null>(null);
  const shown = useRef(key);
  shown.current = key;
  const found = useResource<Page<T>>(
    key,
    (signal) => read_until(path, filters, latest.current?.items.length ?? 0, signal),
    concerns,
  );
  latest.current = found.data;
  const more = async () => {
    set_reading(true);
    try {
      // What was read anew meanwhile ends elsewhere: one goes on from there, for somebody has asked for more.
      while (shown.current === key) {
        const before = latest.current;
        if (!before?.next_cursor) return;
        const page = await read_page<T>(path, filters, before.next_cursor);
        if (latest.current === before) {
          found.set({ ...page, items: [...before.items, ...page.items] });
          return;
        }
      }
    } finally {
      set_reading(false);
    }
  };
  return {
    items: found.data?.items ?? [],
    loaded: found.data !== null,
    error: found.error,
    reload: found.reload,
    more: found.data?.next_cursor ? more : null,
    reading,
  };
}

/** All of a list that is to be chosen from. */
export function useWhole<T>(key: string, path: string) {
  return useResource<Page<T>>(`${key}:whole`, (signal) =>
    read_until(path, {}, kPage * kWholePagesMax, signal),
  );
}

async function read_until<T>(
  path: string,
  filters: Filters,
  count: number,
  signal: AbortSignal,
): Promise<Page<T>> {
  let page = await read_page<T>(path, filters, null, signal);
  const items = [...page.items];
  while (page.next_cursor !== null && items.length < count) {
    page = await read_page<T>(path, filters, page.next_cursor, signal);
    items.push(...page.items);
  }
  return { items, next_cursor: page.next_cursor };
}
