// Correcting a held draft, with what was changed in sight.
import { useRef, useState } from "preact/hooks";
import { bytes, plural } from "../lib/format";
import { Badge, Button, Note } from "../ui/basic";
import { Diff } from "../ui/data";
import { toast_error } from "../ui/dialog";
import { Segments, TextField } from "../ui/fields";
import { Icon } from "../ui/icons";
import { changed, files_changed, type Draft, type DraftFile } from "./draft";
import { read_file } from "./files";
import { MailFrame } from "./mail_frame";

const kNames: Record<keyof Draft, string> = {
  to: "To",
  cc: "Cc",
  bcc: "Bcc",
  subject: "Subject",
  text: "Text",
  html: "HTML",
  files: "Attachments",
};

interface Props {
  id: string;
  before: Draft;
  draft: Draft;
  readOnly: boolean;
  faults: Partial<Record<keyof Draft, string>>;
  onChange: (draft: Draft) => void;
}

export function Edit({ id, before, draft, readOnly, faults, onChange }: Props) {
  const [view, set_view] = useState<"edit" | "changes">("edit");
  const set = (name: keyof Draft) => (value: string) => onChange({ ...draft, [name]: value });
  const list = changed(before, draft);
  const html_behind = draft.html !== "" && draft.html === before.html && draft.text !== before.text;
  return (
    <section class="edit stack" aria-label="Edit">
      <div class="row">
        <Segments
          label="Edit or changes"
          value={view}
          options={[
            ["edit", "Edit"],
            ["changes", `Changes${list.length ? ` (${list.length})` : ""}`],
          ]}
          onChange={set_view}
        />
        {list.length > 0 && (
          <Button kind="plain" small icon="undo" disabled={readOnly} onClick={() => onChange(before)}>
            Back to the agent's draft
          </Button>
        )}
      </div>
      {view === "edit" ? (
        <>
          <TextField
            label="To"
            value={draft.to}
            readOnly={readOnly}
            onInput={set("to")}
            fault={faults.to ?? null}
            hint="Several are separated by commas."
          />
          <div class="two">
            <TextField
              label="Cc"
              value={draft.cc}
              readOnly={readOnly}
              onInput={set("cc")}
              fault={faults.cc ?? null}
            />
            <TextField
              label="Bcc"
              value={draft.bcc}
              readOnly={readOnly}
              onInput={set("bcc")}
              fault={faults.bcc ?? null}
            />
          </div>
          <TextField
            label="Subject"
            value={draft.subject}
            readOnly={readOnly}
            onInput={set("subject")}
            fault={faults.subject ?? null}
          />
          <TextField
            label="Text"
            value={draft.text}
            readOnly={readOnly}
            onInput={set("text")}
            rows={Math.min(22, Math.max(8, draft.text.split("\n").length + 2))}
            fault={faults.text ?? null}
          />
          {html_behind && (
            <Note tone="warn">
              <strong>The HTML still says what the agent wrote.</strong> Most mail programs show it instead of
              the text. Correct it below, or send the text alone.
              <div class="note-action">
                <Button small disabled={readOnly} onClick={() => onChange({ ...draft, html: "" })}>
                  Send the text alone
                </Button>
              </div>
            </Note>
          )}
          {before.html !== "" && (
            <HtmlPart id={id} draft={draft} before={before} readOnly={readOnly} set={set("html")} />
          )}
          <Files draft={draft} before={before} readOnly={readOnly} onChange={onChange} />
        </>
      ) : (
        <Changes before={before} draft={draft} list={list} />
      )}
    </section>
  );
}

function HtmlPart({
  id,
  draft,
  before,
  readOnly,
  set,
}: {
  id: string;
  draft: Draft;
  before: Draft;
  readOnly: boolean;
  set: (html: string) => void;
}) {
  const [looking, set_looking] = useState(false);
  if (draft.html === "") {
    return (
      <Note>
        The HTML part is left out.{" "}
        <div class="note-action">
          <Button small disabled={readOnly} onClick={() => set(before.html)}>
            Put it back
          </Button>
        </div>
      </Note>
    );
  }
  return (
    <div class="stack">
      <TextField label="HTML" mono value={draft.html} readOnly={readOnly} onInput={set} rows={10} />
      <details class="around" open={looking} onToggle={(event) => set_looking(event.currentTarget.open)}>
        <summary>
          <Icon name="eye" size={16} /> As it will look
        </summary>
        {looking && <MailFrame id={id} html={draft.html} attachments={[]} subject={draft.subject} />}
      </details>
    </div>
  );
}

