// API keys: metadata only; a secret is shown when it is made and never again.
import { useState } from "preact/hooks";
import { at, send } from "../lib/api";
import { useList } from "../lib/list";
import type { ApiKey } from "../lib/types";
import { Ago, Badge, Button, Empty, ErrorNote, PageHeader, Skeleton } from "../ui/basic";
import { Confirm, toast } from "../ui/dialog";
import { ShowMore, Table } from "../ui/data";
import { clock } from "../lib/format";
import { NewKey } from "./new_key";

export function KeysPage() {
  const found = useList<ApiKey>("keys", "/v1/account/api-keys");
  const [adding, set_adding] = useState(false);
  const [revoking, set_revoking] = useState<ApiKey | null>(null);
  const items = found.items;
  const revoke = async (key: ApiKey) => {
    await send("DELETE", `${at`/v1/account/api-keys/${key.id}`}?confirm=DELETE`);
    toast("Revoked.");
    found.reload();
  };
  return (
    <div class="page">
      <PageHeader title="API keys" lead="What your software signs in with. The console needs none.">
        <Button kind="primary" icon="plus" onClick={() => set_adding(true)}>
          New key
        </Button>
      </PageHeader>
      {found.error !== null && <ErrorNote error={found.error} retry={found.reload} />}
      {!found.loaded && !found.error && <Skeleton />}
      {found.loaded && items.length === 0 && (
        <Empty icon="key" title="No key">
          <p>Make one for each agent: it can send and read as that agent, and decide nothing.</p>
        </Empty>
      )}
      {items.length > 0 && (
        <Table
          label="API keys"
          rows={items}
          row_key={(key) => key.id}
          columns={[
            { name: "Name", cell: (key) => key.name || <span class="faint">unnamed</span> },
            { name: "Key", cell: (key) => <span class="mono">{key.key_prefix}…</span> },
            {
              name: "May act as",
              cell: (key) =>
                key.scope === "account" ? (
                  <Badge tone="warn">the whole account</Badge>
                ) : (
                  <span class="mono">{key.agent_email}</span>
                ),
            },
            { name: "Last used", cell: (key) => <Ago at={key.last_used_at} /> },
            {
              name: "Ends",
              cell: (key) =>
                key.expires_at ? clock(key.expires_at) : <span class="faint">when revoked</span>,
            },
            {
              name: "",
              end: true,
              cell: (key) => (
                <Button small kind="danger" onClick={() => set_revoking(key)}>
                  Revoke
                </Button>
              ),
            },
          ]}
        />
      )}
      <ShowMore list={found} />
      {adding && <NewKey close={() => set_adding(false)} done={found.reload} />}
      {revoking && (
        <Confirm
          title={`Revoke ${revoking.name || revoking.key_prefix}?`}
          action="Revoke"
          danger
          text={<p>Software that uses it is refused from now on. This cannot be undone.</p>}
          run={() => revoke(revoking)}
          onClose={() => set_revoking(null)}
        />
      )}
    </div>
  );
}
