/** The messages of the same conversation: those that name each other in Message-ID, In-Reply-To and References. */

import { api } from "../base/api.ts";
import { moment, people } from "../base/format.ts";
import { useLoaded } from "../base/load.ts";
import { Go, StateMark, Text } from "../base/ui.tsx";
import type { Message, MessagePage } from "../base/types.ts";
import { threadQuery } from "./threading.ts";

export function Thread({ message }: { message: Message }) {
  const query = threadQuery(message);
  const loaded = useLoaded(
    async (signal) => (query ? await api.get<MessagePage>("messages", { query, order: "oldest", limit: 100 }, signal) : null),
    [query],
  );
  const messages = loaded.value?.messages ?? [];
  if (loaded.error !== null) return <p class="quiet">{loaded.error}</p>;
  if (loaded.isLoading && messages.length === 0) return <p class="quiet">…</p>;
  if (messages.length <= 1) return <p class="quiet" data-test="thread-none">No other message is of this conversation.</p>;
  return (
    <ol class="thread" data-test="thread">
      {messages.map((other) => (
        <li key={other.id} class={other.id === message.id ? "here" : undefined} aria-current={other.id === message.id}>
          <Go to={{ view: "mail", path: [other.id, "thread"] }}>
            <strong>
              <Text of={other.from.length ? people(other.from, 1) : (other.sender ?? "<>")} />
            </strong>
            <span>
              <Text of={other.subject || "(no subject)"} />
            </span>
            <span class="snippet">
              <Text of={other.snippet} />
            </span>
          </Go>
          <StateMark state={other.state} short />
          <time class="quiet" dateTime={other.arrived}>
            {moment(other.arrived)}
          </time>
        </li>
      ))}
    </ol>
  );
}
