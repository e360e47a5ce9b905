/** The header fields, and what they say of authentication and spam. */

import { useState } from "preact/hooks";
import { Text, CopyButton } from "../base/ui.tsx";

const NOTES = /^(authentication-results|arc-authentication-results|received-spf|dkim-signature|x-spam-.*|x-rspamd-.*)$/i;
const GOOD = /\b(spf|dkim|dmarc|arc)=pass\b|^pass\b/i;
const BAD = /\b(spf|dkim|dmarc|arc)=(fail|softfail|permerror|temperror|policy)\b|^(fail|softfail|permerror)\b|^yes\b/i;

interface Field {
  readonly name: string;
  readonly value: string;
}

export function Headers({ headers }: { headers: readonly Field[] }) {
  const [wanted, setWanted] = useState("");
  const notes = headers.filter(({ name }) => NOTES.test(name));
  const low = wanted.toLowerCase();
  const shown = headers.filter(({ name, value }) => !low || name.toLowerCase().includes(low) || value.toLowerCase().includes(low));
  return (
    <div class="headersview">
      <div class="strip">
        <input class="small" placeholder="Filter …" aria-label="Filter the header fields" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} data-test="headers-filter" />
        <CopyButton text={headers.map(({ name, value }) => `${name}: ${value}`).join("\n")} label="Copy the header" test="headers-copy" />
      </div>
      {notes.length > 0 && !low && (
        <ul class="notes" aria-label="Authentication and spam">
          {notes.map(({ name, value }, index) => (
            <li key={index} class={BAD.test(value) ? "bad" : GOOD.test(value) ? "good" : undefined}>
              <strong>{name}</strong> <Text of={value.slice(0, 400)} />
            </li>
          ))}
        </ul>
      )}
      <table class="headers" data-test="headers">
        <tbody>
          {shown.map(({ name, value }, index) => (
            <tr key={index}>
              <th scope="row">
                <Text of={name} />
              </th>
              <td>
                <Text of={value} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
