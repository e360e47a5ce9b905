/** One session: each line with who said it, when, and in which state of the protocol. */

import { Fragment } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { api, url } from "../base/api.ts";
import { clock, count, duration, moment, size } from "../base/format.ts";
import { Icon } from "../base/icon.tsx";
import { useLoaded } from "../base/load.ts";
import { place } from "../base/place.ts";
import { CopyButton, Empty, Go, Text } from "../base/ui.tsx";
import type { Line, Session, Transcript } from "./types.ts";

const FIRST = 1500; // lines that are shown at first

export function TranscriptView({ id, live }: { id: string; live: Session | undefined }) {
  const loaded = useLoaded((signal) => api.get<Transcript>(["sessions", id], {}, signal), [id]);
  const [isAll, setAll] = useState(false);
  const session = loaded.value;
  // What is told of a session that goes on has no lines: they are got anew.
  useEffect(() => {
    if (session && live && (session.ended === null || session.ended !== live.ended)) loaded.again();
  }, [live]);
  const wanted = Number(/^L(\d+)$/.exec(place.value.hash)?.[1] ?? NaN);
  const target = useRef<HTMLLIElement>(null);
  useEffect(() => target.current?.scrollIntoView({ block: "center" }), [session?.id, wanted]);
  if (!session) {
    return loaded.error === null ? (
      <section class="content" aria-busy="true" />
    ) : (
      <Empty icon="alert" title="The session can't be had">
        <p>{loaded.error}</p>
      </Empty>
    );
  }
  const lines = isAll || wanted > FIRST ? session.lines : session.lines.slice(0, FIRST);
  const began = Date.parse(session.began);
  return (
    <section class="content transcript" aria-label="Transcript" data-test="transcript">
      <header>
        <h1>
          <span class={`proto ${session.protocol}`}>{session.protocol}</span> {session.outbound ? `to ${session.peer}` : `from ${session.peer}`}
        </h1>
        <CopyButton text={() => api.text(["sessions", id, "dialogue"])} label="Copy as a dialogue" test="dialogue-copy" />
        <a href={url(["sessions", id, "dialogue"])} download={`${id}.txt`} class="button quiet" data-test="dialogue">
          <Icon name="download" /> Dialogue
        </a>
      </header>
      <p class="quiet about">
        {session.service} at {session.local}, {moment(session.began)}
        {session.ended === null ? ", still open" : `, for ${duration((Date.parse(session.ended) - began) / 1000)}`}
        {session.account && (
          <>
            , as <Text of={session.account} />
          </>
        )}
        {session.messages.length > 0 && ". "}
        {session.messages.slice(0, 8).map((message) => (
          <Go key={message} to={{ view: "mail", path: [message, "road"] }} class="mono">
            {message}{" "}
          </Go>
        ))}
        {session.messages.length > 8 && `and ${session.messages.length - 8} more`}
      </p>
      {session.omitted > 0 && <p class="quiet">About {size(session.omitted)} of it are not on record any more.</p>}
      <ol class="lines" data-test="lines">
        {lines.map((line, index) => {
          const before = lines[index - 1];
          const facts = session.facts.filter((fact) => fact.line === line.n);
          return (
            <Fragment key={line.n}>
              {line.state !== before?.state && (
                <li class="phase" aria-hidden="true">
                  {line.state}
                </li>
              )}
              {before && line.n > before.n + 1 && <li class="gap">{count(line.n - before.n - 1, "line")} not on record</li>}
              <li ref={line.n === wanted ? target : undefined} class={`said ${line.from}${line.n === wanted ? " wanted" : ""}`} id={`L${line.n}`} data-test="line" data-line={line.n}>
                <Go to={{ view: "sessions", path: [id], query: place.value.query, hash: `L${line.n}` }} class="when" title={clock(line.at)}>
                  {offset(Date.parse(line.at) - began)}
                </Go>
                <span class="speaker" title={line.from}>
                  {line.from === "client" ? "C" : "S"}
                  <span class="hidden"> {line.from === "client" ? "The client" : "The server"} says:</span>
                </span>
                <Said line={line} />
                {line.tls && (
                  <span class="lock" title="Inside TLS">
                    <Icon name="key" size={11} />
                  </span>
                )}
                {facts.flatMap((fact) => fact.messages).slice(0, 3).map((message) => (
                  <Go key={message} to={{ view: "mail", path: [message] }} class="fact mono">
                    {message}
                  </Go>
                ))}
              </li>
            </Fragment>
          );
        })}
      </ol>
      {session.lines.length > lines.length && (
        <button type="button" class="more" onClick={() => setAll(true)}>
          Show all {session.lines.length} lines
        </button>
      )}
    </section>
  );
}

function offset(milliseconds: number): string {
  return `+${(milliseconds / 1000).toFixed(3)}`;
}

function Said({ line }: { line: Line }) {
  if (line.reference) return <code class="text quiet">content, {size(line.reference.size)}</code>;
  if (!line.blank) {
    return (
      <code class="text">
        <Text of={line.text} />
      </code>
    );
  }
  // {?password} stands for a secret that nobody is shown.
  return (
    <code class="text">
      {line.text.split(/(\{\?[^}]*\})/).map((piece, index) =>
        /^\{\?/.test(piece) ? (
          <span key={index} class="secret" title="A secret, which is kept nowhere">
            {piece.slice(2, -1)}
          </span>
        ) : (
          <Text key={index} of={piece} />
        ),
      )}
    </code>
  );
}
