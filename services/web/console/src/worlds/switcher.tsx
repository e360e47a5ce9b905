/** Chooses the world that is shown. Where there is only one, there is nothing to choose. */

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api } from "../base/api.ts";
import { go, place } from "../base/place.ts";
import { ALL_WORLDS, DEFAULT_WORLD } from "../base/route.ts";

export interface WorldName {
  readonly id: string;
  readonly owner?: string | null;
}

export const worlds = signal<readonly WorldName[]>([]);

/** Ask anew which worlds there are. */
export async function learnWorlds(): Promise<void> {
  try {
    worlds.value = (await api.get<{ worlds: readonly WorldName[] }>("worlds", { limit: 200 })).worlds;
  } catch {
    // the last list stays
  }
}

export function Switcher() {
  const shown = place.value.world;
  useEffect(() => void learnWorlds(), []);
  const others = worlds.value.map(({ id }) => id).filter((id) => id !== DEFAULT_WORLD);
  if (others.length === 0 && shown === DEFAULT_WORLD) return null;
  const ids = [DEFAULT_WORLD, ...others];
  if (shown !== ALL_WORLDS && !ids.includes(shown)) ids.push(shown);
  return (
    <label class="switcher">
      <span class="hidden">World</span>
      <select
        value={shown}
        onFocus={() => void learnWorlds()}
        onChange={(event) => go({ world: event.currentTarget.value, view: place.peek().view })}
        data-test="world"
      >
        {ids.map((id) => (
          <option key={id} value={id}>
            {id === DEFAULT_WORLD ? "The default world" : id}
          </option>
        ))}
        <option value={ALL_WORLDS}>All worlds (to look at)</option>
      </select>
    </label>
  );
}
