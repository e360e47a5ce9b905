/** The messages of the same conversation: those that name each other in Message-ID, In-Reply-To and References. */

import { api } from "../base/api.ts";
import { moment, people } from "../base/format.ts";
import { useLoaded } from "../base/load.ts";
import { Go, StateMark, Text } from "../base/ui.tsx";
import type { Message, MessagePage } from "../base/types.ts";
import { threadQuery } from "./threading.ts";

export function Thread({ message }: { message: Message }) {
  const query = threadQuery(message);
  const found = useLoaded(
    async (signal) => (query ? await api.get<MessagePage>("messages", { query, order: "oldest", limit: 100 }, signal) : null),
    [query],
  );
  const messages = found.value?.messages ?? [];
  if (found.error !== null) return <p class="quiet">{found.error}</p>;
  if (found.isLoading && messages.length === 0) return <p class="quiet">…</p>;
  if (messages.length <= 1) return <p class="quiet" data-test="thread-none">No other message is of this conversation.</p>;
  return (
    <ol class="thread" data-test="thread">
      {messages.map((one) => (
        <li key={one.id} class={one.id === message.id ? "here" : undefined} aria-current={one.id === message.id}>
          <Go to={{ view: "mail", path: [one.id, "thread"] }}>
            <strong>
              <Text of={one.from.length ? people(one.from, 1) : (one.sender ?? "<>")} />
            </strong>
            <span>
              <Text of={one.subject || "(no subject)"} />
            </span>
            <span class="snippet">
              <Text of={one.snippet} />
            </span>
          </Go>
          <StateMark state={one.state} short />
          <time class="quiet" dateTime={one.arrived}>
            {moment(one.arrived)}
          </time>
        </li>
      ))}
    </ol>
  );
}
