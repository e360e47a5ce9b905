/** The keyboard: what each key does in what is shown now, and the list of it for `?`. */

import { useEffect, useRef } from "preact/hooks";

export interface Key {
  /** As `KeyboardEvent.key` has it; two keys after one another with a space: `g m`. */
  readonly keys: readonly string[];
  readonly does: string;
  readonly act: (event: KeyboardEvent) => void;
  /** Under which heading `?` lists it. */
  readonly group: string;
}

interface Bound {
  readonly level: number;
  keys: readonly Key[];
}

const bound: Bound[] = [];
let first = "";
let forget = 0;

/** Bind keys for as long as the component is shown. Those of a higher level come first: a message lies above its list. */
export function useKeys(keys: readonly Key[], level = 0): void {
  const entry = useRef<Bound>({ level, keys });
  entry.current.keys = keys;
  useEffect(() => {
    const mine = entry.current;
    bound.push(mine);
    bound.sort((binding, other) => other.level - binding.level);
    return () => {
      bound.splice(bound.indexOf(mine), 1);
    };
  }, []);
}

/** Return what is bound now, each key once. */
export function boundKeys(): readonly Key[] {
  const seen = new Set<string>();
  const active: Key[] = [];
  for (const { keys } of bound) {
    for (const key of keys) {
      const name = key.keys.join();
      if (!seen.has(name)) active.push(key);
      seen.add(name);
    }
  }
  return active;
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
  for (const { keys } of bound) {
    for (const key of keys) {
      if (key.keys.includes(both) || (!both && key.keys.includes(event.key))) {
        event.preventDefault();
        key.act(event);
        return;
      }
    }
  }
  if (bound.some(({ keys }) => keys.some((key) => key.keys.some((combination) => combination.startsWith(`${event.key} `))))) {
    first = event.key;
    forget = window.setTimeout(() => {
      first = "";
    }, 1200);
  }
});
