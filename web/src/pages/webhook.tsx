// One webhook: its settings, and what became of each delivery.
import { useState } from "preact/hooks";
import { at, get, idempotency_key, post, send } from "../lib/api";
import { navigate, path_to } from "../lib/router";
import { useList } from "../lib/list";
import { useResource } from "../lib/resource";
import type { Webhook, WebhookDelivery } from "../lib/types";
import { Ago, Badge, Button, Empty, ErrorNote, Facts, Note, PageHeader, Skeleton } from "../ui/basic";
import { Confirm, Dialog, toast, toast_error } from "../ui/dialog";
import { ShowMore, Table } from "../ui/data";
import { Segments, TextField } from "../ui/fields";
import { EventChoice, Secret, state_of } from "./webhooks";

export function WebhookPage({ id }: { id: string }) {
  const found = useResource<Webhook>(`webhook:${id}`, (signal) => get(at`/v1/webhooks/${id}`, signal));
  const [removing, set_removing] = useState(false);
  const [editing, set_editing] = useState(false);
  const [rotating, set_rotating] = useState<Record<string, string> | null>(null);
  const [secret, set_secret] = useState<string | null>(null);
  const [turn, set_turn] = useState(0);
  if (found.error) {
    return (
      <div class="page">
        <ErrorNote error={found.error} retry={found.reload} />
      </div>
    );
  }
  const webhook = found.data;
  if (!webhook) {
    return (
      <div class="page">
        <Skeleton lines={6} />
      </div>
    );
  }
  const guarded = (run: () => Promise<void>) => () => void run().catch(toast_error);
  const toggle = guarded(async () =>
    found.set(await send("PATCH", at`/v1/webhooks/${id}`, { enabled: !webhook.enabled })),
  );
  const test = guarded(async () => {
    await post(at`/v1/webhooks/${id}/test`);
    toast("A test event is on its way; it appears below.");
    set_turn(turn + 1);
  });
  const rotate = async (key: Record<string, string>) => {
    const made = await post<{ signing_secret: string }>(at`/v1/webhooks/${id}/rotate-secret`, {}, key);
    set_secret(made.signing_secret);
  };
  const remove = async () => {
    await send("DELETE", `${at`/v1/webhooks/${id}`}?confirm=DELETE`);
    toast("Removed.");
    navigate(path_to("webhooks"));
  };
  return (
    <div class="page">
      <PageHeader title={webhook.description || "Webhook"} lead={<span class="mono">{webhook.url}</span>}>
        <Button onClick={test} disabled={!webhook.enabled}>
          Test it
        </Button>
        <Button onClick={() => set_editing(true)} disabled={found.loading}>
          Edit
        </Button>
        <Button onClick={toggle}>{webhook.enabled ? "Switch off" : "Switch on"}</Button>
      </PageHeader>
      {webhook.auto_disabled_at && (
        <Note tone="danger">
          <strong>Switched off</strong> <Ago at={webhook.auto_disabled_at} />: ten deliveries failed and none
          arrived in 72 hours. Repair the endpoint, switch it on, then redeliver what was missed from the{" "}
          <a href={path_to("events")}>event log</a>.
        </Note>
      )}
      <section class="card">
        <Facts
          items={[
            ["State", state_of(webhook)],
            ["Events", <span class="mono small">{webhook.events.join(", ")}</span>],
            ["About", webhook.filters.agent_emails?.join(", ") ?? "every agent"],
            ["Last arrived", <Ago at={webhook.last_delivered_at} />],
          ]}
        />
      </section>
      <Deliveries id={id} key={turn} />
      <section class="row">
        <Button small icon="refresh" onClick={() => set_rotating(idempotency_key())}>
          New signing secret
        </Button>
        <Button small kind="danger" onClick={() => set_removing(true)}>
          Remove
        </Button>
      </section>
      {secret && <Secret secret={secret} close={() => set_secret(null)} />}
      {rotating && (
        <Confirm
          title="Make a new signing secret?"
          action="Make it"
          text={<p>The present one goes on signing for 24 hours beside the new one.</p>}
          run={() => rotate(rotating)}
          onClose={() => set_rotating(null)}
        />
      )}
      {editing && <EditWebhook webhook={webhook} done={found.set} close={() => set_editing(false)} />}
      {removing && (
        <Confirm
          title="Remove this webhook?"
          action="Remove"
          danger
          text={<p>What was not delivered yet is dropped. The event log keeps the events.</p>}
          run={remove}
          onClose={() => set_removing(false)}
        />
      )}
    </div>
  );
}

