/** What is done to messages: marks, tags, deletion; each with a way back. */

import { batch } from "@preact/signals";
import { api } from "../base/api.ts";
import { isReadOnly } from "../base/place.ts";
import { NOTICED, complain, tell } from "../base/toast.tsx";
import { count } from "../base/format.ts";
import type { Summary } from "../base/types.ts";
import { learn } from "./known.ts";
import { NOTHING } from "./selection.ts";
import { changed, cursor, listing, meant, reload, selection } from "./store.ts";

/** What an action is about: some messages, or all that match. */
export type Which = readonly Summary[] | "all";

const AT_ONCE = 400; // IDs in a URL

function allowed(): boolean {
  if (isReadOnly.peek()) complain(new Error("All worlds are shown: choose one of them to change something."));
  return !isReadOnly.peek();
}

function body(which: Which): { ids: string[] } | { query: string; tz?: string } {
  return which === "all" ? { query: "", ...meant() } : { ids: which.map(({ id }) => id) };
}

function named(which: Which): string {
  return which === "all" ? count(listing.total, "message") : count(which.length, "message");
}

/** Mark as read or unread. `quietly` is for a message that was opened. */
export async function mark(which: Which, read: boolean, { quietly = false } = {}): Promise<void> {
  if (isReadOnly.peek() && quietly) return;
  if (!allowed()) return;
  const touched = which === "all" ? which : which.filter((message) => message.read !== read);
  if (touched.length === 0) return;
  try {
    await api.patch("messages", { ...body(touched), read });
  } catch (error) {
    complain(error);
    return;
  }
  if (quietly) return;
  const back = touched === "all" ? null : () => void mark(touched.map((message) => ({ ...message, read })), !read, { quietly: true });
  tell(`${named(touched)} marked as ${read ? "read" : "unread"}`, back);
}

/** Give messages their tags: `change` says which, of those they have. */
export async function tag(messages: readonly Summary[], change: (tags: readonly string[]) => readonly string[], said: string): Promise<void> {
  if (!allowed()) return;
  const before = messages.map((message) => [message.id, message.tags] as const);
  const all = async (tags: readonly (readonly [string, readonly string[]])[]): Promise<void> => {
    try {
      for (const [id, those] of tags) await api.patch(["messages", id], { tags: those });
      await learn();
    } catch (error) {
      complain(error);
    }
  };
  await all(before.map(([id, tags]) => [id, change(tags)]));
  tell(said, () => void all(before));
}

export function withTag(tags: readonly string[], name: string): readonly string[] {
  return tags.some((tag) => tag.toLowerCase() === name.toLowerCase()) ? tags : [...tags, name];
}

export function withoutTag(tags: readonly string[], name: string): readonly string[] {
  return tags.filter((tag) => tag.toLowerCase() !== name.toLowerCase());
}

// -- deletion: hidden at once, and gone when there is no way back any more ---------------------------------------------

const pending = new Set<readonly Summary[]>();

function commit(messages: readonly Summary[], keepalive = false): void {
  if (!pending.delete(messages)) return;
  for (let at = 0; at < messages.length; at += AT_ONCE) {
    const id = messages.slice(at, at + AT_ONCE).map((message) => message.id);
    api.delete("messages", { id }, keepalive).catch((error: unknown) => {
      complain(error);
      unhide(messages);
    });
  }
}

function unhide(messages: readonly Summary[]): void {
  listing.hide(messages.map(({ number }) => number), false);
  changed();
}

addEventListener("pagehide", () => {
  for (const messages of pending) commit(messages, true);
});

/** Delete messages from the catalog; they can be had back for as long as the notice is shown. */
export function remove(messages: readonly Summary[]): void {
  if (!allowed() || messages.length === 0) return;
  const at = cursor.peek();
  const row = at === null ? -1 : listing.rowOf(at);
  batch(() => {
    pending.add(messages);
    listing.hide(messages.map(({ number }) => number), true);
    selection.value = NOTHING;
    // The keyboard stays at the place: at the message that has moved up there.
    if (row >= 0) cursor.value = listing.at(Math.min(row, listing.rows - 1))?.number ?? null;
    changed();
  });
  const timer = setTimeout(() => commit(messages), NOTICED);
  tell(`${named(messages)} deleted`, () => {
    clearTimeout(timer);
    pending.delete(messages);
    unhide(messages);
  });
}

/** Delete all that match, at once and for good. */
export async function removeAll(): Promise<void> {
  if (!allowed()) return;
  const said = `${named("all")} deleted`;
  try {
    await api.delete("messages", { query: "", ...meant() });
    selection.value = NOTHING;
    tell(said);
  } catch (error) {
    complain(error);
  }
  await reload();
}
