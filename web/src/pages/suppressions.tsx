// Addresses that nothing is sent to any more, because they bounced or complained.
import { useState } from "preact/hooks";
import { at, send } from "../lib/api";
import { useList } from "../lib/list";
import type { Suppression } from "../lib/types";
import { Ago, Badge, Button, Empty, ErrorNote, PageHeader, Skeleton } from "../ui/basic";
import { Confirm, toast } from "../ui/dialog";
import { ShowMore, Table } from "../ui/data";

export function SuppressionsPage() {
  const found = useList<Suppression>(
    "suppressions",
    "/v1/account/suppressions",
    {},
    (news) => news.type === "domain.suppression_added",
  );
  const [removing, set_removing] = useState<Suppression | null>(null);
  const items = found.items;
  const remove = async (row: Suppression) => {
    await send("DELETE", `${at`/v1/account/suppressions/${row.address}`}?confirm=DELETE`);
    toast(`${row.address} may be written to again.`);
    found.reload();
  };
  return (
    <div class="page">
      <PageHeader
        title="Suppressed"
        lead="No agent of this account writes to these addresses. An agent has a list of its own on its page."
      />
      {found.error !== null && <ErrorNote error={found.error} retry={found.reload} />}
      {!found.loaded && !found.error && <Skeleton />}
      {found.loaded && items.length === 0 && (
        <Empty icon="stop" title="Nobody is suppressed">
          <p>
            An address gets here when mail to it bounces for good or its reader complains. Writing to it again
            would harm your reputation as a sender.
          </p>
        </Empty>
      )}
      {items.length > 0 && (
        <Table
          label="Suppressed addresses"
          rows={items}
          row_key={(row) => row.address}
          columns={[
            { name: "Address", cell: (row) => <span class="mono">{row.address}</span> },
            {
              name: "Why",
              cell: (row) => (
                <Badge tone={row.source === "complaint" ? "danger" : "warn"}>{row.source}</Badge>
              ),
            },
            { name: "Said", cell: (row) => <span class="small">{row.reason ?? ""}</span> },
            { name: "Since", cell: (row) => <Ago at={row.created_at} /> },
            {
              name: "",
              end: true,
              cell: (row) => (
                <Button small onClick={() => set_removing(row)}>
                  Allow again
                </Button>
              ),
            },
          ]}
        />
      )}
      <ShowMore list={found} />
      {removing && (
        <Confirm
          title={`Write to ${removing.address} again?`}
          action="Allow again"
          text={
            <p>
              {removing.source === "complaint"
                ? "Its reader has called your mail unwanted. Be sure that they want it now."
                : "Mail to it has bounced. If it still does, it comes back to this list."}
            </p>
          }
          run={() => remove(removing)}
          onClose={() => set_removing(null)}
        />
      )}
    </div>
  );
}
