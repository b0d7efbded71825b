// One message: what it says, and everything that happened to it.
import { at, get } from "../lib/api";
import { decided } from "../lib/explain";
import { word } from "../lib/format";
import { path_to } from "../lib/router";
import { useResource } from "../lib/resource";
import type { Body, Handover, Message, Page, TimelineItem } from "../lib/types";
import { Badge, ErrorNote, LinkButton, Note, PageHeader, Skeleton } from "../ui/basic";
import type { Tone } from "../ui/basic";
import { Timeline, type TimelineEntry } from "../ui/data";
import type { IconName } from "../ui/icons";
import { tone_of } from "../review/conversation";
import { MessageView } from "../review/message_view";

export function MessagePage({ agent, id }: { agent: string; id: string }) {
  const mine = (news: { message_id: string | null }) => news.message_id === id;
  const message = useResource<Message>(`message:${id}`, (signal) => get(at`/v1/reviews/${id}`, signal), mine);
  const body = useResource<Body>(`body:${id}`, (signal) => get(at`/reviews/${id}/body`, signal), mine);
  const subject = message.data?.subject || "(no subject)";
  const held = message.data?.review_status === "pending_review";
  return (
    <div class="page">
      {message.data ? (
        <PageHeader title={subject} lead={`${message.data.header_from ?? "unknown sender"} → ${message.data.to.join(", ")}`}>
          <State message={message.data} />
          {held && (
            <LinkButton kind="primary" href={path_to("queue", id)}>
              Review it
            </LinkButton>
          )}
        </PageHeader>
      ) : (
        !message.error && <Skeleton lines={2} />
      )}
      {message.error !== null && <ErrorNote error={message.error} retry={message.reload} />}
      {body.data?.decision && <Note icon="check">{decided(body.data.decision)}</Note>}
      <div class="two-columns">
        <section class="stack" aria-label="What happened">
          <h2>What happened</h2>
          <History agent={agent} id={id} />
        </section>
        <section class="stack" aria-label="What it says">
          <h2>What it says</h2>
          {body.error !== null && <ErrorNote error={body.error} retry={body.reload} />}
          {body.data && <MessageView id={id} subject={subject} body={body.data} />}
        </section>
      </div>
    </div>
  );
}

function State({ message }: { message: Message }) {
  const state = message.review_status === "pending_review" ? "held" : (message.delivery_status ?? message.review_status ?? "");
  return state ? <Badge tone={tone_of(state)}>{word(state)}</Badge> : null;
}

const kIcons: Record<string, IconName> = {
  written: "edit",
  received: "in",
  held: "shield",
  edited: "edit",
  decided: "check",
  queued: "clock",
  attempt: "send",
  feedback: "mail",
  event: "list",
  webhook: "hook",
};

function tone_of_item(item: TimelineItem): Tone | undefined {
  const text = `${item.title} ${String(item.detail["outcome"] ?? "")}`;
  if (/bounce|refus|fail|reject|complain/i.test(text)) return "danger";
  if (/unknown|defer|put off|held/i.test(text)) return "warn";
  if (/^(decided|attempt|feedback)$/.test(item.kind)) return "accent";
  return undefined;
}

function value_of(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : JSON.stringify(value);
}

const kIds = /^(id|type|reason_code|.*_id)$/;

export function entry_of(item: TimelineItem): TimelineEntry {
  const shown = Object.entries(item.detail).filter(([name, value]) => value !== "" && value !== null && name !== "outcome");
  const details = shown.filter(([name]) => !kIds.test(name));
  const ids = shown.filter(([name, value]) => kIds.test(name) && value !== item.title).map(([, value]) => value_of(value));
  const tone = tone_of_item(item);
  return {
    at: item.at,
    icon: kIcons[item.kind] ?? "info",
    ...(tone ? { tone } : {}),
    title: (
      <>
        {item.title}
        {item.attempt !== null && item.kind === "attempt" && <span class="faint"> · attempt {item.attempt}</span>}
      </>
    ),
    children: (
      <>
        {item.actor !== "" && <div class="quiet small">{item.actor}</div>}
        {details.map(([name, value]) => (
          <div key={name} class="small">
            <span class="faint">{word(name)}</span> <span class="mono">{value_of(value)}</span>
          </div>
        ))}
        {ids.length > 0 && <div class="faint tiny mono">{ids.join(" · ")}</div>}
      </>
    ),
  };
}

function History({ agent, id }: { agent: string; id: string }) {
  const found = useResource<{ items: TimelineItem[] }>(
    `timeline:${id}`,
    (signal) => get(at`/messages/${agent}/${id}/timeline`, signal),
    (news) => news.message_id === id,
  );
  const unknown = useResource<Page<Handover>>(
    `handovers:${id}`,
    (signal) => get(`/v1/handovers?message_id=${encodeURIComponent(id)}`, signal),
    (news) => news.message_id === id,
  );
  const open = (unknown.data?.items ?? []).some((one) => one.state === "unknown");
  if (found.error) return <ErrorNote error={found.error} retry={found.reload} />;
  if (!found.data) return <Skeleton lines={5} />;
  return (
    <>
      {open && (
        <Note tone="danger">
          <strong>The outcome of a hand-over is unknown.</strong>{" "}
          <a href={path_to("unknown")}>See the evidence and decide</a>
        </Note>
      )}
      <Timeline entries={found.data.items.map(entry_of)} />
    </>
  );
}
