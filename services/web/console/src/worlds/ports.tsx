/** A world's own ports, for apps that can't log in: opened, copied, closed. */

import { api } from "../base/api.ts";
import { tell, tried } from "../base/toast.tsx";
import { Button, CopyButton } from "../base/ui.tsx";
import type { Port } from "./types.ts";

export function Ports({ world, ports, onChanged }: { world: string; ports: readonly Port[]; onChanged: () => void }) {
  const change = async (work: Promise<unknown>, said: string): Promise<void> => {
    if (await tried(work.then(() => true))) tell(said);
    onChanged();
  };
  return (
    <>
      {ports.map(({ host, port }) => {
        const text = `${host}:${port}`;
        return (
          <span key={port} class="place" data-test="port">
            <code>{text}</code>
            <CopyButton text={text} label={`Copy ${text}`} test="port-copy" />
            <Button
              icon="trash"
              label={`Close ${text}`}
              onClick={() => void change(api.delete(["worlds", world, "ports", `${port}`]), `${text} is closed`)}
              test="port-close"
              kind="quiet"
            />
          </span>
        );
      })}
      <Button
        label="Open a port: all that comes by it is this world's mail"
        onClick={() => void change(api.post(["worlds", world, "ports"]), "A port is open")}
        test="port-open"
        kind="quiet"
      >
        Open a port
      </Button>
    </>
  );
}
