// Buttons, badges, notes, empty states: what every page is made of.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { explain, type Explanation } from "../lib/explain";
import { ago, full_time } from "../lib/format";
import { useNow } from "../lib/now";
import { Icon, type IconName } from "./icons";

interface ButtonProps {
  children?: ComponentChildren;
  kind?: "primary" | "danger" | "danger-solid" | "plain";
  small?: boolean;
  icon?: IconName;
  busy?: boolean;
  disabled?: boolean;
  shortcut?: string;
  label?: string; // for buttons that show only an icon
  type?: "button" | "submit";
  class?: string;
  onClick?: (event: MouseEvent) => void;
}

export function Button(props: ButtonProps) {
  const only_icon = props.children === undefined;
  const names = ["button"];
  if (props.kind) names.push(`button-${props.kind}`);
  if (props.small) names.push("button-small");
  if (only_icon) names.push("button-icon");
  if (props.class) names.push(props.class);
  return (
    <button
      type={props.type ?? "button"}
      class={names.join(" ")}
      disabled={props.disabled || props.busy}
      aria-busy={props.busy || undefined}
      aria-label={props.label}
      title={only_icon ? props.label : undefined}
      aria-keyshortcuts={props.shortcut}
      onClick={props.onClick}
    >
      {props.busy ? <span class="spinner" /> : props.icon && <Icon name={props.icon} size={16} />}
      {props.children}
      {props.shortcut && <Key name={props.shortcut} />}
    </button>
  );
}

export function LinkButton(props: {
  href: string;
  children: ComponentChildren;
  kind?: "primary";
  icon?: IconName;
  small?: boolean;
  download?: string;
}) {
  const kind = props.kind ? ` button-${props.kind}` : "";
  return (
    <a
      class={`button${kind}${props.small ? " button-small" : ""}`}
      href={props.href}
      download={props.download}
    >
      {props.icon && <Icon name={props.icon} size={16} />}
      {props.children}
    </a>
  );
}

export const Key = ({ name }: { name: string }) => (
  <kbd class="key" aria-hidden="true">
    {name}
  </kbd>
);

export type Tone = "accent" | "warn" | "danger";

export function Badge({
  tone,
  icon,
  children,
  title,
}: {
  tone?: Tone | undefined;
  icon?: IconName;
  children: ComponentChildren;
  title?: string;
}) {
  return (
    <span class={tone ? `badge badge-${tone}` : "badge"} title={title}>
      {icon && <Icon name={icon} size={12} />}
      {children}
    </span>
  );
}

export function Note({
  tone,
  icon,
  children,
}: {
  tone?: Tone;
  icon?: IconName;
  children: ComponentChildren;
}) {
  const default_icon: IconName = tone === "warn" || tone === "danger" ? "warn" : "info";
  return (
    <div class={tone ? `note note-${tone}` : "note"} role={tone === "danger" ? "alert" : undefined}>
      <Icon name={icon ?? default_icon} />
      <div class="grow">{children}</div>
    </div>
  );
}

export function ErrorNote({ error, retry }: { error: unknown; retry?: () => void }) {
  const said: Explanation = explain(error);
  return (
    <Note tone="danger">
      <strong>{said.title}.</strong> {said.advice}
      {said.reference && <div class="tiny mono">Reference {said.reference}</div>}
      {retry && (
        <div class="note-action">
          <Button small icon="refresh" onClick={retry}>
            Try again
          </Button>
        </div>
      )}
    </Note>
  );
}

export function Empty({
  icon,
  title,
  children,
  action,
}: {
  icon: IconName;
  title: string;
  children?: ComponentChildren;
  action?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <Icon name={icon} size={36} />
      <h2>{title}</h2>
      {children && <div class="stack">{children}</div>}
      {action}
    </div>
  );
}

export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <div class="stack" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <div key={i} class="skeleton" style={{ width: `${[92, 70, 84, 56][i % 4]}%` }} />
      ))}
    </div>
  );
}

/** A point in time, as "3 min ago", exactly when pointed at. */
export function Ago({ at }: { at: string | null | undefined }) {
  const now = useNow();
  if (!at) return <span class="faint">never</span>;
  return (
    <time class="num" dateTime={at} title={full_time(at)}>
      {ago(at, now)}
    </time>
  );
}

export function CopyText({ text, label }: { text: string; label: string }) {
  const [done, set_done] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      set_done(true);
    } catch {
      set_done(false); // the text can be selected by hand
    }
  };
  return (
    <div class="copy">
      <code>{text}</code>
      <Button small icon={done ? "check" : "copy"} onClick={() => void copy()} label={`Copy ${label}`}>
        {done ? "Copied" : "Copy"}
      </Button>
    </div>
  );
}

export function PageHeader({
  title,
  lead,
  children,
}: {
  title: string;
  lead?: ComponentChildren;
  children?: ComponentChildren;
}) {
  return (
    <header class="page-header">
      <div class="grow">
        <h1>{title}</h1>
        {lead && <p class="quiet">{lead}</p>}
      </div>
      {children && <div class="row">{children}</div>}
    </header>
  );
}

export function Facts({ items }: { items: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {items.map(([name, value]) => [<dt key={`${name}-name`}>{name}</dt>, <dd key={name}>{value}</dd>])}
    </dl>
  );
}
