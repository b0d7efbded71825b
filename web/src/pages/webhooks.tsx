// Webhooks: where events are delivered to, and whether they arrive.
import { useState } from "preact/hooks";
import { explain } from "../lib/explain";
import { path_to } from "../lib/router";
import { useList, useWhole } from "../lib/list";
import { Submission } from "../lib/submission";
import type { Agent, Webhook } from "../lib/types";
import { Ago, Badge, Button, CopyText, Empty, ErrorNote, PageHeader, Skeleton } from "../ui/basic";
import { Dialog } from "../ui/dialog";
import { ShowMore, Table } from "../ui/data";
import { Check, SelectField, TextField } from "../ui/fields";

export const kEventTypes = [
  "email.received",
  "email.sent",
  "email.failed",
  "email.unknown",
  "email.delivered",
  "email.bounced",
  "email.complained",
  "email.flagged",
  "email.blocked",
  "email.review_requested",
  "email.review_approved",
  "email.review_rejected",
  "domain.sending_verified",
  "domain.sending_failed",
  "domain.suppression_added",
  "agent.suppression_added",
];

export function state_of(webhook: Webhook) {
  if (webhook.auto_disabled_at) return <Badge tone="danger">switched off: it kept failing</Badge>;
  return webhook.enabled ? <Badge tone="accent">on</Badge> : <Badge>off</Badge>;
}

export function WebhooksPage() {
  const found = useList<Webhook>("webhooks", "/v1/webhooks");
  const [adding, set_adding] = useState(false);
  const items = found.items;
  const add = (
    <Button kind="primary" icon="plus" onClick={() => set_adding(true)}>
      New webhook
    </Button>
  );
  return (
    <div class="page">
      <PageHeader
        title="Webhooks"
        lead="Every event is signed, delivered to your endpoint, and repeated until it is taken, for 29 hours."
      >
        {items.length > 0 && add}
      </PageHeader>
      {found.error !== null && <ErrorNote error={found.error} retry={found.reload} />}
      {!found.loaded && !found.error && <Skeleton />}
      {found.loaded && items.length === 0 && (
        <Empty icon="hook" title="No webhook yet" action={add}>
          <p>
            A webhook tells your software at once that mail came in, was approved, or bounced, instead of
            having it ask again and again.
          </p>
        </Empty>
      )}
      {items.length > 0 && (
        <Table
          label="Webhooks"
          rows={items}
          row_key={(one) => one.id}
          columns={[
            {
              name: "Endpoint",
              cell: (one) => <a href={path_to("webhooks", one.id)}>{one.description || one.url}</a>,
            },
            {
              name: "Events",
              cell: (one) => (
                <span class="small">
                  {one.events.length > 3
                    ? `${one.events.slice(0, 3).join(", ")} and ${one.events.length - 3} more`
                    : one.events.join(", ")}
                </span>
              ),
            },
            { name: "State", cell: state_of },
            { name: "Last arrived", cell: (one) => <Ago at={one.last_delivered_at} /> },
          ]}
        />
      )}
      <ShowMore list={found} />
      {adding && <NewWebhook close={() => set_adding(false)} done={found.reload} />}
    </div>
  );
}

function NewWebhook({ close, done }: { close: () => void; done: () => void }) {
  const [url, set_url] = useState("https://");
  const [description, set_description] = useState("");
  const [events, set_events] = useState<string[]>(["email.received"]);
  const [agent, set_agent] = useState("");
  const [secret, set_secret] = useState<string | null>(null);
  const [form] = useState(() => new Submission<{ signing_secret: string }>());
  const [fault, set_fault] = useState<string | null>(null);
  const [busy, set_busy] = useState(false);
  const agents = useWhole<Agent>("agents", "/v1/agents");
  const submit = async () => {
    set_busy(true);
    set_fault(null);
    try {
      const filters = agent ? { agent_emails: [agent] } : {};
      set_secret((await form.send("/v1/webhooks", { url, description, events, filters })).signing_secret);
    } catch (error) {
      const said = explain(error);
      set_fault(`${said.title}. ${said.advice}`);
    }
    done(); // after an error, too: it may have been made all the same
    set_busy(false);
  };
  if (secret) return <Secret secret={secret} close={close} />;
  return (
    <Dialog
      title="New webhook"
      wide
      busy={busy}
      onClose={close}
      onSubmit={() => void submit()}
      actions={
        <>
          <Button onClick={close} disabled={busy}>
            Cancel
          </Button>
          <Button type="submit" kind="primary" busy={busy} disabled={events.length === 0}>
            Create
          </Button>
        </>
      }
    >
      <TextField
        label="Endpoint"
        type="url"
        value={url}
        onInput={set_url}
        required
        fault={fault}
        hint="https:// on the public Internet"
      />
      <TextField label="Description" value={description} onInput={set_description} placeholder="CRM" />
      <SelectField
        label="About"
        value={agent}
        options={[
          ["", "every agent"],
          ...(agents.data?.items ?? []).map((one): [string, string] => [one.email, one.email]),
        ]}
        onChange={set_agent}
      />
      <EventChoice chosen={events} onChange={set_events} />
    </Dialog>
  );
}

export function EventChoice({
  chosen,
  onChange,
}: {
  chosen: string[];
  onChange: (events: string[]) => void;
}) {
  // A server that is newer than this page may have more; what was chosen of that stays.
  const [types] = useState(() => [...new Set([...kEventTypes, ...chosen])]);
  return (
    <fieldset class="stack-tight">
      <legend class="legend">Events</legend>
      <div class="check-grid">
        {types.map((type) => (
          <Check
            key={type}
            checked={chosen.includes(type)}
            onChange={(on) => onChange(types.filter((one) => (one === type ? on : chosen.includes(one))))}
          >
            <span class="mono small">{type}</span>
          </Check>
        ))}
      </div>
    </fieldset>
  );
}

export function Secret({ secret, close }: { secret: string; close: () => void }) {
  return (
    <Dialog
      title="The signing secret"
      onClose={close}
      actions={
        <Button kind="primary" onClick={close}>
          I have copied it
        </Button>
      }
    >
      <p>
        It is shown this once. Your endpoint checks the header <code>X-E2A-Signature</code> with it, so that
        nobody else can pretend to be this server.
      </p>
      <CopyText text={secret} label="the secret" />
    </Dialog>
  );
}
