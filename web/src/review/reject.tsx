// Rejecting, with a reason that the agent can read.
import { useState } from "preact/hooks";
import { explain } from "../lib/explain";
import { Button } from "../ui/basic";
import { Dialog } from "../ui/dialog";
import { TextField } from "../ui/fields";

const kReasons = [
  "Wrong recipient",
  "A fact is wrong",
  "The tone is wrong",
  "Must not leave the company",
  "Not needed any more",
];
const kReasonMax = 2000;

export function Reject({
  title,
  text,
  run,
  close,
}: {
  title: string;
  text: string;
  run: (reason: string) => Promise<void>;
  close: () => void;
}) {
  const [reason, set_reason] = useState("");
  const [busy, set_busy] = useState(false);
  const [fault, set_fault] = useState<string | null>(null);
  const submit = async () => {
    if (reason.length > kReasonMax) {
      set_fault(`At most ${kReasonMax} characters.`);
      return;
    }
    set_busy(true);
    try {
      await run(reason.trim());
      close();
    } catch (error) {
      const said = explain(error);
      set_fault(`${said.title}. ${said.advice}`);
      set_busy(false);
    }
  };
  return (
    <Dialog
      title={title}
      onClose={close}
      onSubmit={() => void submit()}
      actions={
        <>
          <Button onClick={close}>Cancel</Button>
          <Button type="submit" kind="danger-solid" busy={busy}>
            Reject
          </Button>
        </>
      }
    >
      <p class="quiet">{text}</p>
      <TextField
        label="Reason"
        value={reason}
        onInput={set_reason}
        fault={fault}
        hint="The agent reads it in the event email.review_rejected. It may stay empty."
      />
      <div class="row">
        {kReasons.map((one) => (
          <button
            type="button"
            key={one}
            class="chip"
            aria-pressed={reason === one}
            onClick={() => set_reason(one)}
          >
            {one}
          </button>
        ))}
      </div>
    </Dialog>
  );
}
