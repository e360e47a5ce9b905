/** A world's clock: how far it is ahead, and buttons that push it, so that retries of days happen now. */

import { useState } from "preact/hooks";
import { api } from "../base/api.ts";
import { duration } from "../base/format.ts";
import { useLoaded } from "../base/load.ts";
import { isReadOnly, world } from "../base/place.ts";
import { tell, tried } from "../base/toast.tsx";
import { Button } from "../base/ui.tsx";

interface Clock {
  readonly now: string;
  readonly ahead: number;
  readonly next: string | null;
}

export function ClockBar({ onPushed, isSmall = false }: { onPushed: () => void; isSmall?: boolean }) {
  const id = world.value;
  const clock = useLoaded((signal) => (id === "*" ? Promise.resolve(null) : api.get<Clock>(["worlds", id, "clock"], {}, signal)), [id]);
  const [isPushing, setPushing] = useState(false);
  const push = async (by: string): Promise<void> => {
    setPushing(true);
    const after = await tried(api.post<Clock>(["worlds", id, "clock"], { push: by }));
    setPushing(false);
    if (!after) return;
    clock.set(() => after);
    tell(by === "next" ? "The clock is at the next attempt" : `The clock is ${duration(after.ahead)} ahead`);
    onPushed();
  };
  if (!clock.value) return null;
  return (
    <span class="clock" role="group" aria-label="The clock of the world" data-test="clock">
      {!isSmall && clock.value.ahead > 0 && <span class="quiet number">{duration(clock.value.ahead)} ahead</span>}
      <Button icon="clock" label="Push the clock to the next attempt" onClick={() => void push("next")} test="push-next" disabled={isPushing || isReadOnly.value}>
        To the next try
      </Button>
      {!isSmall &&
        ["1h", "1d"].map((by) => (
          <Button key={by} label={`Push the clock by ${by === "1h" ? "an hour" : "a day"}`} onClick={() => void push(by)} test={`push-${by}`} disabled={isPushing || isReadOnly.value}>
            +{by}
          </Button>
        ))}
    </span>
  );
}
