/** The keys that do something in what is shown now. */

import { boundKeys, type Key } from "./keys.ts";
import { Dialog } from "./ui.tsx";

const NAMED: Record<string, string> = { ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc", " ": "Space" };

export function Help({ onClose }: { onClose: () => void }) {
  const groups = new Map<string, Key[]>();
  for (const key of boundKeys()) groups.set(key.group, [...(groups.get(key.group) ?? []), key]);
  return (
    <Dialog title="Keys" onClose={onClose} test="help-dialog" wide>
      <div class="keys">
        {[...groups].map(([group, keys]) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {keys.map((key) => (
                <div key={key.keys.join()}>
                  <dt>
                    {key.keys.map((combination) => (
                      <kbd key={combination}>{combination.split(" ").map((part) => NAMED[part] ?? part).join(" ")}</kbd>
                    ))}
                  </dt>
                  <dd>{key.does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
