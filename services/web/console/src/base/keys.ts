/** The keyboard: what each key does in what is shown now, and the list of it for `?`. */

import { useEffect } from "preact/hooks";

export interface Key {
  /** As `KeyboardEvent.key` has it; two keys after one another with a space: `g m`. */
  readonly keys: readonly string[];
  readonly does: string;
  readonly act: (event: KeyboardEvent) => void;
  /** Under which heading `?` lists it. */
  readonly group: string;
}

const bound: (readonly Key[])[] = [];
let first = "";
let forget = 0;

/** Bind keys for as long as the component is shown; what was bound last comes first. */
export function useKeys(keys: readonly Key[]): void {
  useEffect(() => {
    bound.push(keys);
    return () => {
      bound.splice(bound.indexOf(keys), 1);
    };
  });
}

/** Return what is bound now, each key once. */
export function boundKeys(): readonly Key[] {
  const seen = new Set<string>();
  const found: Key[] = [];
  for (const keys of [...bound].reverse()) {
    for (const key of keys) {
      const name = key.keys.join();
      if (!seen.has(name)) found.push(key);
      seen.add(name);
    }
  }
  return found;
}

function isWritten(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement ||
      (target instanceof HTMLInputElement && !["checkbox", "radio", "button"].includes(target.type)))
  );
}

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Shift" || document.querySelector("dialog[open]")) return;
  if (isWritten(event.target)) return;
  // Enter and space on a button or link are its own.
  if ((event.key === "Enter" || event.key === " ") && (event.target as Element | null)?.closest?.("button, a, summary, [role=tab]")) return;
  const both = first ? `${first} ${event.key}` : "";
  clearTimeout(forget);
  first = "";
  for (const keys of [...bound].reverse()) {
    for (const key of keys) {
      if (key.keys.includes(both) || (!both && key.keys.includes(event.key))) {
        event.preventDefault();
        key.act(event);
        return;
      }
    }
  }
  if (bound.some((keys) => keys.some((key) => key.keys.some((one) => one.startsWith(`${event.key} `))))) {
    first = event.key;
    forget = window.setTimeout(() => {
      first = "";
    }, 1200);
  }
});
