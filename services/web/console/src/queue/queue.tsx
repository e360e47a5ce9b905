/** The view Queue: what waits in the relay, why, and when it is tried again; and the clock by which it is. */

import { useEffect, useState } from "preact/hooks";
import { api } from "../base/api.ts";
import { listen } from "../base/events.ts";
import { ago, count, size } from "../base/format.ts";
import { useLoaded, useTicking } from "../base/load.ts";
import { isReadOnly, world } from "../base/place.ts";
import { tell, tried } from "../base/toast.tsx";
import { Button, Empty, Go, Sure, Text } from "../base/ui.tsx";
import { Countdown } from "../mail/envelope.tsx";
import { ClockBar } from "./clock.tsx";

interface Waiting {
  readonly address: string;
  readonly state: "pending" | "deferred" | "delivered" | "failed";
  readonly status: string | null;
  readonly reason: string;
  readonly host: string | null;
}

interface Entry {
  readonly id: string;
  readonly arrived: string;
  readonly sender: string | null;
  readonly size: number;
  readonly attempts: number;
  readonly due: string | null;
  readonly held: boolean;
  readonly active: boolean;
  readonly recipients: readonly Waiting[];
}

interface Page {
  readonly messages: readonly Entry[];
  readonly next: string | null;
  readonly total: number;
}

const LONGEST = 500;

export default function Queue() {
  const queue = useLoaded((signal) => api.get<Page>("queue", { limit: LONGEST }, signal), [world.value]);
  const [dropping, setDropping] = useState<Entry | null>(null);
  const [now, setNow] = useState(Date.now());
  useTicking(1000, () => setNow(Date.now()));
  useTicking(5000, queue.again);
  useEffect(() => {
    let due = 0;
    const stop = listen(() => {
      due ||= window.setTimeout(() => {
        due = 0;
        queue.again();
      }, 200);
    });
    return () => (clearTimeout(due), stop());
  }, []);
  const act = async (entry: Entry, action: "retry" | "hold" | "release", said: string): Promise<void> => {
    if ((await tried(api.post(["queue", entry.id, action]))) !== undefined) tell(said);
    queue.again();
  };
  const drop = async (entry: Entry, report: boolean): Promise<void> => {
    await tried(api.delete(["queue", entry.id], { report }));
    tell(report ? "Dropped, and its sender is notified" : "Dropped");
    queue.again();
  };
  const retryAll = async (): Promise<void> => {
    const done = await tried(api.post<{ count: number }>("queue/retry"));
    if (done) tell(`${count(done.count, "message")} tried again`);
    queue.again();
  };
  const entries = queue.value?.messages ?? [];
  return (
    <div class="page queue">
      <header>
        <h1>
          Queue <small data-test="queue-count">{queue.value ? count(queue.value.total, "message") : ""}</small>
        </h1>
        <ClockBar onPushed={queue.again} />
        <Button icon="refresh" label="Try all again now" onClick={() => void retryAll()} test="retry-all" disabled={entries.length === 0 || isReadOnly.value}>
          Try all now
        </Button>
      </header>
      {queue.error !== null && <p class="problem">{queue.error}</p>}
      {queue.value && entries.length === 0 ? (
        <Empty icon="queue" title="Nothing waits">
          <p>Mail that can't be delivered at once shows here, with the server's words and the time of the next try.</p>
        </Empty>
      ) : (
        <ul class="entries">
          {entries.map((entry) => (
            <li key={entry.id} data-test="queued" data-id={entry.id}>
              <div class="line">
                <Go to={{ view: "mail", path: [entry.id, "road"] }} class="mono">
                  {entry.id}
                </Go>
                <span>
                  from <Text of={entry.sender ?? "<>"} />
                </span>
                <span class="quiet">
                  {size(entry.size)}, {ago(entry.arrived, now)}, {count(entry.attempts, "attempt")}
                </span>
                <span class="space" />
                <span class={entry.held ? "state held" : "state deferred"}>
                  {entry.active ? "under way" : entry.held ? "held" : entry.due ? <Countdown due={entry.due} /> : "waits for its turn"}
                </span>
                <span class="actions">
                  <Button icon="refresh" label="Try now" onClick={() => void act(entry, "retry", "Tried again")} test="retry" kind="quiet" disabled={isReadOnly.value} />
                  {entry.held ? (
                    <Button icon="play" label="Let it go on" onClick={() => void act(entry, "release", "It goes on")} test="go-on" kind="quiet" disabled={isReadOnly.value} />
                  ) : (
                    <Button icon="pause" label="Hold" onClick={() => void act(entry, "hold", "Held")} test="hold" kind="quiet" disabled={isReadOnly.value} />
                  )}
                  <Button icon="trash" label="Take it out of the queue" onClick={() => setDropping(entry)} test="drop" kind="quiet" disabled={isReadOnly.value} />
                </span>
              </div>
              <ul>
                {entry.recipients
                  .filter(({ state }) => state !== "delivered")
                  .map((recipient) => (
                    <li key={recipient.address}>
                      <span class="address">
                        <Text of={recipient.address} />
                      </span>
                      <span class="reason">
                        {recipient.status && <code>{recipient.status}</code>} <Text of={recipient.reason || "not tried yet"} />
                      </span>
                    </li>
                  ))}
              </ul>
            </li>
          ))}
        </ul>
      )}
      {queue.value?.next && <p class="quiet">The first {LONGEST} are shown.</p>}
      {dropping && (
        <Sure
          title="Take it out of the queue?"
          text={`${dropping.id} will not be delivered to ${dropping.recipients.map(({ address }) => address).join(", ")}. Its sender gets no notification.`}
          does="Drop"
          onYes={() => void drop(dropping, false)}
          onNo={() => setDropping(null)}
        />
      )}
    </div>
  );
}
