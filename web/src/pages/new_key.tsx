// A new API key, whose secret is shown once.
import { useState } from "preact/hooks";
import { explain } from "../lib/explain";
import { useWhole } from "../lib/list";
import { Submission } from "../lib/submission";
import type { Agent, ApiKey } from "../lib/types";
import { Button, CopyText, Note } from "../ui/basic";
import { Dialog } from "../ui/dialog";
import { SelectField, TextField } from "../ui/fields";

const kDay = 86_400_000;

export function NewKey({ agent, close, done }: { agent?: string; close: () => void; done?: () => void }) {
  const [name, set_name] = useState("");
  const [scope, set_scope] = useState<string>(agent ?? "");
  const [days, set_days] = useState("0");
  const [made, set_made] = useState<(ApiKey & { key: string }) | null>(null);
  const [form] = useState(() => new Submission<ApiKey & { key: string }>());
  const [fault, set_fault] = useState<string | null>(null);
  const [busy, set_busy] = useState(false);
  const agents = useWhole<Agent>("agents", "/v1/agents");
  const submit = async () => {
    set_busy(true);
    set_fault(null);
    try {
      const body_of = () => ({
        name,
        ...(scope === "" ? { scope: "account" } : { scope: "agent", agent_email: scope }),
        ...(days === "0" ? {} : { expires_at: new Date(Date.now() + Number(days) * kDay).toISOString() }),
      });
      set_made(await form.send("/v1/account/api-keys", { name, scope, days }, body_of));
    } catch (error) {
      const said = explain(error);
      set_fault(`${said.title}. ${said.advice}`);
    }
    done?.(); // after an error, too: it may have been made all the same
    set_busy(false);
  };
  if (made) {
    return (
      <Dialog
        title="The new key"
        onClose={close}
        actions={
          <Button kind="primary" onClick={close}>
            I have copied it
          </Button>
        }
      >
        <p>It is shown this once. Whoever has it can do what the key may.</p>
        <CopyText text={made.key} label="the key" />
      </Dialog>
    );
  }
  return (
    <Dialog
      title="New API key"
      busy={busy}
      onClose={close}
      onSubmit={() => void submit()}
      actions={
        <>
          <Button onClick={close} disabled={busy}>
            Cancel
          </Button>
          <Button type="submit" kind="primary" busy={busy}>
            Create
          </Button>
        </>
      }
    >
      <TextField
        label="Name"
        value={name}
        onInput={set_name}
        placeholder="production"
        hint="For you, to tell keys apart."
        fault={fault}
      />
      <SelectField
        label="It may act as"
        value={scope}
        options={[
          ...(agents.data?.items ?? (agent ? [{ email: agent } as Agent] : [])).map(
            (one): [string, string] => [one.email, `${one.email} only`],
          ),
          ["", "the whole account"],
        ]}
        onChange={set_scope}
      />
      {scope === "" ? (
        <Note tone="warn">
          A key of the account can approve what is held. Give software a key of its agent instead.
        </Note>
      ) : (
        <p class="quiet small">
          It can send and read as this agent. It can neither see nor decide what is held.
        </p>
      )}
      <SelectField
        label="It ends"
        value={days}
        options={[
          ["0", "when I revoke it"],
          ["30", "in 30 days"],
          ["90", "in 90 days"],
          ["365", "in a year"],
        ]}
        onChange={set_days}
      />
    </Dialog>
  );
}
