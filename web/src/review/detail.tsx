// One held message: why it is held, what would be sent, and the decision about exactly the revision that is
// shown.
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiError, at, call, get } from "../lib/api";
import { merge_warnings, warnings_of } from "../lib/deception";
import { decided } from "../lib/explain";
import { duration, seconds_until, word } from "../lib/format";
import { on_news } from "../lib/live";
import { useNow } from "../lib/now";
import { path_to } from "../lib/router";
import { useShortcuts } from "../lib/shortcuts";
import { useStore } from "../lib/store";
import type { Body, Hold, Message } from "../lib/types";
import { Ago, Badge, Button, ErrorNote, LinkButton, Note, Skeleton } from "../ui/basic";
import { toast } from "../ui/dialog";
import { Icon } from "../ui/icons";
import { ConversationAround } from "./conversation";
import { approve, deciding, offer_undo, reject, returned, while_deciding } from "./decide";
import {
  changed,
  draft_of,
  faults_of,
  forget_draft,
  keep_draft,
  kept_draft,
  overrides_of,
  type Draft,
} from "./draft";
import { Edit } from "./edit";
import { forget_failure, tell_failure } from "./failures";
import { attachment_path, base64_of, fetch_blob } from "./files";
import { take_out } from "./holds";
import { MessageView } from "./message_view";
import { Reject } from "./reject";
import { Warnings, Why } from "./why";

interface Seen {
  message: Message;
  body: Body;
  etag: string | null;
}

interface Props {
  id: string;
  listed: Hold | null;
  keys: boolean; // a, e and r are for this message
  onDecided: (id: string) => void;
  back: () => void;
}

// The message and its body, both of one revision.
async function read_seen(id: string): Promise<Seen> {
  for (let i = 0; ; i++) {
    const [review, body] = await Promise.all([
      call<Message>("GET", at`/v1/reviews/${id}`),
      get<Body>(at`/reviews/${id}/body`),
    ]);
    const revision = body.hold?.revision;
    if (revision === undefined || review.etag === null || review.etag === `"${revision}"` || i === 2) {
      return { message: review.data, body, etag: review.etag };
    }
  }
}

function useSeen(id: string) {
  const [seen, set_seen] = useState<Seen | null>(null);
  const [error, set_error] = useState<unknown>(null);
  const load = useCallback(async () => {
    set_error(null);
    try {
      set_seen(await read_seen(id));
    } catch (failure) {
      set_error(failure);
    }
  }, [id]);
  useEffect(() => void load(), [load]);
  useEffect(
    () =>
      on_news((news) => {
        if (news.some((one) => one.message_id === id && one.type.startsWith("email.review_"))) void load();
      }),
    [id, load],
  );
  const back = useStore(returned);
  useEffect(() => {
    if (back[back.length - 1] === id) void load();
  }, [back, id, load]);
  return { seen, error, load };
}

export function Detail(props: Props) {
  const { seen, error, load } = useSeen(props.id);
  if (error && !seen) {
    return (
      <div class="detail-scroll">
        <BackButton back={props.back} />
        <ErrorNote error={error} retry={() => void load()} />
      </div>
    );
  }
  if (!seen) {
    return (
      <div class="detail-scroll">
        <BackButton back={props.back} />
        {props.listed && <h1>{props.listed.subject}</h1>}
        <Skeleton lines={6} />
      </div>
    );
  }
  return <Loaded {...props} seen={seen} load={load} />;
}

const BackButton = ({ back }: { back: () => void }) => (
  <div class="detail-back">
    <Button kind="plain" small icon="back" onClick={back}>
      Queue
    </Button>
  </div>
);

function useDraft(id: string, before: Draft, pending: boolean) {
  const [editing, set_editing] = useState(() => pending && kept_draft(id) !== null);
  const [draft, set_draft] = useState<Draft>(() => kept_draft(id) ?? before);
  const change = (next: Draft) => {
    set_draft(next);
    if (changed(before, next).length > 0) keep_draft(id, next);
    else forget_draft(id);
  };
  const drop = () => {
    forget_draft(id);
    set_draft(before);
    set_editing(false);
  };
  return { editing, set_editing, draft, change, drop };
}

