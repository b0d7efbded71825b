// The mailboxes of the agents: conversations and single messages. Reading here marks nothing as read for the
// agent.
import { useState } from "preact/hooks";
import { at, get } from "../lib/api";
import { clock, plural, word } from "../lib/format";
import { navigate, path_to } from "../lib/router";
import { useWhole } from "../lib/list";
import { useResource } from "../lib/resource";
import type { Agent, Conversation, MessageSummary, Page } from "../lib/types";
import { Badge, Empty, ErrorNote, LinkButton, PageHeader, Skeleton } from "../ui/basic";
import { SelectField, Segments } from "../ui/fields";
import { Icon } from "../ui/icons";
import { tone_of } from "../review/conversation";
import { Letters } from "./letters";

type View = "conversations" | "inbound" | "outbound";
const kViews: [View, string][] = [
  ["conversations", "Conversations"],
  ["inbound", "Received"],
  ["outbound", "Sent"],
];

interface Props {
  agent: string | null;
  conversation: string | null;
  view: string;
}

export function MailPage({ agent, conversation, view }: Props) {
  const agents = useWhole<Agent>("agents", "/v1/agents");
  const list = agents.data?.items ?? [];
  const shown = agent ?? list[0]?.email ?? null;
  const chosen: View = kViews.find(([name]) => name === view)?.[0] ?? "conversations";
  if (agents.data && list.length === 0) {
    return (
      <div class="page">
        <PageHeader title="Mail" />
        <Empty
          icon="mail"
          title="No mailbox yet"
          action={
            <LinkButton kind="primary" href={path_to("agents")}>
              Create an agent
            </LinkButton>
          }
        >
          <p>Every agent has one. What it sends and receives is kept here.</p>
        </Empty>
      </div>
    );
  }
  if (shown && conversation) return <OneConversation agent={shown} id={conversation} />;
  return (
    <div class="page">
      <PageHeader title="Mail" lead="Reading here leaves unread mail unread for the agent." />
      <div class="filters">
        {shown && (
          <SelectField
            label="Mailbox"
            value={shown}
            options={(list.length > 0 ? list.map((one) => one.email) : [shown]).map(
              (email): [string, string] => [email, email],
            )}
            onChange={(email) => navigate(`${path_to("mail", email)}?view=${chosen}`)}
          />
        )}
        {shown && (
          <Segments
            label="What to show"
            value={chosen}
            options={kViews}
            onChange={(next) => navigate(`${path_to("mail", shown)}?view=${next}`)}
          />
        )}
      </div>
      {agents.error !== null && <ErrorNote error={agents.error} retry={agents.reload} />}
      {shown &&
        (chosen === "conversations" ? (
          <Conversations agent={shown} key={shown} />
        ) : (
          <SingleMessages agent={shown} direction={chosen} key={`${shown}${chosen}`} />
        ))}
    </div>
  );
}

// Pages of a list, one after the other.
function usePages<T>(key: string, path: string, agent: string) {
  const [cursors, set_cursors] = useState<string[]>([]);
  const cursor = cursors[cursors.length - 1];
  const join = path.includes("?") ? "&" : "?";
  const found = useResource<Page<T>>(
    `${key}:${cursor ?? ""}`,
    (signal) => get(`${path}${join}limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`, signal),
    (news) => news.agent === agent,
  );
  const next = found.data?.next_cursor ?? null;
  return {
    found,
    pager:
      cursors.length > 0 || next ? (
        <div class="row">
          <button
            type="button"
            class="button button-small"
            disabled={cursors.length === 0}
            onClick={() => set_cursors(cursors.slice(0, -1))}
          >
            Newer
          </button>
          <button
            type="button"
            class="button button-small"
            disabled={next === null}
            onClick={() => next && set_cursors([...cursors, next])}
          >
            Older
          </button>
        </div>
      ) : null,
  };
}

