/** Sends a message out of Postroad's world, to a real server. */

import { useState } from "preact/hooks";
import { api, sentence } from "../base/api.ts";
import { tell } from "../base/toast.tsx";
import { Button, Dialog } from "../base/ui.tsx";
import type { Message } from "../base/types.ts";
import { addresses } from "./letter.ts";

export function Release({ message, onClose }: { message: Message; onClose: () => void }) {
  const [to, setTo] = useState(message.recipients.map(({ address }) => address).join(", "));
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const send = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await api.post(["messages", message.id, "release"], { to: addresses(to) });
      tell("The message has been released");
      onClose();
    } catch (error) {
      setProblem(sentence(error));
    }
    setBusy(false);
  };
  return (
    <Dialog title="Release to a real server" onClose={onClose} test="release-dialog">
      <p>The message leaves Postroad and goes to real people, by the server of POSTROAD_RELEASE.</p>
      <label>
        To
        <input value={to} onInput={(event) => setTo(event.currentTarget.value)} data-test="release-to" spellcheck={false} />
      </label>
      {problem !== null && (
        <p class="problem" role="alert" data-test="problem">
          {problem}
        </p>
      )}
      <div class="actions">
        <Button label="Cancel" onClick={onClose} test="no">
          Cancel
        </Button>
        <Button label="Release" onClick={() => void send()} test="yes" kind="primary" disabled={isBusy || addresses(to).length === 0}>
          Release
        </Button>
      </div>
    </Dialog>
  );
}
