// One decision about several messages.
import { useState } from "preact/hooks";
import { plural, some_of } from "../lib/format";
import { useShortcuts } from "../lib/shortcuts";
import type { Hold } from "../lib/types";
import { Button } from "../ui/basic";
import { Confirm, toast } from "../ui/dialog";
import { decide_all, failures_of, offer_undo, type Progress } from "./decide";
import { Reject } from "./reject";

interface Props {
  list: Hold[];
  clear: () => void;
  decided: () => void;
}

export function Bulk({ list, clear, decided }: Props) {
  const [asking, set_asking] = useState<"approve" | "reject" | null>(null);
  const [progress, set_progress] = useState<Progress | null>(null);
  useShortcuts({ a: () => set_asking("approve"), r: () => set_asking("reject") }, asking === null);

  const run = async (decision: { as: "approve" } | { as: "reject"; reason: string }) => {
    set_progress({ done: 0, all: list.length });
    try {
      const result = await decide_all(list, decision, set_progress);
      const approved = result.done.flatMap(({ hold, result: one }) => (one ? [{ hold, result: one }] : []));
      if (approved.length > 0) offer_undo(approved);
      else if (result.done.length > 0) toast(`${plural(result.done.length, "message")} rejected. Nothing of it is sent.`);
      for (const failure of failures_of(result)) toast(failure);
    } finally {
      set_progress(null);
    }
    clear();
    decided();
  };

  const recipients = [...new Set(list.flatMap((hold) => (hold.direction === "inbound" ? [hold.agent_email] : hold.to)))];
  const suspicious = list.filter((hold) => hold.hold_reason?.type === "scan").length;
  return (
    <div class="bulk" role="region" aria-label="Selected messages">
      <strong class="num">{list.length} selected</strong>
      {progress ? (
        <progress value={progress.done} max={progress.all} aria-label={`${progress.done} of ${progress.all}`} />
      ) : (
        <>
          <Button small kind="primary" icon="check" shortcut="a" onClick={() => set_asking("approve")}>
            Approve
          </Button>
          <Button small kind="danger" icon="cross" shortcut="r" onClick={() => set_asking("reject")}>
            Reject
          </Button>
          <Button small kind="plain" onClick={clear}>
            Clear
          </Button>
        </>
      )}
      {asking === "approve" && (
        <Confirm
          title={`Approve ${plural(list.length, "message")}?`}
          action={`Approve ${list.length}`}
          text={
            <>
              <p>
                Each goes out as its agent wrote it, to {some_of(recipients, 4)}. One that has changed since this list was read stays held.
              </p>
              {suspicious > 0 && <p class="field-fault">{plural(suspicious, "of them was", "of them were")} held because of the content. Read those first.</p>}
            </>
          }
          run={() => run({ as: "approve" })}
          onClose={() => set_asking(null)}
        />
      )}
      {asking === "reject" && (
        <Reject title={`Reject ${plural(list.length, "message")}`} text="All of them get the same reason." run={(reason) => run({ as: "reject", reason })} close={() => set_asking(null)} />
      )}
    </div>
  );
}
