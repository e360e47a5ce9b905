/** Makes a world: a name, and who is in it. */

import { useState } from "preact/hooks";
import { api, sentence } from "../base/api.ts";
import { tell } from "../base/toast.tsx";
import { Button, Dialog } from "../base/ui.tsx";
import { learnWorlds } from "./switcher.tsx";
import type { World } from "./types.ts";

const DAY = 86_400;

export function NewWorld({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
  const [id, setId] = useState("");
  const [names, setNames] = useState("bob, ann");
  const [stays, setStays] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const make = async (): Promise<void> => {
    const accounts = names.split(/[\s,]+/).filter(Boolean).map((name) => ({ name }));
    try {
      const world = await api.post<World>("worlds", { ...(id.trim() ? { id: id.trim() } : {}), owner: "the console", ...(stays ? { ttl: null } : { ttl: DAY }), domains: [{ accounts }] });
      tell(`${world.id} is made`);
      void learnWorlds();
      onMade();
      onClose();
    } catch (error) {
      setProblem(sentence(error));
    }
  };
  return (
    <Dialog title="Make a world" onClose={onClose} test="world-dialog">
      <form
        class="letter"
        onSubmit={(event) => {
          event.preventDefault();
          void make();
        }}
      >
        <label>
          Name
          <input value={id} onInput={(event) => setId(event.currentTarget.value)} placeholder="a random one" spellcheck={false} autocapitalize="off" data-test="world-id" autofocus />
        </label>
        <label>
          Accounts
          <input value={names} onInput={(event) => setNames(event.currentTarget.value)} spellcheck={false} autocapitalize="off" data-test="world-accounts" />
        </label>
        <p class="quiet">
          Its domain is its name below test, such as {id.trim() || "checkout"}.test, and its passwords are random.
        </p>
        <label class="check">
          <input type="checkbox" checked={stays} onClick={() => setStays(!stays)} /> It stays until it is dropped; otherwise for a day.
        </label>
        {problem !== null && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <div class="actions">
          <span class="space" />
          <Button label="Cancel" onClick={onClose} test="no">
            Cancel
          </Button>
          <button type="submit" class="button primary" data-test="yes">
            Make it
          </button>
        </div>
      </form>
    </Dialog>
  );
}
