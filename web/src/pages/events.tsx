// The log of everything that happened, and delivering an event again.
import { useState } from "preact/hooks";
import { at, post, query } from "../lib/api";
import { full_time } from "../lib/format";
import { path_to } from "../lib/router";
import { useList } from "../lib/list";
import type { EventRow } from "../lib/types";
import { Ago, Badge, Button, Empty, ErrorNote, LinkButton, PageHeader, Skeleton } from "../ui/basic";
import { Dialog, toast, toast_error } from "../ui/dialog";
import { ShowMore, Table } from "../ui/data";
import { SelectField } from "../ui/fields";
import { kEventTypes } from "./webhooks";

export function EventsPage({ message, agent }: { message: string; agent: string }) {
  const [type, set_type] = useState("");
  const [open, set_open] = useState<EventRow | null>(null);
  const filters = { type, message_id: message, agent_email: agent };
  const found = useList<EventRow>(`events${query(filters)}`, "/v1/events", filters, () => true);
  const items = found.items;
  return (
    <div class="page">
      <PageHeader title="Events" lead="Everything that happened, newest first, kept for 30 days." />
      <div class="filters">
        <SelectField
          label="Kind"
          value={type}
          options={[["", "all kinds"], ...kEventTypes.map((one): [string, string] => [one, one])]}
          onChange={set_type}
        />
        {message !== "" && (
          <LinkButton small href={path_to("events")}>
            Of every message
          </LinkButton>
        )}
      </div>
      {found.error !== null && <ErrorNote error={found.error} retry={found.reload} />}
      {!found.loaded && !found.error && <Skeleton lines={6} />}
      {found.loaded && items.length === 0 && (
        <Empty icon="list" title="No events">
          <p>
            {type === ""
              ? "Whatever is received, held, decided, sent or bounced is written down here."
              : "Nothing of this kind has happened in 30 days."}
          </p>
        </Empty>
      )}
      {items.length > 0 && (
        <Table
          label="Events"
          rows={items}
          row_key={(one) => one.id}
          columns={[
            {
              name: "Event",
              cell: (one) => (
                <button type="button" class="link mono" onClick={() => set_open(one)}>
                  {one.type}
                </button>
              ),
            },
            { name: "About", cell: (one) => <span class="small">{subject_of(one)}</span> },
            { name: "Agent", cell: (one) => <span class="small">{one.agent_email ?? ""}</span> },
            { name: "Webhooks", cell: webhooks_of },
            { name: "When", cell: (one) => <Ago at={one.created_at} /> },
          ]}
        />
      )}
      <ShowMore list={found} />
      {open && <OneEvent event={open} close={() => set_open(null)} />}
    </div>
  );
}

function subject_of(event: EventRow): string {
  const data = event.data;
  const text = data["subject"] ?? data["address"] ?? data["domain"] ?? "";
  return typeof text === "string" ? text : "";
}

function webhooks_of(event: EventRow) {
  const counted = event.delivery_status;
  if (!counted || counted.matched_webhooks === 0) return <span class="faint small">nobody listens</span>;
  if (counted.failed > 0) return <Badge tone="danger">{counted.failed} failed</Badge>;
  if (counted.pending > 0) return <Badge tone="warn">{counted.pending} waiting</Badge>;
  return <Badge tone="accent">{counted.delivered} arrived</Badge>;
}

function OneEvent({ event, close }: { event: EventRow; close: () => void }) {
  const [busy, set_busy] = useState(false);
  const again = async () => {
    set_busy(true);
    try {
      await post(at`/v1/events/${event.id}/redeliver`);
      toast("It is delivered again to every webhook that matched it.");
      close();
    } catch (error) {
      toast_error(error);
      set_busy(false);
    }
  };
  const heard = (event.delivery_status?.matched_webhooks ?? 0) > 0;
  return (
    <Dialog
      title={event.type}
      wide
      onClose={close}
      actions={
        <>
          {event.message_id && event.agent_email && (
            <LinkButton href={path_to("message", event.agent_email, event.message_id)}>
              The message
            </LinkButton>
          )}
          {heard && (
            <Button icon="refresh" busy={busy} onClick={() => void again()}>
              Deliver again
            </Button>
          )}
          <Button kind="primary" onClick={close}>
            Close
          </Button>
        </>
      }
    >
      <p class="quiet small">
        {full_time(event.created_at)} · <span class="mono">{event.id}</span>
      </p>
      <pre class="preview-text" tabIndex={0}>
        {JSON.stringify(event.data, null, 2)}
      </pre>
    </Dialog>
  );
}
