/** Short notices at the foot of the page: what was done, with a way back, and what went wrong. */

import { signal } from "@preact/signals";
import { useKeys } from "./keys.ts";
import { sentence } from "./api.ts";

interface Notice {
  readonly id: number;
  readonly text: string;
  readonly isBad: boolean;
  readonly undo: (() => void) | null;
}

const LONG = 7000; // milliseconds: long enough to read and reach
const notices = signal<readonly Notice[]>([]);
let last = 0;

function show(text: string, isBad: boolean, undo: (() => void) | null): () => void {
  const id = ++last;
  const hide = (): void => {
    notices.value = notices.value.filter((notice) => notice.id !== id);
  };
  notices.value = [...notices.value.slice(-2), { id, text, isBad, undo: undo && (() => (hide(), undo())) }];
  setTimeout(hide, LONG);
  return hide;
}

/** Say that something is done; `undo` takes it back. Returns what hides the notice. */
export function tell(text: string, undo: (() => void) | null = null): () => void {
  return show(text, false, undo);
}

/** Say that something has failed, in the words of whoever says why. */
export function complain(error: unknown): void {
  show(sentence(error), true, null);
}

/** Do something, and say so if it fails. */
export async function tried<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    complain(error);
    return undefined;
  }
}

/** The milliseconds for which a notice is shown. */
export const NOTICED = LONG;

export function Toasts() {
  const undo = [...notices.value].reverse().find((notice) => notice.undo)?.undo;
  useKeys([{ keys: ["z"], does: "Undo", group: "Messages", act: () => undo?.() }]);
  return (
    <div class="toasts" role="status" aria-live="polite" data-test="toasts">
      {notices.value.map((notice) => (
        <div key={notice.id} class={notice.isBad ? "toast bad" : "toast"} data-test="toast">
          <span>{notice.text}</span>
          {notice.undo && (
            <button type="button" onClick={notice.undo} data-test="undo">
              Undo
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
