/** The view Sessions: what clients and servers say to each other, live. */

import { useEffect, useState } from "preact/hooks";
import { api, url } from "../base/api.ts";
import { age } from "../base/format.ts";
import { Icon } from "../base/icon.tsx";
import { useLoaded, useTicking } from "../base/load.ts";
import { go, place, world } from "../base/place.ts";
import { Button, Empty, Go, Text } from "../base/ui.tsx";
import { TranscriptView } from "./transcript.tsx";
import type { Session } from "./types.ts";

const PROTOCOLS = ["smtp", "imap", "pop3", "lmtp", "managesieve", "dns"];
const PAGE = 100;
const MOST = 1000; // sessions in memory

interface Page {
  readonly sessions: readonly Session[];
  readonly next: string | null;
  readonly away: readonly string[];
}

/** What is written into the filter: an address with @ is an account, letters and digits are a message, else it is a peer. */
function filters(protocol: string, who: string): Record<string, string> {
  const criteria: Record<string, string> = protocol ? { protocol } : {};
  if (who.includes("@")) criteria["account"] = who;
  else if (/^[0-9A-F]{13}$/i.test(who)) criteria["message"] = who.toUpperCase();
  else if (who) criteria["peer"] = who;
  return criteria;
}

export default function Sessions() {
  const [id] = place.value.path;
  const { protocol = "", who = "" } = place.value.query;
  const [more, setMore] = useState<readonly Session[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [now, setNow] = useState(Date.now());
  useTicking(5000, () => setNow(Date.now()));
  const asked = filters(protocol, who);
  const key = JSON.stringify([asked, world.value]);
  const loaded = useLoaded((signal) => api.get<Page>("sessions", { ...asked, limit: PAGE }, signal), [key]);
  useEffect(() => {
    setMore([]);
    setNext(loaded.value?.next ?? null);
  }, [loaded.value?.next, key]);

  // A stream of its own, for as long as the view is shown: what is said is much more than what arrives.
  useEffect(() => {
    const source = new EventSource(url("events", { kind: "session" }));
    let waiting = new Map<string, Session>();
    let due = 0;
    source.onopen = loaded.again; // what has begun since the list was asked for
    source.addEventListener("session", (event: MessageEvent<string>) => {
      const { session } = JSON.parse(event.data) as { session: Session };
      waiting.set(session.id, session);
      due ||= window.setTimeout(() => {
        due = 0;
        const told = waiting;
        waiting = new Map();
        loaded.set((page) => page && { ...page, sessions: merged(page.sessions, told, asked) });
      }, 150);
    });
    return () => {
      clearTimeout(due);
      source.close();
    };
  }, [key]);

  const older = async (): Promise<void> => {
    if (next === null) return;
    const page = await api.get<Page>("sessions", { ...asked, limit: PAGE, before: next });
    setMore((before) => [...before, ...page.sessions]);
    setNext(page.next);
  };
  const filter = (change: Record<string, string>): void =>
    go({ view: "sessions", path: place.peek().path, query: { ...place.peek().query, ...change } }, { replace: true });
  const sessions = [...(loaded.value?.sessions ?? []), ...more];
  return (
    <div class={`page columns sessions${id === undefined ? "" : " chosen"}`}>
      <section class="column" aria-label="Sessions">
        <h1 class="hidden">Sessions</h1>
        <div class="strip">
          <select class="small" value={protocol} aria-label="Protocol" onChange={(event) => filter({ protocol: event.currentTarget.value })} data-test="protocol">
            <option value="">All</option>
            {PROTOCOLS.map((name) => (
              <option key={name} value={name}>
                {name.toUpperCase()}
              </option>
            ))}
          </select>
          <input class="small" placeholder="Peer, account, message" aria-label="Only of this peer, account or message" value={who} onChange={(event) => filter({ who: event.currentTarget.value.trim() })} data-test="who" spellcheck={false} />
        </div>
        {loaded.error !== null && <p class="problem">{loaded.error}</p>}
        {loaded.value && loaded.value.away.length > 0 && <p class="quiet">{loaded.value.away.join(", ")} can't be asked now.</p>}
        {loaded.value && sessions.length === 0 && <p class="quiet none">No session is on record.</p>}
        <ul class="choices">
          {sessions.map((session) => (
            <li key={session.id}>
              <Go to={{ view: "sessions", path: [session.id], query: place.value.query }} class={session.id === id ? "session on" : "session"} aria-current={session.id === id} data-test="session" data-id={session.id}>
                <span class={`proto ${session.protocol}`}>{session.protocol}</span>
                <span class="who">
                  <span class="address">
                    {session.outbound ? "to " : ""}
                    <Text of={session.question?.replace(". IN ", " ") ?? session.account ?? session.peer} />
                  </span>
                  <span class="quiet">
                    {session.service}
                    {session.messages.length > 0 && `, ${session.messages.length} ✉`}
                  </span>
                </span>
                {session.tls && (
                  <span class="quiet" title="With TLS">
                    <Icon name="key" size={12} />
                    <span class="hidden">With TLS</span>
                  </span>
                )}
                <span class="count">{session.ended === null ? <span class="on-air">live</span> : age(session.began, now)}</span>
              </Go>
            </li>
          ))}
        </ul>
        {next !== null && (
          <Button label="Older sessions" onClick={() => void older()} test="older" kind="quiet">
            Older
          </Button>
        )}
      </section>
      {id === undefined ? (
        <Empty icon="sessions" title="Choose a session">
          <p>What was said is shown line by line, as it is said. Passwords are blanked, and messages are named by their size.</p>
        </Empty>
      ) : (
        <TranscriptView key={id} id={id} live={sessions.find((session) => session.id === id)} />
      )}
    </div>
  );
}

/** Put what is told of sessions into the list, the newest first. */
function merged(before: readonly Session[], told: ReadonlyMap<string, Session>, asked: Readonly<Record<string, string>>): readonly Session[] {
  const known = new Set(before.map(({ id }) => id));
  const kept = before.map((session) => told.get(session.id) ?? session);
  const fresh = [...told.values()].filter((session) => !known.has(session.id) && fits(session, asked));
  if (fresh.length === 0) return kept;
  return [...fresh, ...kept].sort((session, other) => (session.began < other.began ? 1 : session.began > other.began ? -1 : 0)).slice(0, MOST);
}

function fits(session: Session, asked: Readonly<Record<string, string>>): boolean {
  const { protocol, account, message, peer } = asked;
  if (protocol && session.protocol !== protocol) return false;
  if (account && session.account !== account) return false;
  if (message && !session.messages.includes(message)) return false;
  return !peer || session.peer === peer || session.peer.startsWith(`${peer}:`);
}