function Conversations({ agent }: { agent: string }) {
  const { found, pager } = usePages<Conversation>(
    `conversations:${agent}`,
    at`/v1/agents/${agent}/conversations`,
    agent,
  );
  const items = found.data?.items ?? [];
  if (found.error) return <ErrorNote error={found.error} retry={found.reload} />;
  if (!found.data) return <Skeleton lines={6} />;
  if (items.length === 0) return <Nothing agent={agent} />;
  return (
    <>
      <ul class="card table-card mail-list">
        {items.map((one) => (
          <li key={one.id}>
            <a
              href={path_to("mail", agent, one.id)}
              class={one.has_unread ? "mail-row mail-unread" : "mail-row"}
            >
              <span class="mail-who truncate">{one.latest_from}</span>
              <span class="mail-what truncate">{one.latest_subject || "(no subject)"}</span>
              <span class="faint tiny num">{plural(one.message_count, "message")}</span>
              <span class="faint tiny num mail-when">{clock(one.last_message_at)}</span>
            </a>
          </li>
        ))}
      </ul>
      {pager}
    </>
  );
}

function SingleMessages({ agent, direction }: { agent: string; direction: "inbound" | "outbound" }) {
  const extra = direction === "inbound" ? "&read_status=all" : "";
  const { found, pager } = usePages<MessageSummary>(
    `mail:${agent}:${direction}`,
    `${at`/v1/agents/${agent}/messages`}?direction=${direction}${extra}`,
    agent,
  );
  const items = found.data?.items ?? [];
  if (found.error) return <ErrorNote error={found.error} retry={found.reload} />;
  if (!found.data) return <Skeleton lines={6} />;
  if (items.length === 0) return <Nothing agent={agent} />;
  return (
    <>
      <ul class="card table-card mail-list">
        {items.map((one) => (
          <li key={one.id}>
            <a
              href={path_to("message", agent, one.id)}
              class={one.read_status === "unread" ? "mail-row mail-unread" : "mail-row"}
            >
              <span class="mail-who truncate">
                {one.direction === "inbound" ? (one.header_from ?? "unknown sender") : one.to.join(", ")}
              </span>
              <span class="mail-what truncate">{one.subject || "(no subject)"}</span>
              <Status message={one} />
              <span class="faint tiny num mail-when">{clock(one.created_at)}</span>
            </a>
          </li>
        ))}
      </ul>
      {pager}
    </>
  );
}

function Status({ message }: { message: MessageSummary }) {
  const state =
    message.review_status === "pending_review"
      ? "held"
      : (message.delivery_status ?? (message.flagged ? "flagged" : ""));
  return state ? <Badge tone={tone_of(state)}>{word(state)}</Badge> : <span />;
}

const Nothing = ({ agent }: { agent: string }) => (
  <Empty icon="mail" title="Nothing here yet">
    <p>
      Mail to <span class="mono">{agent}</span>, and what it sends, appears here. A test message from its page
      shows whether it can be reached.
    </p>
  </Empty>
);

function OneConversation({ agent, id }: { agent: string; id: string }) {
  const found = useResource<Conversation>(
    `conversation:${agent}:${id}`,
    (signal) => get(at`/v1/agents/${agent}/conversations/${id}`, signal),
    (news) => news.agent === agent,
  );
  return (
    <div class="page page-narrow">
      <div>
        <a class="row-tight small" href={path_to("mail", agent)}>
          <Icon name="back" size={14} /> {agent}
        </a>
      </div>
      {found.error !== null && <ErrorNote error={found.error} retry={found.reload} />}
      {found.data ? (
        <>
          <PageHeader
            title={found.data.latest_subject || "(no subject)"}
            lead={(found.data.participants ?? []).join(", ")}
          />
          <Letters agent={agent} list={found.data.messages ?? []} />
        </>
      ) : (
        !found.error && <Skeleton lines={6} />
      )}
    </div>
  );
}