function Loaded({
  id,
  keys,
  onDecided,
  back,
  seen,
  load,
}: Props & { seen: Seen; load: () => Promise<void> }) {
  const { message, body, etag } = seen;
  const hold = body.hold;
  const pending = hold !== null && body.decision === null;
  const outbound = message.direction === "outbound";
  const before = useMemo(() => draft_of(message, body), [message, body]);
  const { editing, set_editing, draft, change, drop } = useDraft(id, before, pending);
  const busy = useStore(deciding).has(id); // also by what was pressed before it was left and opened again
  const [fault, set_fault] = useState<unknown>(null);
  const [stale, set_stale] = useState(false);
  const [rejecting, set_rejecting] = useState(false);
  const open = useRef({ message: true, question: false }); // an answer may come after either was left
  useEffect(() => () => void (open.current.message = false), []);
  const [tried, set_tried] = useState(false);
  const [around, set_around] = useState(false);
  const faults = editing ? faults_of(draft) : {};

  const failed = async (of: Hold, deed: "approve" | "reject", error: unknown) => {
    const over = error instanceof ApiError && error.code === "message_not_pending";
    const old = error instanceof ApiError && (error.code === "conflict" || error.status === 412);
    if (over) take_out([id]);
    if (old) set_stale(true);
    if (open.current.message && (over || old)) await load();
    if (!open.current.message) tell_failure(of, deed, error);
    else if (!old) set_fault(error);
  };

  const settled = () => {
    forget_draft(id);
    forget_failure(id);
    take_out([id]);
  };

  const ask_reject = (asking: boolean) => {
    if (asking && deciding.get().has(id)) return;
    open.current.question = asking;
    set_rejecting(asking);
  };

  const do_approve = async () => {
    if (!pending || !hold || deciding.get().has(id)) return;
    if (Object.keys(faults).length > 0) {
      set_tried(true);
      return;
    }
    set_fault(null);
    await while_deciding(id, async () => {
      try {
        const bytes = async (index: number) => base64_of(await fetch_blob(attachment_path(id, index)));
        const result = await approve(hold, etag, editing ? await overrides_of(before, draft, bytes) : {});
        settled();
        offer_undo([{ hold, result, ...(editing && changed(before, draft).length > 0 ? { draft } : {}) }]);
        onDecided(id);
      } catch (error) {
        await failed(hold, "approve", error);
      }
    });
  };

  const do_reject = async (reason: string) => {
    if (!hold) return;
    set_fault(null);
    await while_deciding(id, async () => {
      try {
        await reject(hold, reason);
      } catch (error) {
        const over = error instanceof ApiError && error.code === "message_not_pending";
        if (open.current.message && open.current.question && !over) throw error; // the question tells it
        await failed(hold, "reject", error);
        return;
      }
      settled();
      toast("Rejected. Nothing is sent.");
      onDecided(id);
    });
  };

  useShortcuts(
    {
      a: () => void do_approve(),
      e: () => outbound && set_editing(true),
      r: () => ask_reject(true),
      o: () => set_around(!around),
      // Changes are left by discarding them: what is not on the screen must not be what is approved.
      Escape: () => {
        if (editing && changed(before, draft).length === 0) set_editing(false);
        else (document.activeElement as HTMLElement | null)?.blur();
      },
      "Ctrl+Enter": () => editing && void do_approve(),
    },
    keys && pending,
  );
  useShortcuts({ Escape: () => set_editing(false) }, editing && !pending);

  return (
    <>
      <div class="detail-scroll">
        <BackButton back={back} />
        <Head message={message} hold={hold} />
        {body.decision && <DecidedNote message={message} body={body} agent={agent_of(message, hold)} />}
        {stale && pending && (
          <Note tone="warn">
            <strong>The draft changed while you read it.</strong> What is shown now is the newest one. Read it
            again before you approve.
          </Note>
        )}
        <Warnings
          list={merge_warnings(
            body.warnings,
            warnings_of({
              subject: message.subject,
              text: body.text,
              addresses: [...message.to, ...message.cc, message.header_from ?? ""],
              attachments: body.attachments,
            }),
          )}
        />
        <Why reason={message.hold_reason} findings={message.protection ?? []} />
        {editing && !pending && !busy && (
          <Note tone="warn">
            <strong>It was decided while you were writing.</strong> What you had typed is kept below.
            <div class="note-action">
              <Button small onClick={() => set_editing(false)}>
                Show the message
              </Button>
            </div>
          </Note>
        )}
        {/* The fields outlive the decision of somebody else: without them the rest of a word would be shortcuts. */}
        {editing ? (
          <Edit
            id={id}
            before={before}
            draft={draft}
            readOnly={!pending || busy}
            faults={tried ? faults : {}}
            onChange={change}
          />
        ) : (
          <MessageView id={id} subject={message.subject} body={body} reason={message.hold_reason} />
        )}
        {message.conversation_id && (
          <ConversationAround
            agent={agent_of(message, hold)}
            conversation={message.conversation_id}
            except={id}
            open={around}
            onToggle={set_around}
          />
        )}
      </div>
      {pending && hold && (
        <Actions
          hold={hold}
          edits={editing ? changed(before, draft).length : -1}
          busy={busy}
          fault={fault}
          onApprove={() => void do_approve()}
          onEdit={outbound ? () => set_editing(true) : null}
          onLeaveEdit={drop}
          onReject={() => ask_reject(true)}
          onExpired={() => void load()}
        />
      )}
      {rejecting && (
        <Reject
          title={outbound ? "Reject this message" : "Keep this message from the agent"}
          text={
            outbound
              ? "It is not sent. The draft is kept."
              : "The agent never sees it. You find it in the event log."
          }
          run={do_reject}
          close={() => ask_reject(false)}
        />
      )}
    </>
  );
}

