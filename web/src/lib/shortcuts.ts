// Single-key shortcuts. They rest while something is typed into and while a dialog is open.
import { useLayoutEffect, useRef } from "preact/hooks";

const kMayRepeat = /^(j|k|ArrowDown|ArrowUp)$/; // a key that is held down decides once

export type Keys = Record<string, (event: KeyboardEvent) => void>;

export function is_typing(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  if (!element?.closest) return false;
  if (element.isContentEditable || element.closest("textarea,select")) return true;
  const input = element.closest("input");
  return input !== null && !/^(checkbox|radio|button|submit)$/.test(input.type);
}

/** Keys by name ("a", "?", "Enter"). "Ctrl+Enter" is heard while typing as well. */
export function useShortcuts(keys: Keys, active = true): void {
  const latest = useRef(keys);
  latest.current = keys;
  useLayoutEffect(() => {
    if (!active) return;
    const listener = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.altKey || event.isComposing) return;
      if (event.repeat && !kMayRepeat.test(event.key)) return;
      if (document.querySelector("dialog[open]")) return;
      const control = event.ctrlKey || event.metaKey;
      const handler = latest.current[control ? `Ctrl+${event.key}` : event.key];
      if (!handler || (!control && is_typing(event.target) && event.key !== "Escape")) return;
      if (event.key === "Enter" && !control && (event.target as HTMLElement).closest("a,button,summary"))
        return;
      event.preventDefault();
      handler(event);
    };
    window.addEventListener("keydown", listener);
    return () => window.removeEventListener("keydown", listener);
  }, [active]);
}
