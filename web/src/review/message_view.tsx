// A message as its recipient will see it: HTML, text, header fields, source.
import { useEffect, useState } from "preact/hooks";
import { evidence_of, mark } from "../lib/evidence";
import { visible } from "../lib/deception";
import type { Body, HoldReason } from "../lib/types";
import { ErrorNote, Skeleton } from "../ui/basic";
import { MarkedText } from "../ui/data";
import { Tabs } from "../ui/fields";
import { Attachments } from "./attachments";
import { fetch_blob } from "./files";
import { MailFrame } from "./mail_frame";

type View = "html" | "text" | "headers" | "source";

interface Props {
  id: string;
  subject: string;
  body: Body;
  reason?: HoldReason | undefined;
}

export function MessageView({ id, subject, body, reason }: Props) {
  const [chosen, set_chosen] = useState<View | null>(null);
  const tabs: [View, string][] = [];
  if (body.html !== "") tabs.push(["html", "Message"]);
  tabs.push(["text", body.html === "" ? "Message" : "Plain text"]);
  if (body.headers.length > 0) tabs.push(["headers", "Headers"]);
  if (body.source_url) tabs.push(["source", "Source"]);
  const view = tabs.some(([name]) => name === chosen) ? chosen! : tabs[0]![0];
  const panel = `message-${id}`;
  return (
    <div class="stack">
      <Tabs label="Parts of the message" value={view} tabs={tabs} onChange={set_chosen} panel={panel} />
      <div id={panel} role="tabpanel" aria-labelledby={`${panel}-${view}`}>
        {view === "html" && (
          <MailFrame id={id} html={body.html} attachments={body.attachments} subject={subject} />
        )}
        {view === "text" && <PlainText text={body.text} reason={reason} />}
        {view === "headers" && <Headers list={body.headers} />}
        {view === "source" && body.source_url && <Source path={body.source_url} />}
      </div>
      <Attachments id={id} list={body.attachments} />
    </div>
  );
}

export function PlainText({ text, reason }: { text: string; reason?: HoldReason | undefined }) {
  if (text === "") return <p class="quiet">There is no plain text.</p>;
  const excerpts = evidence_of(reason).map((one) => one.excerpt);
  return (
    <div class="mail-text">
      <MarkedText parts={mark(visible(text), excerpts)} />
    </div>
  );
}

function Headers({ list }: { list: [string, string][] }) {
  return (
    <dl class="facts mail-headers mono">
      {list.map(([name, value], i) => [
        <dt key={`${i}n`}>{visible(name)}</dt>,
        <dd key={i}>{visible(value)}</dd>,
      ])}
    </dl>
  );
}

const kSourceCharactersMax = 400_000;

function Source({ path }: { path: string }) {
  const [text, set_text] = useState<string | null>(null);
  const [error, set_error] = useState<unknown>(null);
  useEffect(() => {
    const abort = new AbortController();
    fetch_blob(path, abort.signal)
      .then((blob) => blob.slice(0, kSourceCharactersMax).text())
      .then(set_text, (failure: unknown) => {
        if (!abort.signal.aborted) set_error(failure);
      });
    return () => abort.abort();
  }, [path]);
  if (error) return <ErrorNote error={error} />;
  if (text === null) return <Skeleton />;
  return (
    <pre class="mail-source" tabIndex={0}>
      {visible(text)}
    </pre>
  );
}