const agent_of = (message: Message, hold: Hold | null): string =>
  hold?.agent_email ??
  (message.direction === "outbound"
    ? (message.header_from ?? "")
    : ((message as { delivered_to?: string }).delivered_to ?? ""));

function Head({ message, hold }: { message: Message; hold: Hold | null }) {
  const outbound = message.direction === "outbound";
  const lists: [string, string[]][] = [
    ["To", message.to],
    ["Cc", message.cc],
    ["Bcc", message.draft?.bcc ?? []],
  ];
  return (
    <header class="stack-tight">
      <h1>{message.subject || "(no subject)"}</h1>
      <dl class="facts small">
        <dt>From</dt>
        <dd>
          {message.header_from ?? "unknown sender"}{" "}
          {outbound ? <Badge icon="out">an agent of yours</Badge> : <Sender message={message} />}
        </dd>
        {lists
          .filter(([, list]) => list.length > 0)
          .map(([name, list]) => [<dt key={`${name}n`}>{name}</dt>, <dd key={name}>{list.join(", ")}</dd>])}
        {!outbound &&
          message.reply_to.length > 0 && [
            <dt key="rn">Reply to</dt>,
            <dd key="r">{message.reply_to.join(", ")}</dd>,
          ]}
        <dt>Written</dt>
        <dd>
          <Ago at={message.created_at} />
          {hold && (
            <>
              {" · "}
              <a href={path_to("message", hold.agent_email, message.id)}>timeline</a>
            </>
          )}
        </dd>
      </dl>
    </header>
  );
}

function Sender({ message }: { message: Message }) {
  if (message.verified_domain)
    return <Badge tone="accent" icon="check">{`${message.verified_domain} is genuine`}</Badge>;
  const dmarc = message.authentication?.dmarc.status;
  return (
    <Badge tone="warn" icon="warn" title="Anybody could have written this sender">
      {dmarc ? `sender not proven (DMARC ${dmarc})` : "sender not proven"}
    </Badge>
  );
}

function DecidedNote({ message, body, agent }: { message: Message; body: Body; agent: string }) {
  const decision = body.decision!;
  const good = decision.as.endsWith("approved");
  return (
    <Note tone={good ? "accent" : "warn"} icon={good ? "check" : "cross"}>
      <strong>{decided(decision)}</strong>{" "}
      {message.delivery_status && `It is ${word(message.delivery_status)}.`}
      <div class="note-action">
        <LinkButton small href={path_to("message", agent, message.id)}>
          What became of it
        </LinkButton>
      </div>
    </Note>
  );
}

interface ActionsProps {
  hold: Hold;
  edits: number; // −1: not editing
  busy: boolean;
  fault: unknown;
  onApprove: () => void;
  onEdit: (() => void) | null;
  onLeaveEdit: () => void;
  onReject: () => void;
  onExpired: () => void;
}

function Actions(props: ActionsProps) {
  const { hold, edits } = props;
  const editing = edits >= 0;
  const approve_text =
    hold.direction === "inbound" ? "Release" : edits > 0 ? "Approve with changes" : "Approve";
  return (
    <footer class="actions">
      {props.fault !== null && <ErrorNote error={props.fault} />}
      <div class="actions-row">
        <Button
          kind="primary"
          icon="check"
          busy={props.busy}
          onClick={props.onApprove}
          shortcut={editing ? undefined : "a"}
        >
          {approve_text}
        </Button>
        {props.onEdit && !editing && (
          <Button icon="edit" onClick={props.onEdit} shortcut="e">
            Edit
          </Button>
        )}
        {editing && <Button onClick={props.onLeaveEdit}>Discard changes</Button>}
        <Button
          kind="danger"
          icon="cross"
          disabled={props.busy}
          onClick={props.onReject}
          shortcut={editing ? undefined : "r"}
        >
          Reject
        </Button>
        <Deadline hold={hold} onExpired={props.onExpired} />
      </div>
    </footer>
  );
}

const kLookAgainMs = 2500; // after the deadline; the server's sweep needs a moment

function Deadline({ hold, onExpired }: { hold: Hold; onExpired: () => void }) {
  const now = useNow();
  const left = hold.approval_expires_at ? seconds_until(hold.approval_expires_at, now) : Infinity;
  const over = left <= 0;
  useEffect(() => {
    if (!over) return;
    const timer = setInterval(onExpired, kLookAgainMs);
    return () => clearInterval(timer);
  }, [over]);
  if (!hold.approval_expires_at) return null;
  const then = hold.on_expiry === "approve" ? "sent" : "rejected";
  if (over) return <span class="deadline deadline-late">Its time is up: it is being {then} now.</span>;
  return (
    <span class={left < 900 ? "deadline deadline-late num" : "deadline num"}>
      <Icon name="clock" size={14} />{" "}
      {hold.on_expiry === "approve" && hold.direction === "inbound" ? "released" : then} by itself in{" "}
      {duration(left)}
    </span>
  );
}
