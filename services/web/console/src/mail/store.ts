/** The list of mail as it is shown: what matches, live; what is selected; at which message the cursor is. */

import { batch, computed, effect, signal } from "@preact/signals";
import { api, sentence } from "../base/api.ts";
import { link, listen } from "../base/events.ts";
import { place } from "../base/place.ts";
import { complain } from "../base/toast.tsx";
import type { Happening, MessagePage, Summary } from "../base/types.ts";
import { Listing, type Wanted } from "./listing.ts";
import { NOTHING, without, type Selection } from "./selection.ts";

export const listing = new Listing();
/** Changes whenever the list does. */
export const revision = signal(0);
export const query = computed(() => place.value.query["q"] ?? "");
export const failure = signal<string | null>(null);
export const isLoading = signal(true);
export const selection = signal<Selection>(NOTHING);
/** The number of the message at which the keyboard is. */
export const cursor = signal<number | null>(null);
/** How many have come above what is seen; the list says so and keeps its place. */
export const unseen = signal(0);
/** Unread messages of the whole world, whatever is searched for. */
export const unreadOfAll = signal(0);

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What a request says so that it means the messages of the list. */
export function meant(): { query?: string; tz?: string } {
  return query.peek() === "" ? {} : { query: query.peek(), tz: zone };
}

export function changed(): void {
  revision.value += 1;
}

let turn = 0;
let meanwhile: Happening[] = []; // what has happened since the list was asked for
const asked = new Map<number, number>(); // chunks that are under way, and the epoch in which they were asked for

/** Ask for the list anew; what is shown stays until the answer is there. */
export async function reload(): Promise<void> {
  const mine = ++turn;
  isLoading.value = true;
  meanwhile = [];
  try {
    const page = await api.get<MessagePage>("messages", { ...meant(), limit: 100 });
    if (mine !== turn) return;
    batch(() => {
      listing.reset(page.total, page.unread, page.messages);
      if (!query.peek()) unreadOfAll.value = page.unread;
      failure.value = null;
      isLoading.value = false;
      unseen.value = 0;
      changed();
    });
  } catch (error) {
    if (mine !== turn) return;
    batch(() => {
      listing.reset(0, 0, []);
      failure.value = sentence(error);
      isLoading.value = false;
      changed();
    });
  }
  asked.clear();
  if (meanwhile.length) take(meanwhile.splice(0));
}

/** See to it that these rows are loaded, and that those far away are not. */
export function show(first: number, last: number): void {
  for (const wanted of listing.wanted(first, last)) {
    if (asked.get(wanted.chunk) !== listing.epoch) void load(wanted).catch(complain);
  }
  listing.trim(first, last);
}

async function load(wanted: Wanted): Promise<void> {
  const { epoch, anchor } = listing;
  const mine = turn;
  asked.set(wanted.chunk, epoch);
  try {
    const page = await api.get<MessagePage>("messages", {
      ...meant(),
      before: anchor + 1,
      offset: wanted.offset,
      limit: wanted.limit,
      counted: false,
    });
    if (mine === turn && epoch === listing.epoch) {
      listing.put(wanted, page.messages);
      changed();
    }
  } finally {
    asked.delete(wanted.chunk);
  }
}

/** Load rows that may be far away, such as those of a range, and return their messages. */
export async function loadRange(first: number, last: number): Promise<readonly Summary[]> {
  await Promise.all(listing.wanted(first, last).map(load));
  const summaries: Summary[] = [];
  for (let row = first; row <= last; row += 1) {
    const message = listing.at(row);
    if (message) summaries.push(message);
  }
  return summaries;
}

// -- live -----------------------------------------------------------------------------------------------------------------

/** Is told how many rows have come above the others. */
export const arrivals: { told: (rows: number) => void } = { told: () => undefined };

let refreshing = false;
let again = false;

/** Ask what has come to a list that only the server can tell (a search), or that is not sure of its count. */
async function refresh(): Promise<void> {
  if (refreshing) {
    again = true;
    return;
  }
  refreshing = true;
  try {
    const mine = turn;
    const page = await api.get<MessagePage>("messages", { ...meant(), after: listing.anchor, order: "oldest", limit: 500 });
    if (mine !== turn) return;
    const before = listing.total;
    batch(() => {
      // One that came before those that events have told has no place behind them. As many may be lacking as are too many.
      const isKnown = page.messages.map((message) => listing.arrive(message)).every((came) => came !== "unsure");
      if (isKnown && (listing.total === page.total || page.next !== null)) {
        listing.unread = page.unread;
        if (listing.total > before) arrivals.told(listing.total - before);
        again ||= page.next !== null;
      } else {
        void reload(); // something has changed that no event has told
      }
      changed();
    });
  } catch (error) {
    complain(error);
  } finally {
    refreshing = false;
    if (again) {
      again = false;
      setTimeout(() => void refresh(), 100);
    }
  }
}

let counting = 0;

/** Ask how many are unread, a moment after something has changed that the list can't count. */
function recount(): void {
  counting ||= window.setTimeout(() => {
    counting = 0;
    api.get<MessagePage>("messages", { limit: 0 }).then(
      (page) => {
        unreadOfAll.value = page.unread;
      },
      () => undefined, // the next change asks again
    );
  }, 300);
}

function take(happenings: readonly Happening[]): void {
  if (isLoading.peek()) {
    meanwhile.push(...happenings);
    return;
  }
  let needsRefresh = false;
  let needsReload = false;
  const gone: number[] = [];
  const before = listing.total;
  for (const { kind, message } of happenings) {
    if (kind === "purged") needsReload = true;
    else if (kind === "deleted" && message) gone.push(message.number);
    else if (message && "state" in message) {
      if (listing.update(message)) continue;
      if (kind !== "arrived" && message.number <= listing.anchor) continue;
      if (query.peek() !== "") needsRefresh = true;
      else if (listing.arrive(message) === "unsure") needsRefresh = true;
    }
  }
  recount();
  const added = listing.total - before;
  if (gone.length) {
    selection.value = without(selection.peek(), gone);
    const isKnown = query.peek() === "" || gone.every((number) => listing.get(number));
    if (isKnown) listing.remove(gone);
    else needsReload = true;
  }
  if (added > 0) arrivals.told(added);
  changed();
  if (needsReload) void reload();
  else if (needsRefresh) void refresh();
}

/** Begin: follow the events, and the query of the address bar. */
export function begin(): void {
  listen(take);
  let shown: string | null = null;
  effect(() => {
    const now = `${place.value.world} ${query.value}`;
    if (now === shown) return;
    shown = now;
    batch(() => {
      selection.value = NOTHING;
      cursor.value = null;
    });
    void reload();
  });
  // What has come between the list's answer and the stream's beginning.
  effect(() => {
    if (link.value === "open" && !isLoading.peek()) void refresh();
  });
}
