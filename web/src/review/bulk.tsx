// One decision about several messages.
import { useRef, useState } from "preact/hooks";
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
  decided: (ids: string[]) => void;
}

export function Bulk({ list, clear, decided }: Props) {
  const [asking, set_asking] = useState<"approve" | "reject" | null>(null);
  const [progress, set_progress] = useState<Progress | null>(null);
  const stop = useRef<AbortController | null>(null);
  useShortcuts(
    { a: () => set_asking("approve"), r: () => set_asking("reject") },
    asking === null && progress === null,
  );

  const run = async (decision: { as: "approve" } | { as: "reject"; reason: string }) => {
    set_progress({ done: 0, all: list.length });
    stop.current = new AbortController();
    try {
      const result = await decide_all(list, decision, set_progress, stop.current.signal);
      const approved = result.done.flatMap(({ hold, result: one }) => (one ? [{ hold, result: one }] : []));
      if (approved.length > 0) offer_undo(approved);
      else if (result.done.length > 0)
        toast(`${plural(result.done.length, "message")} rejected. Nothing of it is sent.`);
      for (const failure of failures_of(result)) toast(failure);
    } finally {
      set_progress(null);
    }
    clear();
    decided(list.map((hold) => hold.id));
  };

  // The question closes at once; how far it is stands in the bar.
  const start = (decision: Parameters<typeof run>[0]) => () => {
    void run(decision);
    return Promise.resolve();
  };

  const recipients = [
    ...new Set(list.flatMap((hold) => (hold.direction === "inbound" ? [hold.agent_email] : hold.to))),
  ];
  const suspicious = list.filter((hold) => hold.hold_reason?.type === "scan").length;
  return (
    <div class="bulk" role="region" aria-label="Selected messages">
      <strong class="num">{list.length} selected</strong>
      {progress ? (
        <>
          <progress
            value={progress.done}
            max={progress.all}
            aria-label={`${progress.done} of ${progress.all}`}
          />
          <span class="small num">
            {progress.done} of {progress.all}
          </span>
          <Button small onClick={() => stop.current?.abort()}>
            Stop
          </Button>
        </>
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
                Each goes out as its agent wrote it, to {some_of(recipients, 4)}. One that has changed since
                this list was read stays held.
              </p>
              {suspicious > 0 && (
                <p class="field-fault">
                  {plural(suspicious, "of them was", "of them were")} held because of the content. Read those
                  first.
                </p>
              )}
            </>
          }
          run={start({ as: "approve" })}
          onClose={() => set_asking(null)}
        />
      )}
      {asking === "reject" && (
        <Reject
          title={`Reject ${plural(list.length, "message")}`}
          text="All of them get the same reason."
          run={(reason) => start({ as: "reject", reason })()}
          close={() => set_asking(null)}
        />
      )}
    </div>
  );
}
