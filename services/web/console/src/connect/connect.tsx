/** The view Connect: where each protocol is spoken, who may log in, the CA, and snippets for common libraries. */

import { useState } from "preact/hooks";
import { api } from "../base/api.ts";
import { useLoaded } from "../base/load.ts";
import { world } from "../base/place.ts";
import { ALL_WORLDS, DEFAULT_WORLD } from "../base/route.ts";
import { CopyButton, Go } from "../base/ui.tsx";
import type { Account } from "../mail/known.ts";
import type { World } from "../worlds/types.ts";
import { SNIPPETS, type Places } from "./snippets.ts";

interface Answer {
  readonly endpoints: Places;
  readonly ca: string | null;
}

const DOORS: readonly (readonly [keyof Places, string, string])[] = [
  ["world", "This world's app", "SMTP from anybody for anybody: all of it is this world's mail"],
  ["app", "Your app", "SMTP from anybody for anybody: no TLS, with any login or none"],
  ["submission", "Submission", "SMTP with STARTTLS, and an account's password"],
  ["submissions", "Submission", "SMTP over TLS, and an account's password"],
  ["smtp", "Other servers", "SMTP, as a mail exchanger takes it"],
  ["imap", "Mail client", "IMAP with STARTTLS"],
  ["imaps", "Mail client", "IMAP over TLS"],
  ["pop3", "Mail client", "POP3 with STLS"],
  ["pop3s", "Mail client", "POP3 over TLS"],
  ["sieve", "Scripts", "ManageSieve"],
  ["dns", "Names", "DNS, over UDP and TCP"],
];

export default function Connect() {
  const loaded = useLoaded((signal) => api.get<Answer>("endpoints", {}, signal), [world.value]);
  const accounts = useLoaded((signal) => api.get<{ accounts: readonly Account[] }>("accounts", { limit: 50 }, signal), [world.value]);
  const isMade = world.value !== DEFAULT_WORLD && world.value !== ALL_WORLDS;
  const chosen = useLoaded(async (signal) => (isMade ? api.get<World>(["worlds", world.value], {}, signal) : null), [world.value], { keep: false });
  const [shown, setShown] = useState(SNIPPETS[0]?.name ?? "");
  const own = chosen.value?.ports[0];
  const places: Places | undefined = loaded.value && { ...loaded.value.endpoints, ...(own && { world: own }) };
  const snippet = SNIPPETS.find(({ name }) => name === shown);
  const logins = (accounts.value?.accounts ?? []).filter((account) => account.in_world_file && !account.capture).map(({ login }) => login);
  const code = snippet && places?.app ? snippet.code(places, logins[0] ?? "alice@alpha.test") : "";
  const ca = loaded.value?.ca ?? null;
  return (
    <div class="page connect">
      <header>
        <h1>Connect</h1>
      </header>
      {loaded.error !== null && <p class="problem">{loaded.error}</p>}
      <div class="two">
        <section>
          <h2>Where the protocols are spoken</h2>
          <table class="grid" data-test="endpoints">
            <tbody>
              {DOORS.map(([name, who, how]) => {
                const at = places?.[name];
                if (!at) return null;
                const text = `${at.host}:${at.port}`;
                return (
                  <tr key={name}>
                    <th scope="row">{who}</th>
                    <td class="quiet">{how}</td>
                    <td>
                      <span class="place">
                        <code data-test={`endpoint-${name}`}>{text}</code>
                        <CopyButton text={text} label={`Copy ${text}`} test="endpoint-copy" />
                      </span>
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </section>
        <section>
          <h2>Accounts</h2>
          <p class="quiet">The login name is the whole address, and the password is the one of the world file.</p>
          <ul class="logins" data-test="logins">
            {logins.map((login) => (
              <li key={login}>
                <Go to={{ view: "mailboxes", path: [login] }}>{login}</Go>
                <CopyButton text={login} label={`Copy ${login}`} test="login-copy" />
              </li>
            ))}
          </ul>
          <h2>The certificate authority</h2>
          {ca === null ? (
            <p class="quiet">It can't be read here. `make ca` writes it to a file.</p>
          ) : (
            <p>
              Clients that check certificates have to trust it.{" "}
              <a href={`data:application/x-pem-file,${encodeURIComponent(ca)}`} download="postroad-ca.pem" data-outside data-test="ca">
                Download postroad-ca.pem
              </a>{" "}
              <CopyButton text={ca} label="Copy the certificate" test="ca-copy" />
            </p>
          )}
        </section>
      </div>
      <section>
        <h2>Send from your app</h2>
        <div class="snippets" role="tablist" aria-label="Libraries">
          {SNIPPETS.map(({ name }) => (
            <button key={name} type="button" role="tab" aria-selected={name === shown} onClick={() => setShown(name)} data-test="snippet">
              {name}
            </button>
          ))}
        </div>
        <div class="copyable" role="tabpanel" aria-label={shown}>
          <pre class="code" data-test="snippet-code" tabIndex={0}>
            {code}
          </pre>
          <CopyButton text={code} label="Copy the snippet" test="snippet-copy" />
        </div>
      </section>
    </div>
  );
}
