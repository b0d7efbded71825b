// Writing as an agent, for trying things out: the message takes the way of all its messages, through its
// protection.
import { useState } from "preact/hooks";
import { at } from "../lib/api";
import { explain } from "../lib/explain";
import { split_addresses } from "../lib/format";
import { navigate, path_to } from "../lib/router";
import { Submission } from "../lib/submission";
import { Button } from "../ui/basic";
import { Dialog, toast } from "../ui/dialog";
import { TextField } from "../ui/fields";

export function Compose({ agent, close }: { agent: string; close: () => void }) {
  const [to, set_to] = useState("");
  const [subject, set_subject] = useState("");
  const [text, set_text] = useState("");
  const [form] = useState(() => new Submission<{ status: string; message_id: string }>());
  const [fault, set_fault] = useState<string | null>(null);
  const [busy, set_busy] = useState(false);
  const submit = async () => {
    set_busy(true);
    set_fault(null);
    try {
      const body = { to: split_addresses(to), subject, text };
      const sent = await form.send(at`/v1/agents/${agent}/messages`, body);
      close();
      if (sent.status === "pending_review") {
        toast("It is held, as its protection wants it. Here it waits for you.");
        navigate(path_to("queue", sent.message_id));
      } else {
        toast("Nothing held it: it is on its way.");
        navigate(path_to("message", agent, sent.message_id));
      }
    } catch (error) {
      const said = explain(error);
      set_fault(`${said.title}. ${said.advice}`);
      set_busy(false);
    }
  };
  return (
    <Dialog
      title={`Write as ${agent}`}
      busy={busy}
      onClose={close}
      onSubmit={() => void submit()}
      actions={
        <>
          <Button onClick={close} disabled={busy}>
            Cancel
          </Button>
          <Button
            type="submit"
            kind="primary"
            icon="send"
            busy={busy}
            disabled={to.trim() === "" || subject.trim() === "" || text.trim() === ""}
          >
            Hand it in
          </Button>
        </>
      }
    >
      <p class="quiet small">
        It takes the way of every message of this agent: through its protection, to the queue if that holds
        it.
      </p>
      <TextField label="To" value={to} onInput={set_to} required placeholder="customer@example.org" />
      <TextField label="Subject" value={subject} onInput={set_subject} required />
      <TextField label="Text" rows={6} value={text} onInput={set_text} required fault={fault} />
    </Dialog>
  );
}
