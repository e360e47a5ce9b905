/** One message: who, what became of it, and its content in tabs. */

import { useEffect, useRef, useState } from "preact/hooks";
import { api, url } from "../base/api.ts";
import { listen } from "../base/events.ts";
import { count, size } from "../base/format.ts";
import { Icon } from "../base/icon.tsx";
import { useKeys } from "../base/keys.ts";
import { lazy, Suspense } from "../base/lazy.tsx";
import { useLoaded } from "../base/load.ts";
import { go, isReadOnly, place } from "../base/place.ts";
import { Button, Empty, Go, Tag, Text } from "../base/ui.tsx";
import type { Message, Summary } from "../base/types.ts";
import { mark, remove, tag, withTag, withoutTag } from "./actions.ts";
import { Attachments } from "./attachments.tsx";
import { Envelope } from "./envelope.tsx";
import { Extracts } from "./extracts.tsx";
import { Headers } from "./headers.tsx";
import { HtmlFrame } from "./htmlframe.tsx";
import { answer, type Letter } from "./letter.ts";
import { cursor, listing } from "./store.ts";
import { Tagger } from "./tagger.tsx";
import { PlainText } from "./plaintext.tsx";
import { Release } from "./release.tsx";

const Source = lazy(async () => (await import("./source.tsx")).Source);
const Check = lazy(async () => (await import("./check.tsx")).Check);
const Thread = lazy(async () => (await import("./thread.tsx")).Thread);
const Road = lazy(async () => (await import("./road.tsx")).Road);

const TABS = [
  ["html", "HTML"],
  ["text", "Text"],
  ["headers", "Headers"],
  ["source", "Source"],
  ["road", "Road"],
  ["thread", "Thread"],
  ["check", "Check"],
] as const;
type Tab = (typeof TABS)[number][0];

interface Props {
  id: string;
  onClose: () => void;
  onWrite: (letter: Letter) => void;
}

