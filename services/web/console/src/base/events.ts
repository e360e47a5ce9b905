/** What happens, live: one stream of server-sent events for the whole console.
 *
 * A browser has six connections per host for all its tabs, so a tab that nobody has looked at for ten minutes gives its
 * stream back. It goes on behind the last event when somebody looks: nothing is missed.
 */

import { effect, signal } from "@preact/signals";
import { place, worldQuery } from "./place.ts";
import type { Happening } from "./types.ts";

const KINDS = ["arrived", "updated", "deleted", "purged", "tags"] as const;
const UNSEEN = 10 * 60_000; // milliseconds

export type Link = "connecting" | "open" | "lost";
export const link = signal<Link>("connecting");

type Listener = (happenings: readonly Happening[]) => void;
const listeners = new Set<Listener>();

let source: EventSource | null = null;
let cursor: string | null = null;
let waiting: Happening[] = [];
let due = 0;
let retry = 0;

/** Call back with what has happened, a frame's worth at a time; returns what ends that. */
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(): void {
  due = 0;
  const told = waiting;
  waiting = [];
  for (const listener of listeners) listener(told);
}

function take(event: MessageEvent<string>): void {
  if (event.lastEventId) cursor = event.lastEventId;
  waiting.push(JSON.parse(event.data) as Happening);
  // Frames stop in a tab that is not shown; events are told all the same, so that its title can say what came.
  if (waiting.length === 1) due = document.hidden ? window.setTimeout(tell, 250) : requestAnimationFrame(tell);
}

function open(): void {
  close();
  const query = new URLSearchParams(worldQuery());
  for (const kind of KINDS) query.append("kind", kind);
  if (cursor !== null) query.set("after", cursor);
  const stream = new EventSource(`/v1/events?${query.toString()}`);
  source = stream;
  link.value = "connecting";
  stream.onopen = () => {
    link.value = "open";
  };
  stream.onerror = () => {
    link.value = "lost";
    // A browser tries again by itself where the connection broke, and gives up where the answer was no stream.
    if (stream.readyState === EventSource.CLOSED) {
      clearTimeout(retry);
      retry = window.setTimeout(open, 2000);
    }
  };
  for (const kind of KINDS) stream.addEventListener(kind, take);
}

function close(): void {
  clearTimeout(retry);
  source?.close();
  source = null;
}

let unseen = 0;
document.addEventListener("visibilitychange", () => {
  clearTimeout(unseen);
  if (document.hidden) {
    unseen = window.setTimeout(close, UNSEEN);
  } else {
    if (due && waiting.length) tell();
    if (source === null) open();
  }
});

/** Begin. Another world has a stream of its own, from now on. */
export function start(): void {
  let shown: string | null = null;
  effect(() => {
    const id = place.value.world;
    if (id === shown) return;
    shown = id;
    cursor = null;
    waiting = [];
    open();
  });
}
