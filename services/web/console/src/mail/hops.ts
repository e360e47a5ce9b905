/** The hops of a road, in words. Pure. */

export interface Hop {
  readonly kind: string;
  readonly at: string;
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

/** What a hop is, in a few words. */
export function tellsOf(hop: Hop): string {
  const where = hop.host ?? hop.peer ?? "";
  switch (hop.kind) {
    case "submission":
      return `Taken by the relay${hop.peer ? ` from ${hop.peer}` : ""}`;
    case "dns":
      return `Asked for the servers${of(hop.detail, "domain") ? ` of ${of(hop.detail, "domain")}` : ""}`;
    case "attempt":
      return `Tried at ${where || "no server"}`;
    case "delivery":
      return `Delivered${of(hop.detail, "mailbox") ? ` into ${of(hop.detail, "mailbox")}` : ""}${of(hop.detail, "account") ? ` of ${of(hop.detail, "account")}` : ""}`;
    case "captured":
      return "Captured: the world does not know the domain";
    case "copy":
      return `Copied or moved${of(hop.detail, "mailbox") ? ` to ${of(hop.detail, "mailbox")}` : ""}`;
    case "read":
      return `Read${of(hop.detail, "account") ? ` by ${of(hop.detail, "account")}` : ""}`;
    case "report":
      return "Its sender was notified";
    case "deferred":
      return "Put back, to be tried again";
    default:
      return hop.kind;
  }
}

/** The answer that a hop got, and whether it was a good one. */
export function answerOf(hop: Hop): { text: string; state: "good" | "wait" | "bad" | "" } {
  const text = hop.reply ?? of(hop.detail, "reason");
  const digit = /^\s*([2-5])\d\d\b/.exec(text)?.[1];
  if (hop.kind === "deferred" || digit === "4") return { text, state: "wait" };
  if (hop.kind === "report" || digit === "5") return { text, state: "bad" };
  if (hop.kind === "delivery" || hop.kind === "captured" || digit === "2") return { text, state: "good" };
  return { text, state: "" };
}
