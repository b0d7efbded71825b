// Something that is read from the server and shown: the last answer stays while a newer one is fetched.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { on_news, type News } from "./live";

export interface Resource<T> {
  data: T | null;
  error: unknown;
  loading: boolean;
  reload: () => void;
  set: (next: T) => void;
}

const kKeptMax = 60;
const kept = new Map<string, unknown>(); // the latest answers by key, for going back without waiting

/**
 * `key` names what is read; null reads nothing. `concerns` says which news make it old; without it none do.
 */
export function useResource<T>(
  key: string | null,
  read: (signal: AbortSignal) => Promise<T>,
  concerns?: (news: News) => boolean,
): Resource<T> {
  const [state, set_state] = useState<{
    key: string | null;
    data: T | null;
    error: unknown;
    loading: boolean;
  }>({
    key,
    data: key === null ? null : ((kept.get(key) as T | undefined) ?? null),
    error: null,
    loading: key !== null,
  });
  const [turn, set_turn] = useState(0);
  const latest = useRef(read);
  latest.current = read;
  const interest = useRef(concerns);
  interest.current = concerns;
  // What is being read is read to its end, and then again: news that keep coming must not keep it from ending.
  const reading = useRef(false);
  const again = useRef(false);
  const overtaken = useRef(false); // by set(), which knows better than what was asked for before
  const reload = useCallback(() => {
    if (reading.current) again.current = true;
    else set_turn((n) => n + 1);
  }, []);

  useEffect(() => {
    if (key === null) return;
    const abort = new AbortController();
    const before = (kept.get(key) as T | undefined) ?? null;
    set_state((old) => ({ key, data: old.key === key ? old.data : before, error: null, loading: true }));
    reading.current = true;
    again.current = overtaken.current = false;
    const ended = (tell: () => void) => {
      if (abort.signal.aborted) return;
      reading.current = false;
      if (!overtaken.current) tell();
      if (again.current) reload();
    };
    latest.current(abort.signal).then(
      (data) =>
        ended(() => {
          remember(key, data);
          set_state({ key, data, error: null, loading: false });
        }),
      (error: unknown) => ended(() => set_state((old) => ({ ...old, error, loading: false }))),
    );
    return () => {
      abort.abort();
      reading.current = false;
    };
  }, [key, turn]);

  useEffect(
    () =>
      on_news((news) => {
        const wanted = interest.current;
        if (wanted && (news.length === 0 || news.some(wanted))) reload();
      }),
    [reload],
  );

  const set = useCallback(
    (data: T) => {
      if (key !== null) remember(key, data);
      again.current = overtaken.current = true;
      set_state({ key, data, error: null, loading: false });
    },
    [key],
  );
  const fresh =
    state.key === key
      ? state
      : { data: (kept.get(key ?? "") as T | undefined) ?? null, error: null, loading: key !== null };
  return { data: fresh.data, error: fresh.error, loading: fresh.loading, reload, set };
}

function remember(key: string, data: unknown): void {
  kept.delete(key);
  kept.set(key, data);
  if (kept.size > kKeptMax) kept.delete(kept.keys().next().value as string);
}
