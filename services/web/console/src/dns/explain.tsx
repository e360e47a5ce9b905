/** Why mail for an address goes where it goes: each question to the name server, its answer, and what the store does. */

import { useState } from "preact/hooks";
import { api } from "../base/api.ts";
import { Icon } from "../base/icon.tsx";
import { useLoaded } from "../base/load.ts";
import { go, place, world } from "../base/place.ts";
import { Go } from "../base/ui.tsx";

interface Explained {
  readonly address: string;
  readonly domain: string;
  readonly outcome: "routed" | "deferred" | "failed";
  readonly status: string | null;
  readonly reason: string | null;
  readonly questions: readonly { name: string; type: string; answer: string; records: readonly string[]; reason: string | null }[];
  readonly servers: readonly { host: string; address: string }[];
  readonly steps: readonly { address: string; rule: "account" | "alias" | "catch-all" | "capture" | "unknown"; to: readonly string[] }[];
}

export function Explain() {
  const asked = place.value.query["address"] ?? "";
  const [text, setText] = useState(asked);
  const loaded = useLoaded((signal) => (asked ? api.get<Explained>("explain", { address: asked }, signal) : Promise.resolve(null)), [asked, world.value]);
  const told = loaded.value;
  return (
    <section class="content explain" aria-label="Where does mail go?">
      <header>
        <h1>Where does mail go?</h1>
      </header>
      <form
        class="ask"
        onSubmit={(event) => {
          event.preventDefault();
          go({ view: "dns", path: ["explain"], query: { address: text.trim() } });
          if (text.trim() === asked) loaded.again();
        }}
      >
        <input value={text} onInput={(event) => setText(event.currentTarget.value)} placeholder="bob@beta.test" aria-label="Address or domain" spellcheck={false} autocapitalize="off" data-test="explain-address" />
        <button type="submit" class="button primary" data-test="explain">
          Explain
        </button>
      </form>
      {asked === "" && <p class="quiet">The relay is asked where it would send mail for this address now. Each question that it puts to the name server is shown with its answer.</p>}
      {loaded.error !== null && (
        <p class="problem" role="alert">
          {loaded.error}
        </p>
      )}
      {told && asked !== "" && (
        <ol class="way" data-test="explained">
          {told.questions.map((question, index) => (
            <li key={index} class={question.answer === "records" ? "good" : question.answer === "trouble" ? "bad" : "none"} data-test="question">
              <Icon name="dns" />
              <div>
                <p>
                  <code>
                    {question.name} {question.type}
                  </code>{" "}
                  <span class="quiet">{index === 0 ? "Which servers take mail for the domain?" : "What is the server's address?"}</span>
                </p>
                {question.records.length > 0 ? (
                  <ul>
                    {question.records.map((record) => (
                      <li key={record}>
                        <code>{record}</code>
                      </li>
                    ))}
                  </ul>
                ) : (
                  <p class="said">
                    {question.answer === "no data"
                      ? question.type === "MX"
                        ? "There are none, so the domain's own address counts (implicit MX, RFC 5321 §5.1)."
                        : "There is none."
                      : question.answer === "no such domain"
                        ? "The domain does not exist (NXDOMAIN)."
                        : `No usable answer: ${question.reason ?? ""}.`}
                  </p>
                )}
              </div>
            </li>
          ))}
          <li class={told.outcome === "routed" ? "good" : "bad"} data-test="outcome">
            <Icon name={told.outcome === "routed" ? "release" : "alert"} />
            <div>
              {told.outcome === "routed" ? (
                <p>
                  The relay connects to{" "}
                  {told.servers.map((server, index) => (
                    <span key={index}>
                      {index > 0 && ", then "}
                      <strong>{server.host}</strong> <span class="quiet">{server.address}</span>
                    </span>
                  ))}
                  .
                </p>
              ) : (
                <p>
                  {told.outcome === "deferred" ? "The relay tries again later" : "The relay gives up"}: <code>{told.status}</code> {told.reason}.
                </p>
              )}
            </div>
          </li>
          {told.outcome === "routed" &&
            told.steps.map((step, index) => (
              <li key={`s${index}`} class={step.rule === "unknown" ? "bad" : "good"} data-test="step">
                <Icon name={step.rule === "account" ? "mailboxes" : step.rule === "unknown" ? "alert" : "worlds"} />
                <div>
                  <p>
                    {step.rule === "account" ? (
                      <>
                        It is delivered to <Go to={{ view: "mailboxes", path: [step.to[0] ?? ""] }}>{step.to[0]}</Go>.
                      </>
                    ) : step.rule === "unknown" ? (
                      <>
                        There is no <strong>{step.address}</strong>: the store refuses it with 550 5.1.1, or makes the account (POSTROAD_UNKNOWN_USERS).
                      </>
                    ) : step.rule === "capture" ? (
                      <>
                        The world does not know the domain, so it is captured by <strong>{step.to.join(", ")}</strong>.
                      </>
                    ) : (
                      <>
                        {step.rule === "alias" ? "The alias" : "The catch-all takes it:"} <strong>{step.address}</strong> leads to <strong>{step.to.join(", ")}</strong>.
                      </>
                    )}
                  </p>
                </div>
              </li>
            ))}
        </ol>
      )}
    </section>
  );
}
