/** What the search field can suggest: tags, accounts, mailboxes, people of the messages that are loaded. */

import { signal } from "@preact/signals";
import { api } from "../base/api.ts";
import type { Known } from "./terms.ts";
import { listing } from "./store.ts";

export interface Account {
  readonly login: string;
  readonly world: string;
  readonly domain: string;
  readonly in_world_file: boolean;
  readonly aliases: readonly string[];
  readonly catch_all_of: readonly string[];
  readonly capture: boolean;
  readonly mailboxes: number;
  readonly messages: number;
  readonly unseen: number;
}

export interface TagCount {
  readonly name: string;
  readonly messages: number;
}

export const tags = signal<readonly TagCount[]>([]);
export const accounts = signal<readonly Account[]>([]);
/** The names of mailboxes in which the messages of the list are. */
export const places = signal<readonly string[]>(["INBOX"]);

/** Ask anew; what can't be had stays as it was. */
export async function learn(): Promise<void> {
  const [answer, those] = await Promise.allSettled([
    api.get<{ tags: readonly TagCount[] }>("tags"),
    api.get<{ accounts: readonly Account[] }>("accounts", { limit: 500 }),
  ]);
  if (answer.status === "fulfilled") tags.value = answer.value.tags;
  if (those.status === "fulfilled") accounts.value = those.value.accounts;
  const named = new Set(["INBOX"]);
  for (const message of listing.loaded()) for (const recipient of message.recipients) for (const copy of recipient.copies) named.add(copy.mailbox);
  if (named.size !== places.peek().length) places.value = [...named].sort();
}

export function known(): Known {
  const people = new Set<string>();
  for (const message of listing.loaded()) {
    for (const person of [...message.from, ...message.to]) if (person.address) people.add(person.address);
    if (people.size > 300) break;
  }
  return {
    tags: tags.value.map(({ name }) => name),
    accounts: accounts.value.map(({ login }) => login),
    mailboxes: places.value,
    people: [...people],
  };
}
