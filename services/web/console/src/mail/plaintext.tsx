/** The text of a message. */

import { useState } from "preact/hooks";
import { plain } from "../base/careful.ts";
import { size } from "../base/format.ts";
import { CopyButton } from "../base/ui.tsx";

const FIRST = 200_000; // characters that are shown at first

export function PlainText({ text, isMade }: { text: string; isMade: boolean }) {
  const [isAll, setAll] = useState(false);
  const shown = isAll ? text : text.slice(0, FIRST);
  return (
    <div class="textview">
      <div class="strip">
        {isMade && <p class="quiet">The message has no text part; this was made of its HTML.</p>}
        <CopyButton text={text} label="Copy the text" test="text-copy" />
      </div>
      <pre class="text" data-test="text" tabIndex={0}>
        {plain(shown) || <span class="quiet">There is no text.</span>}
      </pre>
      {text.length > shown.length && (
        <button type="button" class="more" onClick={() => setAll(true)}>
          Show all {size(text.length)}
        </button>
      )}
    </div>
  );
}