function Files({
  draft,
  before,
  readOnly,
  onChange,
}: {
  draft: Draft;
  before: Draft;
  readOnly: boolean;
  onChange: (draft: Draft) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const add = async (list: FileList | null) => {
    try {
      const added = await Promise.all(Array.from(list ?? [], read_file));
      onChange({
        ...draft,
        files: [...draft.files, ...added.map((file) => ({ kind: "new" as const, ...file }))],
      });
    } catch (error) {
      toast_error(error);
    }
    if (input.current) input.current.value = "";
  };
  const total = draft.files.reduce((sum, file) => sum + file.size, 0);
  return (
    <div class="field">
      <span class="legend">Attachments</span>
      <ul class="files">
        {draft.files.map((file, i) => (
          <li key={`${file.kind}${file.kind === "kept" ? file.index : i}`} class="file">
            <Icon name="clip" size={16} />
            <span class="file-name">{file.filename}</span>
            <span class="faint tiny num">{bytes(file.size)}</span>
            {file.kind === "new" && <Badge tone="accent">new</Badge>}
            <Button
              kind="plain"
              small
              icon="cross"
              label={`Remove ${file.filename}`}
              disabled={readOnly}
              onClick={() => onChange({ ...draft, files: draft.files.filter((_, at) => at !== i) })}
            />
          </li>
        ))}
      </ul>
      <div class="row">
        <input
          ref={input}
          class="out-of-sight"
          type="file"
          multiple
          tabIndex={-1}
          aria-label="Files to attach"
          onChange={(event) => void add(event.currentTarget.files)}
        />
        <Button small icon="plus" disabled={readOnly} onClick={() => input.current?.click()}>
          Add a file
        </Button>
        {draft.files.length > 0 && (
          <span class="faint small num">{`${plural(draft.files.length, "file")}, ${bytes(total)}`}</span>
        )}
        {files_changed(before, draft) && (
          <Button
            kind="plain"
            small
            icon="undo"
            disabled={readOnly}
            onClick={() => onChange({ ...draft, files: before.files })}
          >
            As the agent attached them
          </Button>
        )}
      </div>
    </div>
  );
}

// Files are the same or not; a comparison of their names by words would say less.
function FileChanges({ before, draft }: { before: Draft; draft: Draft }) {
  const kept = new Set(draft.files.flatMap((file) => (file.kind === "kept" ? [file.index] : [])));
  const label = (file: DraftFile) => `${file.filename} (${bytes(file.size)})`;
  return (
    <ul class="diff">
      {before.files.map((file, i) => (
        <li key={i}>
          {file.kind === "kept" && kept.has(file.index) ? label(file) : <del>{label(file)}</del>}
        </li>
      ))}
      {draft.files.map(
        (file, i) =>
          file.kind === "new" && (
            <li key={`new${i}`}>
              <ins>{label(file)}</ins>
            </li>
          ),
      )}
    </ul>
  );
}

function Changes({ before, draft, list }: { before: Draft; draft: Draft; list: (keyof Draft)[] }) {
  if (list.length === 0)
    return <p class="quiet">Nothing is changed: it would be sent as the agent wrote it.</p>;
  return (
    <dl class="changes">
      {list.map((name) => [
        <dt key={`${name}-name`}>{kNames[name]}</dt>,
        <dd key={name} class={name === "html" ? "mono small" : undefined}>
          {name === "files" ? (
            <FileChanges before={before} draft={draft} />
          ) : (
            <Diff before={before[name]} after={draft[name]} />
          )}
        </dd>,
      ])}
    </dl>
  );
}
