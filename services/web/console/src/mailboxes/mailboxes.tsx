/** The view Mailboxes: every account as IMAP sees it. */

import { api, url } from "../base/api.ts";
import { moment, size } from "../base/format.ts";
import { useLoaded, useTicking } from "../base/load.ts";
import { place, world } from "../base/place.ts";
import { Empty, Go, Text } from "../base/ui.tsx";
import type { Content } from "../base/types.ts";
import type { Account } from "../mail/known.ts";
import { term } from "../mail/terms.ts";
import { Headers } from "../mail/headers.tsx";
import type { Session } from "../sessions/types.ts";
import { PlainText } from "../mail/plaintext.tsx";

interface Mailbox {
  readonly name: string;
  readonly special_use: string | null;
  readonly selectable: boolean;
  readonly messages: number;
  readonly unseen: number;
  readonly uid_validity: number;
  readonly uid_next: number;
}

interface Stored {
  readonly uid: number;
  readonly flags: readonly string[];
  readonly internal_date: string;
  readonly size: number;
}

const PAGE = 500;

export default function Mailboxes() {
  const [login, name, uid] = place.value.path;
  const accounts = useLoaded((signal) => api.get<{ accounts: readonly Account[] }>("accounts", { limit: 1000 }, signal), [world.value]);
  const domains = new Map<string, Account[]>();
  for (const account of accounts.value?.accounts ?? []) domains.set(account.domain, [...(domains.get(account.domain) ?? []), account]);
  return (
    <div class="page columns mailboxes">
      <section class="column" aria-label="Accounts">
        {accounts.error !== null && <p class="problem">{accounts.error}</p>}
        {[...domains].map(([domain, those]) => (
          <div key={domain}>
            <h3>{domain}</h3>
            <ul class="choices">
              {those.map((account) => (
                <li key={account.login}>
                  <Go to={{ view: "mailboxes", path: [account.login] }} class={account.login === login ? "on" : undefined} aria-current={account.login === login} data-test="account">
                    <span class="name">{account.login.slice(0, account.login.lastIndexOf("@"))}</span>
                    {account.capture && <span class="quiet">captures</span>}
                    <span class="count">
                      {account.unseen > 0 && <strong>{account.unseen} / </strong>}
                      {account.messages}
                    </span>
                  </Go>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </section>
      {login === undefined ? (
        <Empty icon="mailboxes" title="Choose an account">
          <p>Its mailboxes are shown as an IMAP client sees them: UIDs, flags and keywords.</p>
        </Empty>
      ) : (
        <OfAccount key={login} login={login} account={accounts.value?.accounts.find((account) => account.login === login)} name={name} uid={uid} />
      )}
    </div>
  );
}

/** The sessions in which a client has logged in as the account and has not gone. */
function OpenNow({ login }: { login: string }) {
  const loaded = useLoaded((signal) => api.get<{ sessions: readonly Session[] }>("sessions", { account: login, limit: 50 }, signal), [login]);
  useTicking(3000, loaded.again);
  const open = loaded.value?.sessions.filter((session) => session.ended === null && !session.outbound) ?? [];
  if (open.length === 0) return null;
  return (
    <p class="open-now" data-test="open-now">
      Open now:{" "}
      {open.map((session) => (
        <Go key={session.id} to={{ view: "sessions", path: [session.id] }}>
          {session.protocol.toUpperCase()} from {session.peer}{" "}
        </Go>
      ))}
    </p>
  );
}

function OfAccount({ login, account, name, uid }: { login: string; account: Account | undefined; name: string | undefined; uid: string | undefined }) {
  const boxes = useLoaded((signal) => api.get<{ mailboxes: readonly Mailbox[] }>(["accounts", login, "mailboxes"], {}, signal), [login]);
  // Others change mailboxes too, of which no event tells.
  useTicking(4000, boxes.again);
  const shown = boxes.value?.mailboxes.find((box) => box.name === name) ?? (name === undefined ? boxes.value?.mailboxes.find((box) => box.name === "INBOX") : undefined);
  return (
    <section class="content" aria-label={login}>
      <header>
        <h1>{login}</h1>
        <Go to={{ view: "mail", query: { q: term("account", login) } }}>Its messages</Go>
        <a href={url(["accounts", login, "mailboxes", shown?.name ?? "INBOX", "export"], { format: "mbox" })} download data-test="export">
          Export {shown?.name ?? "INBOX"}
        </a>
      </header>
      {account && (account.aliases.length > 0 || account.catch_all_of.length > 0) && (
        <p class="quiet">
          {account.aliases.length > 0 && `Also ${account.aliases.join(", ")}. `}
          {account.catch_all_of.length > 0 && `Catches all of ${account.catch_all_of.join(", ")}.`}
        </p>
      )}
      <OpenNow login={login} />
      {boxes.error !== null && <p class="problem">{boxes.error}</p>}
      {boxes.value?.mailboxes.length === 0 && <p class="quiet">It has no mailboxes yet: the first delivery or login makes them.</p>}
      <div class="scrolled">
        <table class="grid" data-test="mailboxes">
          <thead>
            <tr>
              <th scope="col">Mailbox</th>
              <th scope="col">Use</th>
              <th scope="col" class="number">Messages</th>
              <th scope="col" class="number">Unseen</th>
              <th scope="col" class="number">UIDVALIDITY</th>
              <th scope="col" class="number">UIDNEXT</th>
            </tr>
          </thead>
          <tbody>
            {boxes.value?.mailboxes.map((box) => (
              <tr key={box.name} class={box === shown ? "on" : undefined}>
                <th scope="row">
                  {box.selectable ? (
                    <Go to={{ view: "mailboxes", path: [login, box.name] }} data-test="mailbox">
                      <Text of={box.name} />
                    </Go>
                  ) : (
                    <Text of={box.name} />
                  )}
                </th>
                <td>{box.special_use && <code class="quiet">{box.special_use}</code>}</td>
                <td class="number">{box.messages}</td>
                <td class="number">{box.unseen || ""}</td>
                <td class="number">{box.uid_validity}</td>
                <td class="number">{box.uid_next}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown && uid === undefined && <Messages key={shown.name} login={login} box={shown} />}
      {shown && uid !== undefined && <One key={uid} login={login} name={shown.name} uid={uid} />}
    </section>
  );
}

function Messages({ login, box }: { login: string; box: Mailbox }) {
  // The newest have the highest UIDs; the API gives them from a UID on.
  const after = Math.max(0, box.uid_next - 1 - PAGE);
  const loaded = useLoaded(
    (signal) => api.get<{ messages: readonly Stored[] }>(["accounts", login, "mailboxes", box.name, "messages"], { after, limit: PAGE }, signal),
    [login, box.name, box.uid_next, box.messages],
  );
  if (loaded.error !== null) return <p class="problem">{loaded.error}</p>;
  if (box.messages === 0) return <p class="quiet">There are no messages in {box.name}.</p>;
  return (
    <div class="scrolled stored">
      <table class="grid" data-test="stored">
        <thead>
          <tr>
            <th scope="col" class="number">UID</th>
            <th scope="col">Flags and keywords</th>
            <th scope="col">Internal date</th>
            <th scope="col" class="number">Size</th>
          </tr>
        </thead>
        <tbody>
          {[...(loaded.value?.messages ?? [])].reverse().map((message) => (
            <tr key={message.uid}>
              <td class="number">
                <Go to={{ view: "mailboxes", path: [login, box.name, String(message.uid)] }} data-test="stored-open">
                  {message.uid}
                </Go>
              </td>
              <td>
                {message.flags.map((flag) => (
                  <code key={flag} class="flag">
                    {flag}
                  </code>
                ))}
                {message.flags.length === 0 && <span class="quiet">none</span>}
              </td>
              <td>{moment(message.internal_date)}</td>
              <td class="number">{size(message.size)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {after > 0 && <p class="quiet">Those with UIDs above {after} are shown.</p>}
    </div>
  );
}

function One({ login, name, uid }: { login: string; name: string; uid: string }) {
  const path = ["accounts", login, "mailboxes", name, "messages", uid];
  const loaded = useLoaded((signal) => api.get<Stored & { content: Content }>(path, {}, signal), [login, name, uid]);
  return (
    <div class="stored" data-test="stored-one">
      <header>
        <h2>
          {name}, UID {uid}
        </h2>
        <Go to={{ view: "mailboxes", path: [login, name] }}>All of {name}</Go>
        <a href={url([...path, "raw"])} download={`${uid}.eml`}>
          Save
        </a>
      </header>
      {loaded.error !== null && <p class="problem">{loaded.error}</p>}
      {loaded.value && (
        <>
          <p class="quiet">
            {loaded.value.flags.join(" ") || "No flags"}, {size(loaded.value.size)}, {moment(loaded.value.internal_date)}
          </p>
          <PlainText text={loaded.value.content.text} isMade={loaded.value.content.text_is_generated} />
          <Headers headers={loaded.value.content.headers} />
        </>
      )}
    </div>
  );
}
