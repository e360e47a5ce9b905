/** The view Mail: the list, and beside or above it the message that is open. */

import { useEffect, useState } from "preact/hooks";
import { useKeys } from "../base/keys.ts";
import { lazy, Suspense } from "../base/lazy.tsx";
import { go, place, urlOf } from "../base/place.ts";
import { Button, Empty } from "../base/ui.tsx";
import { Bar } from "./bar.tsx";
import { List } from "./list.tsx";
import type { Letter } from "./letter.ts";
import { cursor, failure, isLoading, listing, query, revision } from "./store.ts";

const MessageView = lazy(async () => (await import("./message.tsx")).MessageView);
const Compose = lazy(async () => (await import("./compose.tsx")).Compose);

export default function Mail() {
  const [letter, setLetter] = useState<Letter | null>(null);
  void revision.value;
  const openId = place.value.path[0] ?? null;
  const close = (): void => {
    if (openId === null) return;
    cursor.value = listing.find(openId)?.number ?? cursor.peek();
    go({ view: "mail", path: [], query: query.peek() ? { q: query.peek() } : {} });
  };
  useEffect(() => {
    const write = new URLSearchParams(location.search).get("write");
    if (write !== null) setLetter({ to: write });
  }, []);
  useKeys([
    { keys: ["c"], does: "Write a message", group: "Everywhere", act: () => setLetter({}) },
  ]);
  return (
    <div class={`mail${openId === null ? "" : " reading"}`}>
      <section class="left" aria-label="List of messages">
        {openId === null && <h1 class="hidden">Mail</h1>}
        <Bar onCompose={() => setLetter({})} />
        {failure.value !== null ? (
          <Empty icon="alert" title="The list can't be had">
            <p data-test="failure">{failure.value}</p>
          </Empty>
        ) : listing.rows === 0 && !isLoading.value ? (
          <Nothing onCompose={() => setLetter({})} />
        ) : (
          <List openId={openId} isWideForced={openId === null} />
        )}
      </section>
      {openId !== null && (
        <Suspense fallback={<section class="message" aria-busy="true" />}>
          <MessageView id={openId} onClose={close} onWrite={setLetter} />
        </Suspense>
      )}
      {letter !== null && (
        <Suspense fallback={null}>
          <Compose letter={letter} onClose={() => setLetter(null)} />
        </Suspense>
      )}
    </div>
  );
}

function Nothing({ onCompose }: { onCompose: () => void }) {
  if (query.value) {
    return (
      <Empty icon="search" title="Nothing matches">
        <p>
          No message is found by <code>{query.value}</code>.
        </p>
      </Empty>
    );
  }
  return (
    <Empty icon="mail" title="No mail yet">
      <p>
        Point your app at <code>localhost:1025</code>, or look at <a href={urlOf({ view: "connect" })}>how to connect</a>. Mail shows here as it
        arrives.
      </p>
      <Button label="Write a message" icon="compose" onClick={onCompose} test="compose-first" kind="primary">
        Write a message
      </Button>
    </Empty>
  );
}
