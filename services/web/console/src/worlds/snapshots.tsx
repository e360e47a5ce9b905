/** The snapshots of one world. */

import { useState } from "preact/hooks";
import { api } from "../base/api.ts";
import { count, moment } from "../base/format.ts";
import { useLoaded } from "../base/load.ts";
import { tell, tried } from "../base/toast.tsx";
import { Button, Sure } from "../base/ui.tsx";
import type { Snapshot } from "./types.ts";

export function Snapshots({ world, onChanged }: { world: string; onChanged: () => void }) {
  const loaded = useLoaded((signal) => api.get<{ snapshots: readonly Snapshot[] }>(["worlds", world, "snapshots"], {}, signal), [world]);
  const [name, setName] = useState("");
  const [restoring, setRestoring] = useState<Snapshot | null>(null);
  const done = async (work: Promise<unknown>, said: string): Promise<void> => {
    if (await tried(work.then(() => true))) tell(said);
    loaded.again();
    onChanged();
  };
  if (loaded.value === undefined) return null;
  return (
    <div class="snapshots">
      {loaded.value.snapshots.map((snapshot) => (
        <span key={snapshot.name} class="snapshot" data-test="snapshot" title={moment(snapshot.taken)}>
          <strong>{snapshot.name}</strong>
          <span class="quiet">{count(snapshot.messages, "message")}</span>
          <Button icon="refresh" label={`Restore ${snapshot.name}`} onClick={() => setRestoring(snapshot)} test="restore" kind="quiet" />
          <Button icon="close" label={`Delete ${snapshot.name}`} onClick={() => void done(api.delete(["worlds", world, "snapshots", snapshot.name]), "The snapshot is deleted")} test="snapshot-delete" kind="quiet" />
        </span>
      ))}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const wanted = name.trim();
          if (!wanted) return;
          setName("");
          void done(api.post(["worlds", world, "snapshots"], { name: wanted }), `The snapshot ${wanted} is taken`);
        }}
      >
        <input class="small" value={name} placeholder="Snapshot …" aria-label={`Name of a snapshot of ${world}`} maxLength={60} onInput={(event) => setName(event.currentTarget.value)} data-test="snapshot-name" />
        <button type="submit" class="button quiet" disabled={!name.trim()} data-test="snapshot-take">
          Take
        </button>
      </form>
      {restoring && (
        <Sure
          title={`Restore ${restoring.name}?`}
          text={`Mailboxes and queue are as they were on ${moment(restoring.taken)}, and what has come since is gone.`}
          does="Restore"
          onYes={() => void done(api.post(["worlds", world, "snapshots", restoring.name, "restore"]), `${restoring.name} is restored`)}
          onNo={() => setRestoring(null)}
        />
      )}
    </div>
  );
}
