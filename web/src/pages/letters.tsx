// A conversation to read: the newest message is open.
import { useState } from "preact/hooks";
import { at, get } from "../lib/api";
import { clock, word } from "../lib/format";
import { path_to } from "../lib/router";
import { useResource } from "../lib/resource";
import type { Body, MessageSummary } from "../lib/types";
import { Badge, ErrorNote, Skeleton } from "../ui/basic";
import { Icon } from "../ui/icons";
import { tone_of } from "../review/conversation";
import { MessageView } from "../review/message_view";

export function Letters({ agent, list }: { agent: string; list: MessageSummary[] }) {
  return (
    <ol class="letters">
      {list.map((one, i) => (
        <Letter key={one.id} agent={agent} message={one} start_open={i === list.length - 1} />
      ))}
    </ol>
  );
}

function Letter({
  agent,
  message,
  start_open,
}: {
  agent: string;
  message: MessageSummary;
  start_open: boolean;
}) {
  const [open, set_open] = useState(start_open);
  const inbound = message.direction === "inbound";
  const state = message.review_status === "pending_review" ? "held" : (message.delivery_status ?? "");
  return (
    <li class="letter">
      <button type="button" class="letter-head" aria-expanded={open} onClick={() => set_open(!open)}>
        <Icon name={inbound ? "in" : "out"} size={14} />
        <strong class="grow truncate">
          {inbound ? (message.header_from ?? "unknown sender") : `to ${message.to.join(", ")}`}
        </strong>
        {state && <Badge tone={tone_of(state)}>{word(state)}</Badge>}
        <span class="faint tiny num">{clock(message.created_at)}</span>
      </button>
      {open && (
        <div class="letter-open stack">
          <LetterBody message={message} />
          <div class="row small">
            <a href={path_to("message", agent, message.id)}>What happened to it</a>
            {state === "held" && <a href={path_to("queue", message.id)}>Review it</a>}
          </div>
        </div>
      )}
    </li>
  );
}

function LetterBody({ message }: { message: MessageSummary }) {
  const body = useResource<Body>(`body:${message.id}`, (signal) =>
    get(at`/reviews/${message.id}/body`, signal),
  );
  if (body.error) return <ErrorNote error={body.error} retry={body.reload} />;
  if (!body.data) return <Skeleton />;
  return <MessageView id={message.id} subject={message.subject} body={body.data} />;
}
