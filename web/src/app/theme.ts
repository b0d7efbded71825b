// Light, dark, or as the system has it.
import { createStore } from "../lib/store";

export type Theme = "auto" | "light" | "dark";

const kStored = "countersign.theme";
const kOrder: Theme[] = ["auto", "light", "dark"];

function stored(): Theme {
  try {
    const value = localStorage.getItem(kStored) as Theme | null;
    return value && kOrder.includes(value) ? value : "auto";
  } catch {
    return "auto";
  }
}

export const theme = createStore<Theme>(stored());

export function apply_theme(): void {
  const value = theme.get();
  if (value === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = value;
}

export function cycle_theme(): void {
  theme.set((now) => kOrder[(kOrder.indexOf(now) + 1) % kOrder.length] ?? "auto");
  try {
    localStorage.setItem(kStored, theme.get());
  } catch {
    // without storage it lasts as long as the page
  }
  apply_theme();
}
