/** What tests and people look for first in a message: one-time codes, links, how to unsubscribe. */

import { useState } from "preact/hooks";
import { Icon } from "../base/icon.tsx";
import { CopyButton, Text } from "../base/ui.tsx";
import type { Content, Link } from "../base/types.ts";

const MOST = 3;

function isWeb(link: string): boolean {
  return /^https?:\/\//i.test(link);
}

export function Extracts({ content }: { content: Content }) {
  const [isAll, setAll] = useState(false);
  const links = content.links.filter(({ kind }) => kind !== "other");
  const unsubscribe = content.list_unsubscribe;
  if (content.codes.length === 0 && links.length === 0 && !unsubscribe.header) return null;
  return (
    <div class="extracts" data-test="extracts">
      {content.codes.slice(0, isAll ? 20 : MOST).map((code) => (
        <span key={code.value} class="code" title={`${code.reason} (${code.score} of 100)`} data-test="code">
          <Icon name="key" size={14} />
          <code>{code.value}</code>
          <CopyButton text={code.value} label={`Copy the code ${code.value}`} test="code-copy" />
        </span>
      ))}
      {links.slice(0, isAll ? links.length : MOST).map((link, index) => (
        <LinkLine key={index} link={link} />
      ))}
      {unsubscribe.header && (
        <span class={unsubscribe.errors.length ? "unsubscribe bad" : "unsubscribe"} data-test="unsubscribe" title={unsubscribe.header}>
          <Icon name={unsubscribe.errors.length ? "alert" : "check"} size={14} />
          {unsubscribe.errors.length
            ? `List-Unsubscribe: ${unsubscribe.errors.join("; ")}`
            : unsubscribe.one_click
              ? "Unsubscribes with one click"
              : "List-Unsubscribe is right"}
        </span>
      )}
      {!isAll && links.length + content.codes.length > MOST * 2 && (
        <button type="button" class="more" onClick={() => setAll(true)} data-test="links-all">
          All {links.length} links
        </button>
      )}
      {!isAll && links.length > MOST && links.length + content.codes.length <= MOST * 2 && (
        <button type="button" class="more" onClick={() => setAll(true)} data-test="links-all">
          {links.length - MOST} more links
        </button>
      )}
    </div>
  );
}

function LinkLine({ link }: { link: Link }) {
  const said = link.text && link.text !== link.url ? link.text : link.url.replace(/^https?:\/\//i, "");
  const inside = (
    <>
      <Icon name={link.kind === "mail" ? "mail" : "external"} size={13} />
      <span class="said">
        <Text of={said} />
      </span>
    </>
  );
  return (
    <span class="link" data-test="link" title={link.url}>
      {isWeb(link.url) ? (
        <a href={link.url} target="_blank" rel="noopener noreferrer" data-outside>
          {inside}
        </a>
      ) : (
        inside
      )}
      <CopyButton text={link.url} label="Copy the link" test="link-copy" />
    </span>
  );
}
