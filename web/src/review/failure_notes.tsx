// The notes above every page about decisions that failed behind the reviewer's back.
import { path_to } from "../lib/router";
import { useStore } from "../lib/store";
import { Button, LinkButton, Note } from "../ui/basic";
import { failures, forget_failure } from "./failures";

export function FailureNotes() {
  const list = useStore(failures);
  if (list.length === 0) return null;
  return (
    <section class="failures" aria-label="Decisions that were not confirmed">
      {list.map((one) => (
        <Note tone="danger" key={one.id}>
          <strong class="failure-title" title={one.title}>
            {one.title}
          </strong>
          {one.advice}
          {one.reference && <div class="tiny mono">Reference {one.reference}</div>}
          <div class="note-action row">
            <LinkButton small href={path_to("queue", one.id)}>
              Open it
            </LinkButton>
            <Button small onClick={() => forget_failure(one.id)}>
              Dismiss
            </Button>
          </div>
        </Note>
      ))}
    </section>
  );
}
