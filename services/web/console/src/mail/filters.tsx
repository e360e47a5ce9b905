/** Filters beside the list: states, tags, accounts. Each is a term of the query. */

import { useEffect } from "preact/hooks";
import { listen } from "../base/events.ts";
import { place } from "../base/place.ts";
import { Go } from "../base/ui.tsx";
import type { Happening } from "../base/types.ts";
import { accounts, learn, places, tags } from "./known.ts";
import { query, unreadOfAll } from "./store.ts";
import { hasTerm, term, toggled } from "./terms.ts";

function Filter({ of, children, count, test }: { of: string; children: string; count?: number | undefined; test: string }) {
  const isOn = place.value.view === "mail" && hasTerm(query.value, of);
  const next = toggled(query.value, of);
  return (
    <Go to={{ view: "mail", query: next ? { q: next } : {} }} class={isOn ? "filter on" : "filter"} aria-current={isOn} data-test={test}>
      <span class="name">{children}</span>
      {count ? <span class="count">{count}</span> : null}
    </Go>
  );
}

const STATES = [
  ["state:delivered", "Delivered"],
  ["state:deferred", "Deferred"],
  ["state:failed", "Bounced"],
  ["state:captured", "Captured"],
] as const;

/** Whether something that has happened may change what is listed here. */
function isNews({ kind, message }: Happening): boolean {
  if (message === null || !("state" in message)) return true;
  if (kind === "tags" || (kind === "arrived" && message.tags.length > 0)) return true;
  if (message.tags.some((tag) => !tags.value.some(({ name }) => name === tag))) return true;
  const copies = message.recipients.flatMap((recipient) => recipient.copies);
  return copies.some((copy) => !accounts.value.some(({ login, messages }) => login === copy.account && messages > 0));
}

export function Filters() {
  useEffect(() => {
    void learn();
    let due = 0;
    const stop = listen((happenings) => {
      if (!happenings.some(isNews)) return;
      due ||= window.setTimeout(() => {
        due = 0;
        void learn();
      }, 500);
    });
    return () => (clearTimeout(due), stop());
  }, [place.value.world]);
  const mailboxes = places.value;
  const domains = new Map<string, string[]>();
  for (const account of accounts.value) {
    if (!account.messages) continue;
    domains.set(account.domain, [...(domains.get(account.domain) ?? []), account.login]);
  }
  return (
    <div class="filters" data-test="filters">
      <Filter of="is:unread" test="filter-unread" count={unreadOfAll.value}>
        Unread
      </Filter>
      <Filter of="has:attachment" test="filter-attachment">
        With attachments
      </Filter>
      {STATES.map(([of, name]) => (
        <Filter key={of} of={of} test={`filter-${name.toLowerCase()}`}>
          {name}
        </Filter>
      ))}
      {tags.value.length > 0 && <h3>Tags</h3>}
      {tags.value.slice(0, 12).map(({ name, messages }) => (
        <Filter key={name} of={term("tag", name)} count={messages} test="filter-tag">
          {name}
        </Filter>
      ))}
      {mailboxes.length > 1 && <h3>Mailboxes</h3>}
      {mailboxes.length > 1 &&
        mailboxes.slice(0, 8).map((name) => (
          <Filter key={name} of={term("mailbox", name)} test="filter-mailbox">
            {name}
          </Filter>
        ))}
      {[...domains].slice(0, 20).map(([domain, logins]) => (
        <div key={domain}>
          <h3 title={domain}>
            <Go to={{ view: "mail", query: { q: term("rcpt", `@${domain}`) } }} data-test="filter-domain">
              {domain}
            </Go>
          </h3>
          {logins.slice(0, 20).map((login) => (
            <Filter key={login} of={term("account", login)} test="filter-account">
              {login.slice(0, login.lastIndexOf("@"))}
            </Filter>
          ))}
        </div>
      ))}
    </div>
  );
}
