/** The bar above the list: how many match, or what can be done to those that are selected. */

import { useState } from "preact/hooks";
import { count } from "../base/format.ts";
import { isReadOnly } from "../base/place.ts";
import { Button, Sure } from "../base/ui.tsx";
import { mark, remove, removeAll, tag, withTag, type Which } from "./actions.ts";
import { NOTHING, everything, size } from "./selection.ts";
import { isLoading, listing, query, revision, selection } from "./store.ts";
import { Tagger } from "./tagger.tsx";

export function Bar({ onCompose }: { onCompose: () => void }) {
  const [isSure, setSure] = useState(false);
  void revision.value;
  const picked = selection.value;
  const number = size(picked, listing.rows);
  const those = (): Which => (picked.all ? "all" : [...picked.some.keys()].flatMap((number) => listing.get(number) ?? []));
  const isAll = number > 0 && (picked.all || number === listing.rows);
  return (
    <div class="bar" role="toolbar" aria-label="Messages">
      <input
        type="checkbox"
        aria-label={isAll ? "Select nothing" : "Select all that match"}
        checked={isAll}
        indeterminate={number > 0 && !isAll}
        disabled={listing.rows === 0}
        onClick={() => (selection.value = number > 0 ? NOTHING : everything())}
        data-test="select-all"
      />
      {number > 0 ? (
        <>
          <strong class="number" data-test="selected" aria-live="polite">
            {count(number, "message")} selected
          </strong>
          <Button icon="read" label="Mark as read" onClick={() => void mark(those(), true)} test="mark-read" kind="quiet" />
          <Button icon="unread" label="Mark as unread" onClick={() => void mark(those(), false)} test="mark-unread" kind="quiet" hint="m" />
          {!picked.all && (
            <Tagger
              onTag={(name) => {
                const some = those();
                if (some !== "all") void tag(some, (tags) => withTag(tags, name), `${count(some.length, "message")} tagged ${name}`);
              }}
            />
          )}
          <Button
            icon="trash"
            label="Delete"
            hint="#"
            onClick={() => {
              const some = those();
              if (some === "all") setSure(true);
              else remove(some);
            }}
            test="delete"
            kind="quiet"
          />
          <Button label="Select nothing" icon="close" hint="Esc" onClick={() => (selection.value = NOTHING)} test="select-none" kind="quiet" />
        </>
      ) : (
        <>
          <span class="number" data-test="count">
            {isLoading.value && listing.rows === 0 ? "…" : count(listing.rows, "message")}
            {listing.unread > 0 && <span class="quiet">, {listing.unread} unread</span>}
          </span>
          <span class="space" />
          {listing.unread > 0 && <Button icon="read" label="Mark all as read" onClick={() => void mark("all", true)} test="read-all" kind="quiet" />}
          <Button icon="compose" label="Write a message" hint="c" onClick={onCompose} test="compose" kind="quiet" disabled={isReadOnly.value} />
        </>
      )}
      {isSure && (
        <Sure
          title="Delete all of these?"
          text={`${count(listing.total, "message")}${query.value ? ` that match “${query.value}”` : ""} will be gone from the console and the API. Mailboxes and the queue keep theirs.`}
          does="Delete"
          onYes={() => void removeAll()}
          onNo={() => setSure(false)}
        />
      )}
    </div>
  );
}
