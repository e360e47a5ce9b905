/** The HTML of a message, at the widths of phones, tablets and desktops.
 *
 * The frame has no origin of ours, runs no script, sends no form, and has a policy of its own (api/native/contents.py).
 * What lies elsewhere is got by nothing until somebody asks for it.
 */

import { useState } from "preact/hooks";
import { url } from "../base/api.ts";
import { size } from "../base/format.ts";
import { Button } from "../base/ui.tsx";
import { remembered, remember } from "../base/theme.ts";
import { hasRemote } from "./remote.ts";

const WIDTHS = [
  ["phone", 375],
  ["tablet", 768],
  ["desktop", 0],
] as const;
type Width = (typeof WIDTHS)[number][0];
const KEY = "postroad.width";
const LARGE = 2_000_000; // characters, from which it is shown only when asked for

export function HtmlFrame({ id, html }: { id: string; html: string }) {
  const [width, setWidth] = useState<Width>(() => WIDTHS.find(([name]) => name === remembered(KEY))?.[0] ?? "desktop");
  const [isRemote, setRemote] = useState(false);
  const [isShown, setShown] = useState(html.length <= LARGE);
  const pixels = WIDTHS.find(([name]) => name === width)?.[1] ?? 0;
  const choose = (name: Width): void => {
    setWidth(name);
    remember(KEY, name);
  };
  return (
    <div class="htmlview">
      <div class="strip">
        <div class="widths" role="group" aria-label="Width">
          {WIDTHS.map(([name, wide]) => (
            <Button
              key={name}
              icon={name}
              label={wide ? `As on a ${name}, ${wide} pixels` : "As on a desktop"}
              pressed={name === width}
              onClick={() => choose(name)}
              test={`width-${name}`}
              kind="quiet"
            />
          ))}
        </div>
        {hasRemote(html) && (
          <p class="held" data-test="remote">
            {isRemote ? "Remote content is shown." : "Remote content is held back."}{" "}
            <button type="button" class="more" onClick={() => setRemote(!isRemote)} data-test="remote-show">
              {isRemote ? "Hold it back" : "Show it"}
            </button>
          </p>
        )}
      </div>
      {isShown ? (
        <div class={`paper ${width}`}>
          <iframe
            key={String(isRemote)}
            title="The message as HTML"
            sandbox="allow-popups allow-popups-to-escape-sandbox"
            referrerpolicy="no-referrer"
            src={url(["messages", id, "html"], isRemote ? { remote: true } : {})}
            style={pixels ? { width: `${pixels}px` } : {}}
            data-test="html"
          />
        </div>
      ) : (
        <p class="quiet" data-test="large">
          This HTML is {size(html.length)} long, which may keep the browser busy.{" "}
          <button type="button" class="more" onClick={() => setShown(true)} data-test="large-show">
            Show it
          </button>
        </p>
      )}
    </div>
  );
}
