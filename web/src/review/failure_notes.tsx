// The notes above every page about decisions that failed behind the reviewer's back.
import { useRef } from "preact/hooks";
import { path_to } from "../lib/router";
import { useStore } from "../lib/store";
import { Button, LinkButton, Note } from "../ui/basic";
import { failures, forget_failure } from "./failures";

export function FailureNotes() {
  const list = useStore(failures);
  const section = useRef<HTMLElement>(null);
  // The focus goes on to the next note, since its button goes with the note.
  const dismiss = (id: string, index: number) => {
    const buttons = section.current?.querySelectorAll("button");
    const next = buttons?.[index + 1] ?? buttons?.[index - 1] ?? document.getElementById("content");
    next?.focus();
    forget_failure(id);
  };
  if (list.length === 0) return null;
  return (
    <section ref={section} class="failures" aria-label="Decisions that were not confirmed">
      {list.map((one, index) => (
        <Note tone="danger" key={one.id}>
          <strong class="failure-title" title={one.title}>
            {one.title}
          </strong>
          {one.advice}
          {one.reference && <div class="tiny mono">Reference {one.reference}</div>}
          <div class="note-action row">
            <LinkButton small href={path_to("queue", one.id)}>
              Open it<span class="out-of-sight">: {one.title}</span>
            </LinkButton>
            <Button small onClick={() => dismiss(one.id, index)}>
              Dismiss<span class="out-of-sight">: {one.title}</span>
            </Button>
          </div>
        </Note>
      ))}
    </section>
  );
}
