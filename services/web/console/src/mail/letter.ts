/** What a new message begins with: nothing, or what an answer takes from the message it answers. Pure. */

import type { Message, Person } from "../base/types.ts";
import { moment, written } from "../base/format.ts";

export interface Letter {
  readonly from?: string;
  readonly to?: string;
  readonly cc?: string;
  readonly subject?: string;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Begin an answer (RFC 5322 §3.6.4): from who got it, to who wrote it, in the same thread. */
export function answer(message: Message, { toAll = false } = {}): Letter {
  const own = message.recipients[0]?.address ?? "";
  const writers = message.reply_to.length ? message.reply_to : message.from;
  const isOwn = (person: Person): boolean => person.address.toLowerCase() === own.toLowerCase();
  const others = toAll ? [...message.to, ...message.cc].filter((person) => !isOwn(person)) : [];
  const subject = message.subject ?? "";
  const header = (name: string): string => message.content?.headers.find((field) => field.name.toLowerCase() === name)?.value ?? "";
  const references = [header("references") || header("in-reply-to"), message.message_id ?? ""].filter(Boolean).join(" ");
  return {
    from: own,
    to: (writers.length ? writers.map(written) : [message.sender ?? ""]).join(", "),
    ...(others.length ? { cc: others.map(written).join(", ") } : {}),
    subject: /^re:/i.test(subject) ? subject : `Re: ${subject}`,
    text: `\n\n${writers[0] ? written(writers[0]) : (message.sender ?? "")} wrote on ${moment(message.date ?? message.arrived)}:\n${quoted(message.content?.text ?? "")}`,
    headers: message.message_id ? { "In-Reply-To": message.message_id, References: references } : {},
  };
}

function quoted(text: string): string {
  return text
    .trimEnd()
    .split(/\r?\n/)
    .slice(0, 500)
    .map((line) => (line.startsWith(">") ? `>${line}` : `> ${line}`))
    .join("\n");
}

/** Cut a list of addresses at its commas, but not at those in quotes. */
export function addresses(text: string): readonly string[] {
  return (text.match(/(?:"(?:[^"\\]|\\.)*"|[^,;"])+/g) ?? []).map((mailbox) => mailbox.trim()).filter(Boolean);
}
