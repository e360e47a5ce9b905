/** The query language, as far as the search field helps with it: terms that are set and taken away, and suggestions. Pure.
 *
 * The server reads queries (postroad_web/search/grammar.py). Here they are only cut at spaces outside quotes.
 */

const TERM = /-?(?:[a-z-]+:)?(?:"[^"]*"?|\/(?:[^/\\]|\\.)+\/|[^\s"]+"?)+/gi;

export function terms(query: string): readonly string[] {
  return query.match(TERM) ?? [];
}

export function hasTerm(query: string, term: string): boolean {
  return terms(query).some((each) => each.toLowerCase() === term.toLowerCase());
}

/** Add a term in place of others with its keyword, or take it away if it is there. */
export function toggled(query: string, term: string): string {
  const keyword = /^-?([a-z-]+):/i.exec(term)?.[1]?.toLowerCase();
  const rest = terms(query).filter((each) => !keyword || !each.toLowerCase().replace(/^-/, "").startsWith(`${keyword}:`));
  return (hasTerm(query, term) ? rest : [...rest, term]).join(" ");
}

/** Write a term with quotes where its value needs them. */
export function term(keyword: string, value: string): string {
  return /[\s()"]|^$/.test(value) ? `${keyword}:"${value.replaceAll('"', "")}"` : `${keyword}:${value}`;
}

export interface Suggestion {
  readonly text: string;
  /** What it finds. */
  readonly hint: string;
  /** The whole query with it in place, and where the caret goes. */
  readonly query: string;
  readonly caret: number;
}

export interface Known {
  readonly tags: readonly string[];
  readonly accounts: readonly string[];
  readonly mailboxes: readonly string[];
  readonly people: readonly string[];
}

const KEYWORDS: readonly (readonly [string, string])[] = [
  ["from:", "a name or address of From"],
  ["to:", "a name or address of To"],
  ["subject:", "a part of the subject"],
  ["rcpt:", "a recipient of the envelope"],
  ["sender:", "the sender of the envelope"],
  ["tag:", "messages with a tag"],
  ["is:", "read, unread, tagged, report, captured"],
  ["has:", "attachment, inline"],
  ["state:", "how far it has got"],
  ["account:", "what has a copy with an account"],
  ["mailbox:", "what has a copy in a mailbox"],
  ["after:", "arrived since a day or time"],
  ["before:", "arrived before a day or time"],
  ["larger:", "more than a size, such as 20K"],
  ["smaller:", "less than a size, such as 1.5M"],
  ["header:", "a header field: header:x-mailer=lua"],
  ["message-id:", "a part of the Message-ID"],
  ["cc:", "a name or address of Cc"],
  ["bcc:", "a name or address of Bcc"],
  ["reply-to:", "a name or address of Reply-To"],
  ["addressed:", "a name or address of any of these"],
];

const VALUES: Record<string, readonly (readonly [string, string])[]> = {
  is: [
    ["unread", "not looked at yet"],
    ["read", "looked at"],
    ["tagged", "with any tag"],
    ["report", "notifications (DSN)"],
    ["captured", "for a domain that the world does not know"],
  ],
  has: [
    ["attachment", "with an attachment"],
    ["inline", "with an inline part"],
  ],
  state: [
    ["delivered", "in a mailbox"],
    ["queued", "on its way"],
    ["deferred", "to be tried again"],
    ["held", "stopped by somebody"],
    ["failed", "bounced"],
    ["captured", "for a domain that the world does not know"],
    ["dropped", "taken out of the queue"],
  ],
};

const MOST = 8;

/** Suggest how the term at the caret could go on. */
export function suggestions(query: string, caret: number, known: Known, today: string): readonly Suggestion[] {
  const before = query.slice(0, caret);
  const written = /\S*$/.exec(before)?.[0] ?? "";
  const negated = written.startsWith("-") ? "-" : "";
  const bare = written.slice(negated.length);
  const [, keyword, value] = /^([a-z-]+):(.*)$/i.exec(bare) ?? [];
  const begin = caret - written.length;
  const suggestion = (text: string, hint: string, isWhole: boolean): Suggestion => {
    const head = `${query.slice(0, begin)}${negated}${text}${isWhole ? " " : ""}`;
    const tail = query.slice(caret).replace(isWhole ? /^\S*\s?/ : /^\S*/, "");
    return { text: `${negated}${text}`, hint, query: head + tail, caret: head.length };
  };
  if (keyword === undefined || value === undefined) {
    const typed = bare.toLowerCase();
    return KEYWORDS.filter(([name]) => name.startsWith(typed) && (typed !== "" || query === ""))
      .slice(0, typed ? MOST : 10)
      .map(([name, hint]) => suggestion(name, hint, false));
  }
  const typed = value.replace(/^"/, "").toLowerCase();
  return options(keyword.toLowerCase(), known, today)
    .filter(([option]) => option.toLowerCase().includes(typed) && option.toLowerCase() !== typed)
    .slice(0, MOST)
    .map(([option, hint]) => suggestion(term(keyword, option), hint, true));
}

function options(keyword: string, known: Known, today: string): readonly (readonly [string, string])[] {
  const plain = (values: readonly string[]): readonly (readonly [string, string])[] => values.map((value) => [value, ""]);
  switch (keyword) {
    case "tag":
      return plain(known.tags);
    case "account":
      return plain(known.accounts);
    case "mailbox":
      return plain(known.mailboxes);
    case "from":
    case "to":
    case "cc":
    case "bcc":
    case "rcpt":
    case "sender":
    case "addressed":
    case "reply-to":
      return plain([...new Set([...known.people, ...(keyword === "rcpt" ? known.accounts : [])])]);
    case "after":
    case "before":
      return [[today, "today"]];
    default:
      return VALUES[keyword] ?? [];
  }
}
