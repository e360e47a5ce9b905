/** How well mail programs support the HTML and CSS of a message (caniemail's data). */

import { useState } from "preact/hooks";
import { api } from "../base/api.ts";
import { useLoaded } from "../base/load.ts";
import { Empty } from "../base/ui.tsx";
import type { Content } from "../base/types.ts";

interface Score {
  readonly supported: number;
  readonly partial: number;
  readonly unsupported: number;
}

interface Warning {
  readonly slug: string;
  readonly title: string;
  readonly category: string;
  readonly found: number;
  readonly url: string;
  readonly score: Score;
  readonly programs: readonly { name: string; support: "partial" | "no" }[];
}

interface Report {
  readonly total: Score & { tests: number };
  readonly warnings: readonly Warning[];
}

export function Check({ id, content }: { id: string; content: Content }) {
  const report = useLoaded((signal) => (content.html ? api.get<Report>(["messages", id, "html-check"], {}, signal) : Promise.resolve(null)), [id]);
  if (!content.html) return <p class="quiet">There is no HTML to be checked.</p>;
  if (report.error !== null) return <Empty icon="alert" title="The check can't be made"><p>{report.error}</p></Empty>;
  if (!report.value) return <p class="quiet">Checking …</p>;
  const { total, warnings } = report.value;
  return (
    <div class="checkview" data-test="check">
      <p class="score">
        <strong>{Math.round(total.supported)} %</strong> of mail programs show it as it is meant.
        <Bars score={total} />
      </p>
      {warnings.length === 0 && <p class="quiet">Nothing in it is a problem anywhere.</p>}
      <ul>
        {warnings.map((warning) => (
          <Found key={warning.slug} warning={warning} />
        ))}
      </ul>
    </div>
  );
}

function Bars({ score }: { score: Score }) {
  return (
    <span class="bars" aria-hidden="true">
      <span class="yes" style={{ flexGrow: score.supported }} />
      <span class="partial" style={{ flexGrow: score.partial }} />
      <span class="no" style={{ flexGrow: score.unsupported }} />
    </span>
  );
}

function Found({ warning }: { warning: Warning }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li data-test="check-warning">
      <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <code>{warning.title}</code>
        <span class="quiet">
          {warning.category}, {warning.found} ×
        </span>
        <Bars score={warning.score} />
        <span class="number">{Math.round(warning.score.supported)} %</span>
      </button>
      {isOpen && (
        <ul class="programs">
          {warning.programs.map(({ name, support }) => (
            <li key={name} class={support}>
              {name}
              <span class="quiet"> {support === "no" ? "not supported" : "partly supported"}</span>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}