function EditWebhook({
  webhook,
  done,
  close,
}: {
  webhook: Webhook;
  done: (webhook: Webhook) => void;
  close: () => void;
}) {
  const [url, set_url] = useState(webhook.url);
  const [description, set_description] = useState(webhook.description);
  const [events, set_events] = useState(webhook.events);
  const [busy, set_busy] = useState(false);
  const [error, set_error] = useState<unknown>(null);
  const submit = async () => {
    set_busy(true);
    try {
      done(await send("PATCH", at`/v1/webhooks/${webhook.id}`, { url, description, events }));
      close();
    } catch (failure) {
      set_error(failure);
      set_busy(false);
    }
  };
  return (
    <Dialog
      title="Edit the webhook"
      wide
      onClose={close}
      onSubmit={() => void submit()}
      actions={
        <>
          <Button onClick={close}>Cancel</Button>
          <Button type="submit" kind="primary" busy={busy} disabled={events.length === 0}>
            Save
          </Button>
        </>
      }
    >
      <TextField label="Endpoint" type="url" value={url} onInput={set_url} required />
      <TextField label="Description" value={description} onInput={set_description} />
      <EventChoice chosen={events} onChange={set_events} />
      {error !== null && <ErrorNote error={error} />}
    </Dialog>
  );
}

type Filter = "" | WebhookDelivery["status"];
const kTones = { delivered: "accent", pending: "warn", failed: "danger" } as const;

function Deliveries({ id }: { id: string }) {
  const [status, set_status] = useState<Filter>("");
  const found = useList<WebhookDelivery>(
    `deliveries:${id}:${status}`,
    at`/v1/webhooks/${id}/deliveries`,
    { status },
    () => true,
  );
  const items = found.items;
  return (
    <section class="stack">
      <div class="row">
        <h2 class="grow">Deliveries</h2>
        <Segments
          label="Which deliveries"
          value={status}
          options={[
            ["", "All"],
            ["pending", "Waiting"],
            ["failed", "Failed"],
            ["delivered", "Arrived"],
          ]}
          onChange={set_status}
        />
      </div>
      {found.error !== null && <ErrorNote error={found.error} retry={found.reload} />}
      {!found.loaded && !found.error && <Skeleton />}
      {found.loaded && items.length === 0 && (
        <Empty icon="hook" title="None">
          <p>
            {status === ""
              ? "Nothing has happened that it wants to hear of. “Test it” sends an event of your own."
              : "No delivery is in this state."}
          </p>
        </Empty>
      )}
      {items.length > 0 && (
        <p class="quiet small">
          To deliver something again, open its event in the <a href={path_to("events")}>event log</a>.
        </p>
      )}
      {items.length > 0 && (
        <Table
          label="Deliveries"
          rows={items}
          row_key={(one) => one.id}
          columns={[
            { name: "Event", cell: (one) => <span class="mono small">{one.type}</span> },
            { name: "State", cell: (one) => <Badge tone={kTones[one.status]}>{one.status}</Badge> },
            { name: "Attempts", cell: (one) => <span class="num">{one.attempts} of 8</span> },
            { name: "Answer", cell: (one) => <span class="small">{answer_of(one)}</span> },
            {
              name: "Next",
              cell: (one) =>
                one.status === "pending" ? <Next at={one.next_retry_at} /> : <span class="faint">—</span>,
            },
            { name: "Happened", cell: (one) => <Ago at={one.created_at} /> },
          ]}
        />
      )}
      <ShowMore list={found} />
    </section>
  );
}

function answer_of(one: WebhookDelivery): string {
  if (one.last_error)
    return one.last_status_code ? `${one.last_status_code}: ${one.last_error}` : one.last_error;
  return one.last_status_code ? String(one.last_status_code) : "not tried yet";
}

function Next({ at: when }: { at: string }) {
  const soon = Date.parse(when) <= Date.now();
  return (
    <time dateTime={when}>
      {soon ? "now" : new Date(when).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })}
    </time>
  );
}
