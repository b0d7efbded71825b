// The review queue: what waits, soonest deadline first, and the message that is being read.
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { duration, plural, seconds_until, split_address, word } from "../lib/format";
import { useNow } from "../lib/now";
import { navigate, path_to, route_now } from "../lib/router";
import { useShortcuts } from "../lib/shortcuts";
import { useStore } from "../lib/store";
import type { Hold } from "../lib/types";
import { Button, Empty, ErrorNote, Skeleton } from "../ui/basic";
import { VirtualList } from "../ui/data";
import { Icon } from "../ui/icons";
import { Bulk } from "./bulk";
import { undo_last } from "./decide";
import { Detail } from "./detail";
import { FirstSteps } from "./first_steps";
import { follow_holds, holds, load_holds } from "./holds";

const kRowPx = 78;
const kWide = "(min-width: 761px)";

function useWide(): boolean {
  const [wide, set_wide] = useState(() => matchMedia(kWide).matches);
  useEffect(() => {
    const media = matchMedia(kWide);
    const changed = () => set_wide(media.matches);
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, []);
  return wide;
}

const go_to = (id: string | null, replace = false): void =>
  navigate(id === null ? path_to("queue") : path_to("queue", id), { replace });

export function Queue({ selected }: { selected: string | null }) {
  const list = useStore(holds);
  const wide = useWide();
  const [marked, set_marked] = useState<ReadonlySet<string>>(new Set());
  const index = useMemo(() => list.items.findIndex((one) => one.id === selected), [list.items, selected]);
  const last_index = useRef(0);
  if (index >= 0) last_index.current = index;
  useEffect(follow_holds, []);

  // On a wide screen something is always open.
  const first = list.items[0]?.id ?? null;
  useEffect(() => {
    if (wide && selected === null && first !== null) go_to(first, true);
  }, [wide, selected, first]);

  const move = useCallback(
    (step: number) => {
      const items = holds.get().items;
      const from = items.findIndex((one) => one.id === selected);
      const next = items[from < 0 ? Math.min(last_index.current, items.length - 1) : from + step];
      if (next) go_to(next.id, true);
    },
    [selected],
  );
  // An answer may be late: whoever is reading something else by then stays there.
  const decided = useCallback(
    (ids: string[]) => {
      const [place, open] = route_now().segments;
      if (place !== "queue" || open === undefined || !ids.includes(open)) return;
      const items = holds.get().items;
      const next = items[Math.min(last_index.current, items.length - 1)];
      if (wide && next) go_to(next.id, true);
      else if (!wide || items.length === 0) go_to(null, true);
    },
    [wide],
  );
  const toggle = useCallback((id: string) => {
    set_marked((old) => {
      const next = new Set(old);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  }, []);

  useShortcuts({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    u: () => void undo_last(),
    x: () => {
      if (selected === null) return;
      toggle(selected);
      move(1);
    },
    ...(marked.size > 0 ? { Escape: () => set_marked(new Set()) } : {}),
  });

  const chosen = useMemo(() => list.items.filter((one) => marked.has(one.id)), [list.items, marked]);
  const listed = list.items[index] ?? null;
  if (list.loaded && list.items.length === 0 && selected === null) {
    return (
      <div class="page">
        {list.error ? <ErrorNote error={list.error} retry={() => void load_holds()} /> : <AllDone />}
      </div>
    );
  }
  return (
    <div class={selected === null ? "queue" : "queue queue-open"}>
      <section class="queue-list" aria-label="Waiting for a decision">
        <QueueHead
          list={list}
          marked={marked.size}
          mark_all={() => set_marked(new Set(list.items.map((one) => one.id)))}
        />
        {list.error !== null && <ErrorNote error={list.error} retry={() => void load_holds()} />}
        {!list.loaded ? (
          <div class="queue-wait">
            <Skeleton lines={8} />
          </div>
        ) : (
          <VirtualList
            label="Held messages"
            items={list.items}
            row_px={kRowPx}
            item_key={(hold) => hold.id}
            focus={index}
            render={(hold) => (
              <Row hold={hold} open={hold.id === selected} marked={marked.has(hold.id)} onMark={toggle} />
            )}
          />
        )}
        {chosen.length > 0 && <Bulk list={chosen} clear={() => set_marked(new Set())} decided={decided} />}
      </section>
      <section class="queue-detail" aria-label="Message">
        {selected === null ? (
          <Empty icon="mail" title="Choose a message" />
        ) : (
          <Detail
            key={selected}
            id={selected}
            listed={listed}
            keys={chosen.length === 0}
            onDecided={(id) => decided([id])}
            back={() => go_to(null)}
          />
        )}
      </section>
    </div>
  );
}

function QueueHead({
  list,
  marked,
  mark_all,
}: {
  list: { total: number; items: Hold[]; complete: boolean };
  marked: number;
  mark_all: () => void;
}) {
  const loading = !list.complete && list.items.length > 0;
  return (
    <header class="queue-head">
      <h1>Review</h1>
      <span class="quiet small num" role="status">
        {plural(list.total, "message")} waiting{loading ? `, ${list.items.length.toLocaleString()} read` : ""}
      </span>
      <span class="grow" />
      {marked > 0 && marked < list.items.length && (
        <Button kind="plain" small onClick={mark_all}>
          Select all
        </Button>
      )}
    </header>
  );
}

const peer_of = (hold: Hold): string => {
  if (hold.direction === "inbound") return hold.header_from ?? hold.envelope_from ?? "unknown sender";
  const { name, address } = split_address(hold.to[0] ?? "nobody");
  const rest = hold.to.length > 1 ? ` +${hold.to.length - 1}` : "";
  return (name || address) + rest;
};

interface RowProps {
  hold: Hold;
  open: boolean;
  marked: boolean;
  onMark: (id: string) => void;
}

function Row({ hold, open, marked, onMark }: RowProps) {
  const reason = hold.hold_reason;
  return (
    <div class={`hold${open ? " hold-open" : ""}${marked ? " hold-marked" : ""}`}>
      <label class="hold-mark">
        <input
          type="checkbox"
          checked={marked}
          onChange={() => onMark(hold.id)}
          aria-label={`Select “${hold.subject}”`}
        />
      </label>
      <a class="hold-link" href={path_to("queue", hold.id)} aria-current={open ? "true" : undefined}>
        <span class="hold-line">
          <span
            class="hold-direction"
            title={hold.direction === "inbound" ? "to your agent" : "from your agent"}
          >
            <Icon name={hold.direction === "inbound" ? "in" : "out"} size={13} />
            <span class="out-of-sight">{hold.direction === "inbound" ? "From " : "To "}</span>
          </span>
          <strong class="truncate grow">{peer_of(hold)}</strong>
          <Left hold={hold} />
        </span>
        <span class="truncate hold-subject">
          {hold.subject || "(no subject)"}
          {hold.snippet && <span class="faint"> {hold.snippet}</span>}
        </span>
        <span class="hold-line tiny">
          <span class={reason?.type === "scan" ? "hold-why hold-why-scan truncate" : "hold-why truncate"}>
            {reason ? word(reason.category ?? reason.code) : "held"}
          </span>
          <span class="faint truncate grow">{hold.agent_email}</span>
          {(hold.attachment_count ?? 0) > 0 && (
            <span class="faint num hold-clip" title={plural(hold.attachment_count ?? 0, "attachment")}>
              <Icon name="clip" size={12} />
              {hold.attachment_count}
            </span>
          )}
        </span>
      </a>
    </div>
  );
}

function Left({ hold }: { hold: Hold }) {
  const now = useNow();
  if (!hold.approval_expires_at) return null;
  const left = seconds_until(hold.approval_expires_at, now);
  const tone = left < 900 ? " left-late" : left < 3600 * 4 ? " left-soon" : "";
  return (
    <span
      class={`left num${tone}`}
      title={`then it is ${hold.on_expiry === "approve" ? "approved" : "rejected"} by itself`}
    >
      {left <= 0 ? "due" : duration(left)}
    </span>
  );
}

const AllDone = () => (
  <Empty icon="inbox" title="Nothing waits for you">
    <p>
      What an agent wants to send, or is sent, and its protection does not let through, appears here by
      itself.
    </p>
    <FirstSteps />
  </Empty>
);
