/** The way of a message, drawn as a line of time: from the client to the relay, by DNS to the MX, into the store, to the reader. */

import { useEffect } from "preact/hooks";
import { api } from "../base/api.ts";
import { listen } from "../base/events.ts";
import { clock, duration, moment } from "../base/format.ts";
import { Icon, type IconName } from "../base/icon.tsx";
import { useLoaded } from "../base/load.ts";
import { Empty, Go, Text } from "../base/ui.tsx";
import type { Message } from "../base/types.ts";
import { ClockBar } from "../queue/clock.tsx";
import { Countdown } from "./envelope.tsx";
import { answerOf, tellsOf, type Hop, type Road as Way } from "./hops.ts";

const ICONS: Record<string, IconName> = {
  submission: "compose",
  dns: "dns",
  attempt: "release",
  delivery: "mailboxes",
  captured: "mailboxes",
  copy: "copy",
  read: "read",
  report: "alert",
  delivered: "check",
  deferred: "clock",
  failed: "close",
  expired: "close",
  refused: "close",
  held: "pause",
  released: "play",
  dropped: "trash",
  removed: "trash",
  filtered: "tag",
};

export function Road({ message }: { message: Message }) {
  const road = useLoaded((signal) => api.get<Way>(["messages", message.id, "road"], {}, signal), [message.id]);
  useEffect(
    () =>
      listen((happenings) => {
        if (happenings.some((happening) => happening.message?.id === message.id)) road.again();
      }),
    [message.id],
  );
  if (road.error !== null && !road.value) {
    return (
      <Empty icon="road" title="The road can't be had">
        <p>{road.error}</p>
      </Empty>
    );
  }
  if (!road.value) return <p class="quiet">…</p>;
  return (
    <div class="road" data-test="road">
      <ol>
        {road.value.hops.map((hop, index) => (
          <HopView key={index} hop={hop} />
        ))}
      </ol>
      {road.value.next_attempts.length > 0 && (
        <div class="coming" data-test="next-attempts">
          {road.value.next_attempts.map((next) => (
            <p key={next.recipient}>
              <Icon name="clock" size={14} /> <Text of={next.recipient} />: {next.due === null ? "held" : <Countdown due={next.due} />}
            </p>
          ))}
          <ClockBar onPushed={road.again} isSmall />
        </div>
      )}
    </div>
  );
}

function HopView({ hop }: { hop: Hop }) {
  const answer = answerOf(hop);
  return (
    <li class={`hop ${hop.kind} ${answer.state}`} data-test="hop" data-kind={hop.kind}>
      <span class="mark">
        <Icon name={ICONS[hop.kind] ?? "road"} size={15} />
      </span>
      <div class="what">
        <p>
          <strong><Text of={tellsOf(hop)} /></strong> {hop.recipient && <span class="quiet"><Text of={hop.recipient} /></span>}
          {hop.tls && (
            <span class="tls" title={hop.tls}>
              <Icon name="key" size={12} /> {hop.tls}
            </span>
          )}
        </p>
        {answer.texts.map((text, index) => (
          <p key={index} class="reply">
            <Text of={text} />
          </p>
        ))}
        {hop.session !== null && (
          <Go to={{ view: "sessions", path: [hop.session], ...(hop.line === null ? {} : { hash: `L${hop.line}` }) }} class="spoken" data-test="hop-session">
            What was said{hop.line === null ? "" : `, line ${hop.line}`}
          </Go>
        )}
        {hop.children.length > 0 && (
          <ol class="branches">
            {hop.children.map((child, index) => (
              <HopView key={index} hop={child} />
            ))}
          </ol>
        )}
      </div>
      <span class="times">
        <time dateTime={hop.at} title={moment(hop.at)}>
          {clock(hop.at)}
        </time>
        {hop.latency !== null && hop.latency > 0 && <span class="quiet">+{duration(hop.latency)}</span>}
      </span>
    </li>
  );
}