export function MessageView({ id, onClose, onWrite }: Props) {
  const loaded = useLoaded((signal) => api.get<Message>(["messages", id], {}, signal), [id, place.value.world], { keep: false });
  const message = loaded.value?.id === id || id === "latest" ? loaded.value : undefined;
  const [isReleasing, setReleasing] = useState(false);
  const title = useRef<HTMLHeadingElement>(null);

  useEffect(
    () =>
      listen((happenings) => {
        for (const { kind, message: told } of happenings) {
          if (told?.id !== id) continue;
          if (kind === "deleted") loaded.again();
          else if ("state" in told) loaded.set((before) => (before ? { ...before, ...(told as Summary) } : before));
        }
      }),
    [id],
  );
  useEffect(() => {
    if (message && !message.read) void mark([message], true, { quietly: true });
    if (message) cursor.value = message.number;
    // Who opens a message hears its subject, and can scroll it by the arrows; who writes goes on writing.
    const before = document.activeElement;
    if (message && (before === document.body || before?.closest(".list, .message"))) title.current?.focus({ preventScroll: true });
  }, [message?.id]);

  const content = message?.content ?? null;
  const asked = place.value.path[1];
  const wanted = TABS.find(([name]) => name === asked)?.[0];
  const tab: Tab = wanted && (wanted !== "html" || content?.html) ? wanted : content?.html ? "html" : "text";
  const show = (name: Tab): void => go({ view: "mail", path: [id, name], query: place.peek().query }, { replace: true });
  const drop = (): void => {
    if (!message) return;
    const row = listing.rowOf(message.number);
    remove([message]);
    const next = row < 0 ? undefined : listing.at(Math.min(row, listing.rows - 1));
    go({ view: "mail", path: next ? [next.id] : [], query: place.peek().query }, { replace: true });
  };
  const reply = (toAll: boolean): void => {
    if (message) onWrite(answer(message, { toAll }));
  };

  useKeys([
    { keys: ["Escape", "u"], does: "Back to the list", group: "Message", act: onClose },
    { keys: ["r"], does: "Reply", group: "Message", act: () => reply(false) },
    { keys: ["R"], does: "Reply to all", group: "Message", act: () => reply(true) },
    { keys: ["#", "Delete"], does: "Delete", group: "Message", act: drop },
    ...TABS.map(([name, label], index) => ({ keys: [String(index + 1)], does: label, group: "Message", act: () => show(name) })),
  ], 1);

  if (!message) {
    return (
      <section class="message" aria-label="Message" aria-busy={loaded.isLoading} data-test="message-view">
        <header class="tools">
          <Button icon="back" label="Back to the list" hint="Esc" onClick={onClose} test="back" kind="quiet" />
        </header>
        {loaded.error !== null && (
          <Empty icon="alert" title={loaded.status === 404 ? "There is no such message" : "The message can't be had"}>
            <p>{loaded.error}</p>
          </Empty>
        )}
      </section>
    );
  }
  const setTags = (change: (tags: readonly string[]) => readonly string[], said: string): void => void tag([message], change, said);
  return (
    <section class="message" aria-label="Message" data-test="message-view" data-id={message.id}>
      <div class="tools" role="toolbar" aria-label="Message">
        <Button icon="back" label="Back to the list" hint="Esc" onClick={onClose} test="back" kind="quiet" />
        <span class="space" />
        <Button icon="reply" label="Reply" hint="r" onClick={() => reply(false)} test="reply" kind="quiet" disabled={isReadOnly.value} />
        <Button icon="release" label="Release to a real server" onClick={() => setReleasing(true)} test="release" kind="quiet" disabled={isReadOnly.value} />
        <Button icon="unread" label="Mark as unread" onClick={() => (void mark([message], false), onClose())} test="mark-unread" kind="quiet" />
        <a class="button quiet bare" href={url(["messages", id, "raw"], { download: true })} download title="Download the message" aria-label="Download the message" data-test="download">
          <Icon name="download" />
        </a>
        <Button icon="trash" label="Delete" hint="#" onClick={drop} test="delete" kind="quiet" disabled={isReadOnly.value} />
      </div>
      <div class="body">
        <h1 class="title" data-test="title" ref={title} tabIndex={-1}>
          <Text of={message.subject || "(no subject)"} />
          <span class="tags">
            {message.tags.map((name) => (
              <Tag key={name} name={name} onRemove={() => setTags((tags) => withoutTag(tags, name), `The tag ${name} is removed`)} />
            ))}
            <Tagger onTag={(name) => setTags((tags) => withTag(tags, name), `Tagged ${name}`)} />
          </span>
        </h1>
        <Envelope message={message} />
        {content && <Extracts content={content} />}
        {content && <Attachments id={id} content={content} />}
        <div class="tabs" role="tablist" aria-label="Content">
          {TABS.map(([name, label]) => (
            <button
              key={name}
              type="button"
              role="tab"
              id={`tab-${name}`}
              aria-selected={name === tab}
              aria-controls="tabpanel"
              tabIndex={name === tab ? 0 : -1}
              disabled={name === "html" && content !== null && !content.html}
              onClick={() => show(name)}
              onKeyDown={(event) => {
                const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
                if (!by) return;
                event.preventDefault();
                const usable = TABS.filter(([one]) => one !== "html" || content?.html);
                const at = usable.findIndex(([name]) => name === tab);
                const [next] = usable[(at + by + usable.length) % usable.length] ?? [tab];
                show(next);
                document.getElementById(`tab-${next}`)?.focus();
              }}
              data-test={`tab-${name}`}
            >
              {label}
            </button>
          ))}
          <span class="space" />
          <span class="quiet size">{size(message.size)}</span>
        </div>
        <div class={`panel ${tab}`} role="tabpanel" id="tabpanel" aria-labelledby={`tab-${tab}`} data-test={`panel-${tab}`}>
          <Suspense fallback={<p class="quiet">…</p>}>
            {tab === "road" ? (
              <Road message={message} />
            ) : content === null ? (
              <Empty icon="file" title="The content is gone">
                <p>It has been removed from all mailboxes and from the queue. What is known of its road is still here.</p>
              </Empty>
            ) : tab === "html" ? (
              <HtmlFrame key={id} id={id} html={content.html} />
            ) : tab === "text" ? (
              <PlainText text={content.text} isMade={content.text_is_generated} />
            ) : tab === "headers" ? (
              <Headers headers={content.headers} />
            ) : tab === "source" ? (
              <Source key={id} id={id} content={content} size={message.size} />
            ) : tab === "thread" ? (
              <Thread message={message} />
            ) : (
              <Check key={id} id={id} content={content} />
            )}
          </Suspense>
        </div>
        {message.reports.length > 0 && (
          <p class="related" data-test="reports">
            {count(message.reports.length, "notification")} about it:{" "}
            {message.reports.map((report) => (
              <Go key={report} to={{ view: "mail", path: [report] }}>
                {report}
              </Go>
            ))}
          </p>
        )}
      </div>
      {isReleasing && <Release message={message} onClose={() => setReleasing(false)} />}
    </section>
  );
}
