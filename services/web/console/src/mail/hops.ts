/** The hops of a road, in words. Pure. */

export interface Hop {
  readonly kind: string;
  readonly at: string;
  /** Seconds since the message came. */
  readonly latency: number | null;
  readonly service: string | null;
  readonly peer: string | null;
  readonly host: string | null;
  readonly tls: string | null;
  readonly reply: string | null;
  readonly recipient: string | null;
  readonly session: string | null;
  readonly line: number | null;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly children: readonly Hop[];
}

export interface Road {
  readonly id: string;
  readonly hops: readonly Hop[];
  readonly next_attempts: readonly { readonly recipient: string; readonly due: string | null }[];
}

function of(detail: Readonly<Record<string, unknown>>, name: string): string {
  const value = detail[name];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function lines(detail: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const value = detail[name];
  return Array.isArray(value) ? value.map(String) : [];
}

function into(hop: Hop): string {
  const [mailbox, account] = [of(hop.detail, "mailbox"), of(hop.detail, "account")];
  return `${mailbox ? ` ${mailbox}` : " a mailbox"}${account ? ` of ${account}` : ""}`;
}

/** What a hop is, in a few words. */
export function tellsOf(hop: Hop): string {
  const question = of(hop.detail, "question");
  const domain = of(hop.detail, "domain");
  switch (hop.kind) {
    case "submission":
      return `Taken by the relay${hop.host ? ` from ${hop.host}` : hop.peer ? ` from ${hop.peer}` : ""}`;
    case "dns":
      return question ? question.replace(". IN ", " ") : `Who takes mail${domain ? ` for ${domain}` : ""}?`;
    case "attempt":
      return `Offered to ${hop.host ?? "no server"}`;
    case "delivered":
      return "The server has taken it";
    case "deferred":
      return "It is to be tried again";
    case "failed":
      return "It is refused for good";
    case "expired":
      return "It has been tried for too long";
    case "delivery":
      return `Delivered into${into(hop)}`;
    case "captured":
      return `Captured in${into(hop)}`;
    case "copy":
      return `Copied or moved to${into(hop)}`;
    case "read":
      return `Read in${into(hop)}`;
    case "removed":
      return `Removed from${into(hop)}`;
    case "report":
      return "Its sender is notified";
    case "filtered":
      return "Sorted by a Sieve script";
    case "held":
      return "Held by somebody";
    case "released":
      return "Let go on";
    case "dropped":
      return "Taken out of the queue";
    case "refused":
      return "Refused";
    default:
      return hop.kind;
  }
}

/** What a hop was answered, in lines, and whether that was good. */
export function answerOf(hop: Hop): { texts: readonly string[]; state: "good" | "wait" | "bad" | "" } {
  const said = hop.reply ?? of(hop.detail, "reason");
  const texts = said ? [said] : [...lines(hop.detail, "mx"), ...lines(hop.detail, "answer")];
  const digit = /^\s*(?:.* said: )?([2-5])\d\d\b/.exec(said)?.[1];
  if (["deferred", "held"].includes(hop.kind) || digit === "4") return { texts, state: "wait" };
  if (["failed", "expired", "refused", "report", "dropped"].includes(hop.kind) || digit === "5") return { texts, state: "bad" };
  if (["delivery", "captured", "delivered"].includes(hop.kind) || digit === "2") return { texts, state: "good" };
  return { texts, state: "" };
}
