// What was written before and after: the conversation around a message. Reading it here marks nothing as
// read.
import { useState } from "preact/hooks";
import { at, get } from "../lib/api";
import { clock, plural, word } from "../lib/format";
import { useResource } from "../lib/resource";
import type { Body, Conversation, MessageSummary } from "../lib/types";
import { Badge, ErrorNote, Skeleton } from "../ui/basic";
import { Icon } from "../ui/icons";
import { PlainText } from "./message_view";

interface Props {
  agent: string;
  conversation: string;
  except?: string;
  open: boolean;
  onToggle: (open: boolean) => void;
}

export function ConversationAround({ agent, conversation, except, open, onToggle }: Props) {
  const found = useResource<Conversation>(`conversation:${agent}:${conversation}`, (signal) =>
    get(at`/v1/agents/${agent}/conversations/${conversation}`, signal),
  );
  const messages = (found.data?.messages ?? []).filter((one) => one.id !== except);
  if (found.data && messages.length === 0)
    return <p class="faint small">Nothing else belongs to this conversation.</p>;
  if (found.error) return null; // a held first message has no visible conversation yet
  return (
    <details class="around" open={open} onToggle={(event) => onToggle(event.currentTarget.open)}>
      <summary>
        <Icon name="talk" size={16} />
        {found.data ? `${plural(messages.length, "other message")} in this conversation` : "Conversation"}
      </summary>
      {open && (found.data ? <Messages list={messages} /> : <Skeleton />)}
    </details>
  );
}

export function Messages({ list }: { list: MessageSummary[] }) {
  return (
    <ol class="letters">
      {list.map((one) => (
        <Letter key={one.id} message={one} />
      ))}
    </ol>
  );
}

function Letter({ message }: { message: MessageSummary }) {
  const [open, set_open] = useState(false);
  const inbound = message.direction === "inbound";
  const status = message.review_status === "pending_review" ? "held" : (message.delivery_status ?? "");
  return (
    <li class={inbound ? "letter" : "letter letter-own"}>
      <button type="button" class="letter-head" aria-expanded={open} onClick={() => set_open(!open)}>
        <Icon name={inbound ? "in" : "out"} size={14} />
        <span class="grow truncate">
          <strong>{inbound ? (message.header_from ?? "unknown sender") : message.to.join(", ")}</strong>{" "}
          <span class="quiet">{message.subject}</span>
        </span>
        {status && <Badge tone={tone_of(status)}>{word(status)}</Badge>}
        <span class="faint tiny num">{clock(message.created_at)}</span>
      </button>
      {open && <LetterBody id={message.id} />}
    </li>
  );
}

export function tone_of(status: string): "accent" | "warn" | "danger" | undefined {
  if (/bounced|complained|failed|rejected/.test(status)) return "danger";
  if (/held|pending|deferred|unknown/.test(status)) return "warn";
  if (/delivered|sent/.test(status)) return "accent";
  return undefined;
}

function LetterBody({ id }: { id: string }) {
  const body = useResource<Body>(`body:${id}`, (signal) => get(at`/reviews/${id}/body`, signal));
  if (body.error) return <ErrorNote error={body.error} retry={body.reload} />;
  if (!body.data) return <Skeleton />;
  return <PlainText text={body.data.text || "(No plain text; open the message to see its HTML.)"} />;
}
