// The agents of the account, and a new one.
import { useState } from "preact/hooks";
import { at, current_session, post, send } from "../lib/api";
import { explain } from "../lib/explain";
import { navigate, path_to } from "../lib/router";
import { useList } from "../lib/list";
import type { Agent } from "../lib/types";
import { Ago, Badge, Button, Empty, ErrorNote, PageHeader, Skeleton } from "../ui/basic";
import { Dialog, toast, toast_error } from "../ui/dialog";
import { ShowMore, Table } from "../ui/data";
import { Check, TextField } from "../ui/fields";

export function AgentsPage() {
  const found = useList<Agent>("agents", "/v1/agents");
  const trash = useList<Agent>("agents:trash", "/v1/agents", { deleted: true });
  const [adding, set_adding] = useState(false);
  const items = found.items;
  const restore = async (email: string) => {
    try {
      await post(at`/v1/agents/${email}/restore`);
      toast(`${email} is back.`);
    } catch (error) {
      toast_error(error);
    }
    found.reload();
    trash.reload();
  };
  return (
    <div class="page">
      <PageHeader
        title="Agents"
        lead="Each has an address of its own, and rules about what it may send and receive without you."
      >
        {items.length > 0 && (
          <Button kind="primary" icon="plus" onClick={() => set_adding(true)}>
            New agent
          </Button>
        )}
      </PageHeader>
      {found.error !== null && <ErrorNote error={found.error} retry={found.reload} />}
      {!found.loaded && !found.error && <Skeleton />}
      {found.loaded && items.length === 0 && (
        <Empty
          icon="agent"
          title="No agent yet"
          action={
            <Button kind="primary" icon="plus" onClick={() => set_adding(true)}>
              Create the first one
            </Button>
          }
        >
          <p>
            An agent is an e-mail address with an API key. Your software writes and reads with the key; you
            decide here what goes out.
          </p>
        </Empty>
      )}
      {items.length > 0 && (
        <Table
          label="Agents"
          rows={items}
          row_key={(agent) => agent.email}
          columns={[
            {
              name: "Agent",
              cell: (agent) => <a href={path_to("agents", agent.email)}>{agent.name || agent.email}</a>,
            },
            { name: "Address", cell: (agent) => <span class="mono">{agent.email}</span> },
            {
              name: "Domain",
              cell: (agent) =>
                agent.domain_verified ? (
                  <Badge tone="accent">verified</Badge>
                ) : (
                  <Badge tone="warn">not verified</Badge>
                ),
            },
            { name: "Created", cell: (agent) => <Ago at={agent.created_at} /> },
          ]}
        />
      )}
      <ShowMore list={found} />
      {trash.items.length > 0 && (
        <section class="stack">
          <h2>Trash</h2>
          <Table
            label="Agents in the trash"
            rows={trash.items}
            row_key={(agent) => agent.email}
            columns={[
              { name: "Address", cell: (agent) => <span class="mono">{agent.email}</span> },
              { name: "Removed", cell: (agent) => <Ago at={agent.deleted_at} /> },
              {
                name: "",
                end: true,
                cell: (agent) => (
                  <Button small onClick={() => void restore(agent.email)}>
                    Restore
                  </Button>
                ),
              },
            ]}
          />
          <ShowMore list={trash} />
        </section>
      )}
      {adding && <NewAgent close={() => set_adding(false)} />}
    </div>
  );
}

const kReviewAll = {
  inbound: { gate: {}, scan: { sensitivity: "medium" } },
  outbound: {
    gate: { policy: "allowlist", action: "review", allowlist: [] },
    scan: { sensitivity: "medium" },
  },
  holds: { ttl_seconds: 86_400, on_expiry: "reject" },
};

function NewAgent({ close }: { close: () => void }) {
  const shared = current_session()?.shared_domain ?? "";
  const [email, set_email] = useState("");
  const [name, set_name] = useState("");
  const [review_all, set_review_all] = useState(true);
  const [fault, set_fault] = useState<string | null>(null);
  const [busy, set_busy] = useState(false);
  const address = email.includes("@") || shared === "" ? email.trim() : `${email.trim()}@${shared}`;
  const submit = async () => {
    set_busy(true);
    set_fault(null);
    try {
      const agent = await post<Agent>("/v1/agents", { email: address, name });
      if (review_all) await put_protection(agent.email).catch(toast_error);
      close();
      navigate(path_to("agents", agent.email));
    } catch (error) {
      const said = explain(error);
      set_fault(`${said.title}. ${said.advice}`);
      set_busy(false);
    }
  };
  return (
    <Dialog
      title="New agent"
      onClose={close}
      onSubmit={() => void submit()}
      actions={
        <>
          <Button onClick={close}>Cancel</Button>
          <Button type="submit" kind="primary" busy={busy} disabled={email.trim() === ""}>
            Create
          </Button>
        </>
      }
    >
      <TextField
        label="Address"
        value={email}
        onInput={set_email}
        required
        placeholder={shared ? "scout" : "scout@your.domain"}
        fault={fault}
        hint={
          email.trim() !== ""
            ? `It will be ${address}.`
            : shared
              ? `A name is enough: it becomes name@${shared}.`
              : undefined
        }
      />
      <TextField
        label="Name"
        value={name}
        onInput={set_name}
        placeholder="Scout"
        hint="Recipients see it as the sender."
      />
      <Check checked={review_all} onChange={set_review_all}>
        I countersign everything it sends. <span class="quiet">You can loosen that on its page.</span>
      </Check>
    </Dialog>
  );
}

const put_protection = (email: string): Promise<unknown> =>
  send("PUT", at`/v1/agents/${email}/protection`, kReviewAll);
