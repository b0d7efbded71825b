// Attachments: what they are, and a look inside for pictures, PDF and text.
import { useEffect, useState } from "preact/hooks";
import { deceptive_name, visible } from "../lib/deception";
import { bytes } from "../lib/format";
import type { BodyAttachment } from "../lib/types";
import { Button, ErrorNote, LinkButton, Skeleton } from "../ui/basic";
import { Dialog } from "../ui/dialog";
import { Icon } from "../ui/icons";
import { attachment_path, fetch_blob } from "./files";

const kTextBytesMax = 512 * 1024;
const kPreviewBytesMax = 15 * 1024 * 1024;

type Kind = "picture" | "pdf" | "text" | null;

function kind_of(attachment: BodyAttachment): Kind {
  const type = attachment.content_type.toLowerCase();
  if (attachment.size > kPreviewBytesMax) return null;
  if (/^image\/(png|jpe?g|gif|webp|avif|bmp)$/.test(type)) return "picture";
  if (type === "application/pdf") return "pdf";
  if (/^text\/|^application\/(json|xml|yaml|x-yaml|toml|csv|sql)$|\+(json|xml)$/.test(type)) return "text";
  return null;
}

export function Attachments({ id, list }: { id: string; list: BodyAttachment[] }) {
  const [open, set_open] = useState<BodyAttachment | null>(null);
  if (list.length === 0) return null;
  return (
    <section class="stack-tight" aria-label="Attachments">
      <ul class="files">
        {list.map((one) => (
          <li key={one.index}>
            <button type="button" class={deceptive_name(one) ? "file file-odd" : "file"} onClick={() => set_open(one)} aria-haspopup="dialog">
              <Icon name={deceptive_name(one) ? "warn" : "clip"} size={16} />
              <span class="file-name">{visible(one.filename) || "(no name)"}</span>
              <span class="faint tiny num">
                {one.content_type} · {bytes(one.size)}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {open && <Preview id={id} attachment={open} close={() => set_open(null)} />}
    </section>
  );
}

function Preview({ id, attachment, close }: { id: string; attachment: BodyAttachment; close: () => void }) {
  const kind = kind_of(attachment);
  const path = attachment_path(id, attachment.index);
  const odd = deceptive_name(attachment);
  const name = visible(attachment.filename) || "(no name)";
  return (
    <Dialog
      title={name}
      wide
      onClose={close}
      actions={
        <>
          <LinkButton href={path} download={attachment.filename.replace(/[^\p{L}\p{N}._ -]/gu, "_") || "attachment"}>
            Download
          </LinkButton>
          <Button kind="primary" onClick={close}>
            Close
          </Button>
        </>
      }
    >
      <p class="quiet small">
        {attachment.content_type} · {bytes(attachment.size)}
      </p>
      {odd && <p class="field-fault">{odd}.</p>}
      {kind === null ? (
        <p>Nothing can be shown of this kind here. Download it only when you trust where it comes from.</p>
      ) : (
        <Look path={path} kind={kind} name={name} />
      )}
    </Dialog>
  );
}

function Look({ path, kind, name }: { path: string; kind: Exclude<Kind, null>; name: string }) {
  const [shown, set_shown] = useState<{ url?: string; text?: string } | null>(null);
  const [error, set_error] = useState<unknown>(null);
  useEffect(() => {
    const abort = new AbortController();
    let url = "";
    const load = async () => {
      const blob = await fetch_blob(path, abort.signal);
      if (kind === "text") {
        const text = await blob.slice(0, kTextBytesMax).text();
        set_shown({ text: text + (blob.size > kTextBytesMax ? "\n…" : "") });
      } else {
        // The type is ours, not the mail's: a PDF that says text/html is shown as the PDF it is not.
        url = URL.createObjectURL(kind === "pdf" ? new Blob([blob], { type: "application/pdf" }) : blob);
        set_shown({ url });
      }
    };
    load().catch((failure: unknown) => {
      if (!abort.signal.aborted) set_error(failure);
    });
    return () => {
      abort.abort();
      if (url) URL.revokeObjectURL(url);
    };
  }, [path, kind]);
  if (error) return <ErrorNote error={error} />;
  if (!shown) return <Skeleton />;
  if (kind === "text") {
    return (
      <pre class="preview-text" tabIndex={0}>
        {visible(shown.text ?? "")}
      </pre>
    );
  }
  if (kind === "picture") return <img class="preview-picture" src={shown.url} alt={`Attachment ${name}`} />;
  return <iframe class="preview-pdf" src={`${shown.url}#navpanes=0`} title={`Attachment ${name}`} />;
}
