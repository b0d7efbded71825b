// Modal dialogs (the browser's own <dialog>, which keeps focus inside) and messages at the bottom of the
// page.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { explain } from "../lib/explain";
import { createStore, useStore } from "../lib/store";
import { useNow } from "../lib/now";
import { patience } from "../lib/patience";
import { Button } from "./basic";
import { Icon } from "./icons";

interface DialogProps {
  title: string;
  children: ComponentChildren;
  actions?: ComponentChildren;
  wide?: boolean;
  busy?: boolean; // what was begun here ends here: Escape does not leave it
  onClose: () => void;
  onSubmit?: () => void;
}

export function Dialog(props: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const title = useId();
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement as HTMLElement | null;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>("[data-first],input:not([type=checkbox]),textarea,select")?.focus();
    return () => {
      dialog?.close();
      before?.focus?.();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={props.wide ? "dialog dialog-wide" : "dialog"}
      aria-labelledby={title}
      onCancel={(event) => {
        event.preventDefault();
        if (!props.busy) props.onClose();
      }}
      // Browsers close it at a second Escape, whatever was said to the first.
      onClose={() => {
        if (props.busy) element.current?.showModal();
        else if (element.current) props.onClose();
      }}
    >
      <form
        class="dialog-inner"
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          props.onSubmit?.();
        }}
      >
        <h2 id={title}>{props.title}</h2>
        {props.children}
        {props.actions && <div class="dialog-actions">{props.actions}</div>}
      </form>
    </dialog>
  );
}

export interface Confirmation {
  title: string;
  text: ComponentChildren;
  action: string;
  danger?: boolean;
  run: () => Promise<void>;
  onClose: () => void;
}

/** Asks before something that cannot be taken back, runs it, and says when it failed. */
export function Confirm(props: Confirmation) {
  const [busy, set_busy] = useState(false);
  const [fault, set_fault] = useState<string | null>(null);
  const submit = async () => {
    set_busy(true);
    set_fault(null);
    try {
      await props.run();
      props.onClose();
    } catch (error) {
      const said = explain(error);
      set_fault(`${said.title}. ${said.advice}`);
      set_busy(false);
    }
  };
  return (
    <Dialog
      title={props.title}
      onClose={props.onClose}
      onSubmit={() => void submit()}
      actions={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button type="submit" kind={props.danger ? "danger-solid" : "primary"} busy={busy}>
            {props.action}
          </Button>
        </>
      }
    >
      <div class="stack">{props.text}</div>
      {fault && (
        <p class="field-fault" role="alert">
          {fault}
        </p>
      )}
    </Dialog>
  );
}

export interface Toast {
  id: number;
  text: string;
  action?: { label: string; run: () => void; shortcut?: string };
  until: number; // milliseconds
  counted: boolean;
}

const kToastMs = patience("toast_ms", 6000);
const kToastsMax = 3;
export const toasts = createStore<Toast[]>([]);
let next_toast = 1;

export function toast(text: string, action?: Toast["action"], until?: number): number {
  const id = next_toast++;
  const made: Toast = {
    id,
    text,
    until: until ?? Date.now() + kToastMs,
    counted: until !== undefined,
    ...(action ? { action } : {}),
  };
  toasts.set((list) => [...list, made].slice(-kToastsMax));
  return id;
}

export const dismiss = (id: number): void => toasts.set((list) => list.filter((one) => one.id !== id));

export function toast_error(error: unknown): void {
  const said = explain(error);
  toast(`${said.title}. ${said.advice}`, undefined, undefined);
}

export function Toasts() {
  const list = useStore(toasts);
  const now = useNow();
  useEffect(() => {
    if (list.some((one) => one.until <= now)) toasts.set((all) => all.filter((one) => one.until > now));
  }, [now, list]);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {list.map((one) => (
        <div class="toast" key={one.id}>
          <span class="toast-text">{one.text}</span>
          {one.counted && (
            <span class="toast-left" aria-hidden="true">
              {Math.max(0, Math.ceil((one.until - now) / 1000))} s
            </span>
          )}
          {one.action && (
            <button
              type="button"
              class="button toast-action"
              onClick={() => {
                dismiss(one.id);
                one.action?.run();
              }}
            >
              {one.action.label}
            </button>
          )}
          <button type="button" class="button button-icon" aria-label="Close" onClick={() => dismiss(one.id)}>
            <Icon name="cross" size={16} />
          </button>
        </div>
      ))}
    </div>
  );
}
