/** Who wrote a message to whom, by the header and by the envelope, and what became of each copy. */

import { useState } from "preact/hooks";
import { suspicion } from "../base/careful.ts";
import { duration, moment } from "../base/format.ts";
import { Icon } from "../base/icon.tsx";
import { useTicking } from "../base/load.ts";
import { Go, StateMark, Text } from "../base/ui.tsx";
import type { Message, Person, Recipient } from "../base/types.ts";
import { term } from "./terms.ts";

const MOST = 8; // people or recipients that are shown at first

function Someone({ person, keyword }: { person: Person; keyword: string }) {
  const odd = suspicion(person.name, person.address);
  return (
    <span class="person">
      <Go to={{ view: "mail", query: { q: term(keyword, person.address || person.name) } }} title={`Messages with ${keyword} ${person.address}`}>
        {person.name && (
          <>
            <Text of={person.name} />{" "}
          </>
        )}
        <span class="address">
          <Text of={person.name ? `<${person.address}>` : person.address} />
        </span>
      </Go>
      {odd && (
        <span class="odd" title={odd} data-test="odd">
          <Icon name="alert" size={13} />
          <span class="hidden">{odd}</span>
        </span>
      )}
    </span>
  );
}

function People({ name, keyword, people }: { name: string; keyword: string; people: readonly Person[] }) {
  const [isAll, setAll] = useState(false);
  if (people.length === 0) return null;
  const shown = isAll ? people : people.slice(0, MOST);
  return (
    <>
      <dt>{name}</dt>
      <dd data-test={`head-${keyword}`}>
        {shown.map((person, index) => (
          <Someone key={index} person={person} keyword={keyword} />
        ))}
        {people.length > shown.length && (
          <button type="button" class="more" onClick={() => setAll(true)}>
            {people.length - shown.length} more
          </button>
        )}
      </dd>
    </>
  );
}

export function Envelope({ message }: { message: Message }) {
  const [isAll, setAll] = useState(false);
  const recipients = isAll ? message.recipients : message.recipients.slice(0, MOST);
  const differs = message.sender !== null && !message.from.some(({ address }) => address.toLowerCase() === message.sender?.toLowerCase());
  return (
    <div class="envelope">
      <dl>
        <People name="From" keyword="from" people={message.from} />
        {(differs || message.sender === null || message.from.length === 0) && (
          <>
            <dt>Sender</dt>
            <dd>
              <span class="address">{message.sender === null ? "<> (a notification)" : <Text of={message.sender} />}</span>
            </dd>
          </>
        )}
        <People name="To" keyword="to" people={message.to} />
        <People name="Cc" keyword="cc" people={message.cc} />
        <People name="Bcc" keyword="bcc" people={message.bcc} />
        <People name="Reply to" keyword="reply-to" people={message.reply_to} />
        <dt>Arrived</dt>
        <dd>
          <time dateTime={message.arrived}>{moment(message.arrived)}</time>{" "}
          <span class="quiet">
            by {message.protocol || message.origin}
            {message.tls ? `, ${message.tls}` : ""}
            {message.login ? `, as ${message.login}` : ""}
          </span>
        </dd>
        {message.about && (
          <>
            <dt>About</dt>
            <dd>
              <Go to={{ view: "mail", path: [message.about] }}>{message.about}</Go>
            </dd>
          </>
        )}
      </dl>
      <ul class="recipients" aria-label="Recipients">
        {recipients.map((recipient) => (
          <Delivery key={recipient.address} recipient={recipient} />
        ))}
        {message.recipients.length > recipients.length && (
          <li>
            <button type="button" class="more" onClick={() => setAll(true)}>
              {message.recipients.length - recipients.length} more recipients
            </button>
          </li>
        )}
      </ul>
    </div>
  );
}

function Delivery({ recipient }: { recipient: Recipient }) {
  const copies = recipient.copies.filter(({ removed }) => !removed);
  return (
    <li class="recipient" data-test="recipient">
      <StateMark state={recipient.state} />
      <span class="address">
        <Text of={recipient.address} />
      </span>
      {recipient.due && recipient.state === "deferred" && <Countdown due={recipient.due} />}
      {copies.map((copy) => (
        <Go key={`${copy.account} ${copy.mailbox} ${copy.uid}`} to={{ view: "mailboxes", path: [copy.account, copy.mailbox, String(copy.uid)] }} class="copy">
          {copy.account === recipient.address ? copy.mailbox : `${copy.account}: ${copy.mailbox}`}
          <span class="quiet"> UID {copy.uid}</span>
        </Go>
      ))}
      {recipient.reason && recipient.state !== "delivered" && recipient.state !== "captured" && (
        <span class="reason">
          {recipient.host && <span class="quiet">{recipient.host}: </span>}
          <Text of={recipient.reason} />
        </span>
      )}
    </li>
  );
}

/** The time until the next attempt. */
export function Countdown({ due }: { due: string }) {
  const [now, setNow] = useState(Date.now());
  useTicking(1000, () => setNow(Date.now()));
  const left = (Date.parse(due) - now) / 1000;
  return (
    <span class="countdown" data-test="countdown" title={moment(due)}>
      {left <= 0 ? "next try now" : `next try in ${duration(left)}`}
    </span>
  );
}
