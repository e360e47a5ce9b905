/** The query that finds the messages of a conversation. Pure. */

import type { Message } from "../base/types.ts";

const MOST = 15; // identifiers; a query has 64 terms
const IDENTIFIER = /<[^<>\s"]{1,300}>/g;

export function threadQuery(message: Pick<Message, "message_id" | "content">): string | null {
  const of = (name: string): string[] =>
    message.content?.headers.filter((field) => field.name.toLowerCase() === name).flatMap(({ value }) => value.match(IDENTIFIER) ?? []) ?? [];
  const own = message.message_id?.match(IDENTIFIER) ?? [];
  const named = [...new Set([...own, ...of("in-reply-to"), ...of("references").slice(-MOST)])];
  if (named.length === 0) return null;
  return named
    .slice(0, MOST)
    .flatMap((identifier) => [`message-id:"${identifier.slice(1, -1)}"`, `header:references="${identifier}"`, `header:in-reply-to="${identifier}"`])
    .join(" or ");
}
