// The HTML of a mail in a frame that can do nothing, and what was found while making it harmless.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { plural } from "../lib/format";
import { render_mail } from "../lib/mail_html";
import type { BodyAttachment } from "../lib/types";
import { Badge } from "../ui/basic";
import { attachment_path, base64_of, fetch_blob } from "./files";

const kPictureBytesMax = 3 * 1024 * 1024;

// Pictures inside of the mail, by Content-ID, as data: URLs.
function usePictures(id: string, html: string, attachments: BodyAttachment[]): ReadonlyMap<string, string> {
  const [pictures, set_pictures] = useState<ReadonlyMap<string, string>>(new Map());
  useEffect(() => {
    const abort = new AbortController();
    const wanted = attachments.filter(
      (one) =>
        one.content_id &&
        html.includes(one.content_id) &&
        /^image\/(png|jpe?g|gif|webp|avif)$/i.test(one.content_type) &&
        one.size <= kPictureBytesMax,
    );
    void Promise.all(
      wanted.map(async (one) => {
        const blob = await fetch_blob(attachment_path(id, one.index), abort.signal).catch(() => null);
        return blob
          ? ([one.content_id!, `data:${one.content_type};base64,${await base64_of(blob)}`] as const)
          : null;
      }),
    ).then((list) => {
      const found = list.filter((one) => one !== null);
      if (!abort.signal.aborted && found.length > 0) set_pictures(new Map(found));
    });
    return () => abort.abort();
  }, [id, html, attachments]);
  return pictures;
}

// A click into the frame would take the keyboard away from the page; it is given back, while reaching the
// frame with the keyboard leaves it there, for scrolling.
function useKeyboardBack(frame: { current: HTMLIFrameElement | null }): void {
  useEffect(() => {
    let by_pointer = false;
    const over = (event: PointerEvent) => (by_pointer = event.target === frame.current);
    const blur = () => {
      if (by_pointer && document.activeElement === frame.current) setTimeout(() => window.focus(), 0);
    };
    document.addEventListener("pointerover", over);
    window.addEventListener("blur", blur);
    return () => {
      document.removeEventListener("pointerover", over);
      window.removeEventListener("blur", blur);
    };
  }, []);
}

export function MailFrame({
  id,
  html,
  attachments,
  subject,
}: {
  id: string;
  html: string;
  attachments: BodyAttachment[];
  subject: string;
}) {
  const pictures = usePictures(id, html, attachments);
  const rendered = useMemo(() => render_mail(html, pictures), [html, pictures]);
  const frame = useRef<HTMLIFrameElement>(null);
  useKeyboardBack(frame);
  const misleading = rendered.links.filter((link) => link.warning !== null);
  return (
    <div class="stack">
      <iframe
        ref={frame}
        class="mail-frame"
        sandbox=""
        srcdoc={rendered.document}
        title={`Message: ${subject}`}
        referrerpolicy="no-referrer"
      />
      {(rendered.remote > 0 || rendered.active > 0 || rendered.links.length > 0) && (
        <div class="row small quiet">
          {rendered.remote > 0 && (
            <Badge icon="shield" title="Loading them would tell the sender that and when it was read">
              {plural(rendered.remote, "remote picture")} not loaded
            </Badge>
          )}
          {rendered.active > 0 && (
            <Badge tone="warn" icon="shield" title="Scripts, forms, frames and the like">
              {plural(rendered.active, "active part")} removed
            </Badge>
          )}
        </div>
      )}
      {rendered.links.length > 0 && (
        <details class="links" open={misleading.length > 0}>
          <summary>
            {plural(rendered.links.length, "link")}
            {misleading.length > 0 && <Badge tone="danger">{misleading.length} misleading</Badge>}
          </summary>
          <ul class="stack-tight">
            {[...misleading, ...rendered.links.filter((link) => link.warning === null)].map((link, i) => (
              <li key={i}>
                <span>{link.text}</span> <span class="faint">→</span> <code>{link.href.slice(0, 300)}</code>
                {link.warning && <div class="field-fault">{link.warning}</div>}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
