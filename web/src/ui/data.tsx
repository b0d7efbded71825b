// Lists, tables, differences, charts, time lines.
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { diff } from "../lib/diff";
import type { Marked } from "../lib/evidence";
import { clock, full_time, measured } from "../lib/format";
import type { HourlySeconds } from "../lib/types";
import { Icon, type IconName } from "./icons";
import { Button, type Tone } from "./basic";
import { toast_error } from "./dialog";

export interface Column<T> {
  name: string;
  cell: (row: T) => ComponentChildren;
  end?: boolean;
}

export function Table<T>({
  rows,
  columns,
  row_key,
  label,
}: {
  rows: T[];
  columns: Column<T>[];
  row_key: (row: T) => string;
  label: string;
}) {
  return (
    <div class="card table-card">
      <table class="table" aria-label={label}>
        <thead>
          <tr>
            {columns.map((column, i) => (
              <th key={i} scope="col" class={column.end ? "end" : undefined}>
                {column.name || <span class="out-of-sight">Actions</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row_key(row)}>
              {columns.map((column, i) => (
                <td key={i} data-name={column.name || undefined} class={column.end ? "end" : undefined}>
                  <div class="grow">{column.cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Below a list that goes on. */
export function ShowMore({ list }: { list: { more: (() => Promise<void>) | null; reading: boolean } }) {
  const { more, reading } = list;
  if (!more) return null;
  return (
    <div>
      <Button busy={reading} onClick={() => void more().catch(toast_error)}>
        Show more
      </Button>
    </div>
  );
}

interface VirtualProps<T> {
  items: T[];
  row_px: number;
  render: (item: T, index: number) => ComponentChildren;
  item_key: (item: T) => string;
  label: string;
  focus: number; // kept in sight
  onNearEnd?: () => void;
}

const kOverscan = 8;

/** A list of rows of one height, of which only those in sight exist. */
export function VirtualList<T>(props: VirtualProps<T>) {
  const { items, row_px } = props;
  const box = useRef<HTMLDivElement>(null);
  const [view, set_view] = useState({ top: 0, height: 800 });
  const measure = useCallback(() => {
    const element = box.current;
    if (element) set_view({ top: element.scrollTop, height: element.clientHeight });
  }, []);
  useLayoutEffect(() => {
    measure();
    const observer = new ResizeObserver(measure);
    if (box.current) observer.observe(box.current);
    return () => observer.disconnect();
  }, [measure]);
  useEffect(() => {
    const element = box.current;
    if (!element || props.focus < 0) return;
    const top = props.focus * row_px;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + row_px > element.scrollTop + element.clientHeight) {
      element.scrollTop = top + row_px - element.clientHeight;
    }
  }, [props.focus, row_px]);
  const first = Math.max(0, Math.floor(view.top / row_px) - kOverscan);
  const last = Math.min(items.length, Math.ceil((view.top + view.height) / row_px) + kOverscan);
  const near_end = last >= items.length - kOverscan;
  const on_near_end = props.onNearEnd;
  useEffect(() => {
    if (near_end) on_near_end?.();
  }, [near_end, items.length, on_near_end]);
  return (
    <div class="virtual" ref={box} onScroll={measure} role="list" aria-label={props.label} tabIndex={-1}>
      <div role="presentation" style={{ height: `${items.length * row_px}px`, position: "relative" }}>
        {items.slice(first, last).map((item, i) => (
          <div
            key={props.item_key(item)}
            role="listitem"
            aria-setsize={items.length}
            aria-posinset={first + i + 1}
            style={{
              position: "absolute",
              top: 0,
              left: 0,
              right: 0,
              height: `${row_px}px`,
              transform: `translateY(${(first + i) * row_px}px)`,
            }}
          >
            {props.render(item, first + i)}
          </div>
        ))}
      </div>
    </div>
  );
}

export function Diff({ before, after }: { before: string; after: string }) {
  return (
    <div class="diff">
      {diff(before, after).map((piece, i) =>
        piece.kind === "added" ? (
          <ins key={i}>{piece.text}</ins>
        ) : piece.kind === "removed" ? (
          <del key={i}>{piece.text}</del>
        ) : (
          <span key={i}>{piece.text}</span>
        ),
      )}
    </div>
  );
}

export const MarkedText = ({ parts }: { parts: Marked[] }) => (
  <>{parts.map((part, i) => (part.marked ? <mark key={i}>{part.text}</mark> : part.text))}</>
);

const kChartHeight = 64;

/** Hours as bars: the median in full, nine of ten in pale. */
export function HourChart({ hours, label }: { hours: HourlySeconds[]; label: string }) {
  const most = Math.max(1e-9, ...hours.map((hour) => hour.p90 ?? hour.p50 ?? 0));
  const step = 240 / Math.max(1, hours.length);
  const bar = (value: number) => {
    const height = Math.max(1.5, (value / most) * kChartHeight);
    return { y: kChartHeight - height, height };
  };
  const measured_hours = hours.filter((hour) => hour.p50 !== null);
  const total = hours.reduce((sum, hour) => sum + hour.count, 0);
  const said =
    measured_hours.length === 0
      ? `${label}: nothing in 24 hours`
      : `${label}: ${total} in 24 hours, slowest hour ${measured(most)} for nine of ten`;
  return (
    <svg
      class="chart"
      viewBox={`0 0 240 ${kChartHeight + 2}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={said}
    >
      {hours.map((hour, i) => (
        <g key={hour.at}>
          <title>
            {clock(hour.at)}:{" "}
            {hour.p50 === null
              ? "none"
              : `${hour.count}, half in ${measured(hour.p50)}, 9 of 10 in ${measured(hour.p90 ?? hour.p50)}`}
          </title>
          <rect x={i * step} width={step} y="0" height={kChartHeight} fill="transparent" />
          {hour.p90 !== null && (
            <rect class="bar-soft" x={i * step + 1} width={step - 2} {...bar(hour.p90)} />
          )}
          {hour.p50 !== null && <rect class="bar" x={i * step + 1} width={step - 2} {...bar(hour.p50)} />}
          {hour.p50 === null && (
            <rect class="none" x={i * step + 1} width={step - 2} y={kChartHeight - 1.5} height="1.5" />
          )}
        </g>
      ))}
    </svg>
  );
}

export interface TimelineEntry {
  at: string;
  icon: IconName;
  tone?: Tone;
  title: ComponentChildren;
  children?: ComponentChildren;
}

export function Timeline({ entries }: { entries: TimelineEntry[] }) {
  return (
    <ol class="timeline">
      {entries.map((entry, i) => (
        <li key={i} class={entry.tone ? `timeline-item timeline-${entry.tone}` : "timeline-item"}>
          <span class="timeline-dot">
            <Icon name={entry.icon} size={12} />
          </span>
          <div class="stack-tight">
            <div class="row">
              <strong>{entry.title}</strong>
              <time class="faint small num" dateTime={entry.at} title={full_time(entry.at)}>
                {clock(entry.at)}
              </time>
            </div>
            {entry.children}
          </div>
        </li>
      ))}
    </ol>
  );
}
