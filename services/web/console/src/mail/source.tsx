/** The message as it was sent, beside the tree of its parts (RFC 2046). */

import { useState } from "preact/hooks";
import { url } from "../base/api.ts";
import { plain } from "../base/careful.ts";
import { size as sized } from "../base/format.ts";
import { Icon } from "../base/icon.tsx";
import { useLoaded } from "../base/load.ts";
import { CopyButton } from "../base/ui.tsx";
import type { Content, Part } from "../base/types.ts";
import { PartView } from "./attachments.tsx";

const FIRST = 400_000; // octets that are shown

/** Read the beginning of a resource, and no more of it. */
async function beginning(address: string, most: number, signal: AbortSignal): Promise<string> {
  const response = await fetch(address, { signal });
  const reader = response.body?.getReader();
  if (!response.ok || !reader) throw new Error(response.status === 410 ? "The content is gone." : `The server has answered ${response.status}.`);
  const decoder = new TextDecoder();
  let text = "";
  while (text.length < most) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text.slice(0, most);
}

export function Source({ id, content, size }: { id: string; content: Content; size: number }) {
  const [part, setPart] = useState<Part | null>(null);
  const raw = useLoaded((signal) => beginning(url(["messages", id, "raw"]), FIRST, signal), [id]);
  return (
    <div class="sourceview">
      <ul class="tree" aria-label="Parts" data-test="parts">
        <li>
          <button type="button" class={part === null ? "on" : undefined} onClick={() => setPart(null)} data-test="part">
            <Icon name="mail" size={14} />
            The whole message
            <span class="quiet">{sized(size)}</span>
          </button>
        </li>
        {content.parts.map((other) => (
          <li key={other.part_id} class={`deep${Math.min(8, other.part_id.split(".").length)}`}>
            <button type="button" class={part === other ? "on" : undefined} onClick={() => setPart(other)} data-test="part" title={`${other.role}, part ${other.part_id}`}>
              <Icon name={other.content_type.startsWith("image/") ? "image" : other.content_type.startsWith("multipart/") ? "worlds" : "file"} size={14} />
              {other.content_type}
              {other.filename && <em>{plain(other.filename)}</em>}
              <span class="quiet">{other.content_type.startsWith("multipart/") ? "" : sized(other.size)}</span>
            </button>
          </li>
        ))}
      </ul>
      <div class="octets">
        {part === null ? (
          <>
            <CopyButton text={async () => (await fetch(url(["messages", id, "raw"]))).text()} label="Copy the source" test="source-copy" />
            <pre class="text" data-test="source" tabIndex={0}>
              {raw.error ?? plain(raw.value ?? "…")}
            </pre>
            {size > FIRST && (
              <p class="quiet">
                The first {sized(FIRST)} of {sized(size)}. <a href={url(["messages", id, "raw"], { download: true })} download>Save all of it</a>
              </p>
            )}
          </>
        ) : (
          <PartView key={part.part_id} id={id} partId={part.part_id} contentType={part.content_type} octets={part.size} />
        )}
      </div>
    </div>
  );
}
