/** The view Worlds: those alive, who made them, what is in them; dropped, emptied, kept as a snapshot and brought back. */

import { useEffect, useState } from "preact/hooks";
import { api } from "../base/api.ts";
import { ago, count, moment } from "../base/format.ts";
import { listen } from "../base/events.ts";
import { useLoaded, useTicking } from "../base/load.ts";
import { place } from "../base/place.ts";
import { DEFAULT_WORLD } from "../base/route.ts";
import { tell, tried } from "../base/toast.tsx";
import { Button, CopyButton, Empty, Go, Sure, Text } from "../base/ui.tsx";
import { NewWorld } from "./newworld.tsx";
import { Ports } from "./ports.tsx";
import { Snapshots } from "./snapshots.tsx";
import { learnWorlds } from "./switcher.tsx";
import { left, type World } from "./types.ts";

/** What is asked before it is done. */
interface Question {
  readonly title: string;
  readonly text: string;
  readonly does: string;
  readonly act: () => Promise<void>;
}

export default function Worlds() {
  const loaded = useLoaded((signal) => api.get<{ worlds: readonly World[] }>("worlds", { limit: 200 }, signal), []);
  const [isNew, setNew] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);
  const [now, setNow] = useState(Date.now());
  const [shown = ""] = place.value.path;
  useTicking(1000, () => setNow(Date.now()));
  useTicking(5000, loaded.again);
  useEffect(() => {
    let due = 0;
    const stop = listen(() => {
      due ||= window.setTimeout(() => {
        due = 0;
        loaded.again();
      }, 500);
    });
    return () => (clearTimeout(due), stop());
  }, []);
  const done = async (work: Promise<unknown>, said: string): Promise<void> => {
    const failed = await tried(work.then(() => true));
    if (failed) tell(said);
    loaded.again();
    void learnWorlds();
  };
  const worlds = loaded.value?.worlds.filter(({ id }) => id !== DEFAULT_WORLD) ?? [];
  return (
    <div class="page worlds">
      <header>
        <h1>
          Worlds <small>{loaded.value ? count(worlds.length, "world") : ""}</small>
        </h1>
        <Button icon="worlds" label="Make a world" onClick={() => setNew(true)} test="world-new">
          Make a world
        </Button>
      </header>
      {loaded.error !== null && <p class="problem">{loaded.error}</p>}
      <section class="world" data-test="world-default">
        <div class="line">
          <h2>
            <Go to={{ world: DEFAULT_WORLD, view: "mail" }}>The default world</Go>
          </h2>
          <span class="quiet">from the world file; it stays</span>
        </div>
        <Snapshots world={DEFAULT_WORLD} onChanged={loaded.again} />
      </section>
      {loaded.value && worlds.length === 0 && (
        <Empty icon="worlds" title="There are no others">
          <p>Tests make worlds by the API, each with its own domains, accounts and mail, and drop them when they are done.</p>
        </Empty>
      )}
      {worlds.map((world) => (
        <section key={world.id} class="world" data-test="world-one" data-id={world.id}>
          <div class="line">
            <h2>
              <Go to={{ world: world.id, view: "mail" }} data-test="world-open">
                {world.id}
              </Go>
            </h2>
            <span class="quiet">
              made {ago(world.created, now)}
              {world.owner && (
                <>
                  {" "}
                  by <Text of={world.owner} />
                </>
              )}
              , {world.expires === null ? "stays" : <span title={moment(world.expires)}>{left(world.expires, now)}</span>}
            </span>
            <span class="space" />
            <span class="number">
              {count(world.messages, "message")}
              {world.queued > 0 && `, ${world.queued} queued`}
            </span>
            <Button
              label="Empty it"
              onClick={() =>
                setQuestion({
                  title: `Empty ${world.id}?`,
                  text: "All its mail is removed, in mailboxes, queue and console. Its domains and accounts stay.",
                  does: "Empty it",
                  act: () => done(api.post(["worlds", world.id, "purge"]), `${world.id} is empty`),
                })
              }
              test="world-purge"
              kind="quiet"
            >
              Empty
            </Button>
            <Button
              icon="trash"
              label="Drop it"
              onClick={() =>
                setQuestion({
                  title: `Drop ${world.id}?`,
                  text: "Its domains, accounts, mail, queue and snapshots are gone for good.",
                  does: "Drop it",
                  act: () => done(api.delete(["worlds", world.id]), `${world.id} is dropped`),
                })
              }
              test="world-drop"
              kind="quiet"
            />
          </div>
          <dl class="facts">
            {world.domains.slice(0, 10).map((domain) => (
              <>
                <dt>{domain.name}</dt>
                <dd>
                  {domain.accounts.slice(0, shown === world.id ? 100 : 12).map((account) => (
                    <span key={account.login} class="place">
                      <Go to={{ world: world.id, view: "mailboxes", path: [account.login] }}>{account.name}</Go>
                      <CopyButton text={account.password} label={`Copy the password of ${account.login}`} test="password-copy" />
                    </span>
                  ))}
                  {domain.accounts.length > 12 && shown !== world.id && (
                    <Go to={{ view: "worlds", path: [world.id] }} class="quiet">
                      and {domain.accounts.length - 12} more
                    </Go>
                  )}
                  {domain.accounts.length === 0 && <span class="quiet">no accounts</span>}
                </dd>
              </>
            ))}
            <dt>App user</dt>
            <dd>
              <span class="place">
                <code>{world.app.user}</code>
                <CopyButton text={world.app.password} label="Copy the app user's password" test="app-copy" />
              </span>
            </dd>
            <dt>Ports</dt>
            <dd>
              <Ports world={world.id} ports={world.ports} onChanged={loaded.again} />
            </dd>
          </dl>
          <Snapshots world={world.id} onChanged={loaded.again} />
        </section>
      ))}
      {isNew && <NewWorld onClose={() => setNew(false)} onMade={loaded.again} />}
      {question && <Sure title={question.title} text={question.text} does={question.does} onYes={() => void question.act()} onNo={() => setQuestion(null)} />}
    </div>
  );
}
