/** One row of the list: a line where there is room, two where there is not. */

import { memo } from "preact/compat";
import { age, moment, people, size } from "../base/format.ts";
import { plain } from "../base/careful.ts";
import { Icon } from "../base/icon.tsx";
import { StateMark, Tag } from "../base/ui.tsx";
import { followed, urlOf } from "../base/place.ts";
import type { Summary } from "../base/types.ts";

export interface RowProps {
  message: Summary | undefined;
  row: number;
  top: number;
  now: number;
  isCurrent: boolean;
  isOpen: boolean;
  isSelected: boolean;
  isFresh: boolean;
  isWide: boolean;
  query: string;
  onSelect: (message: Summary, row: number, isRange: boolean) => void;
}

function addressed(message: Summary): string {
  return people(message.recipients.map(({ address }) => ({ name: "", address })), 1);
}

export const Row = memo(function Row(props: RowProps) {
  const { message, row, top, now, isCurrent, isOpen, isSelected, isFresh, isWide, query, onSelect } = props;
  if (!message) {
    return <div class="row waiting" role="row" aria-rowindex={row + 1} style={{ transform: `translateY(${top}px)` }}><span role="gridcell" class="bar" /></div>;
  }
  const sender = message.from.length ? people(message.from, 1) : (message.sender ?? "<>");
  const subject = message.subject === null ? "…" : message.subject || "(no subject)";
  const classes = ["row", message.read ? "read" : "unread", isCurrent && "current", isOpen && "open", isSelected && "selected", isFresh && "fresh"];
  const select = (event: MouseEvent): void => {
    event.stopPropagation();
    onSelect(message, row, event.shiftKey);
  };
  const click = (event: MouseEvent): void => {
    if (!(event.ctrlKey || event.metaKey || event.shiftKey)) return;
    event.preventDefault(); // as in lists elsewhere: Ctrl picks, Shift picks a range
    onSelect(message, row, event.shiftKey);
  };
  return (
    <div
      id={`row-${message.number}`}
      role="row"
      aria-rowindex={row + 1}
      aria-selected={isSelected}
      class={classes.filter(Boolean).join(" ")}
      style={{ transform: `translateY(${top}px)` }}
      onClick={click}
      data-test="message"
      data-id={message.id}
    >
      <span role="gridcell" class="pick">
        <input type="checkbox" tabIndex={-1} checked={isSelected} onClick={select} aria-label={`Select ${plain(subject)}`} data-test="select" />
      </span>
      <span role="gridcell" class="from" data-test="from">
        {!message.read && <span class="hidden">Unread, from </span>}
        {plain(sender)}
      </span>
      <span role="gridcell" class="what">
        <a
          class="subject"
          tabIndex={-1}
          href={urlOf({ view: "mail", path: [message.id], query: query ? { q: query } : {} })}
          onClick={followed}
          data-test="subject"
        >
          {plain(subject)}
        </a>
        {message.snippet && <span class="snippet">{plain(message.snippet)}</span>}
      </span>
      <span role="gridcell" class="tags">
        {message.tags.slice(0, isWide ? 3 : 2).map((name) => <Tag key={name} name={name} />)}
      </span>
      <span role="gridcell" class="clip" title={message.attachment_count ? `${message.attachment_count} attached` : undefined}>
        {message.attachment_count > 0 && <Icon name="clip" size={14} />}
        {message.attachment_count > 0 && <span class="hidden">{message.attachment_count} attached</span>}
      </span>
      <span role="gridcell" class="to" data-test="to" title={message.recipients.map(({ address }) => address).join(", ")}>
        {plain(addressed(message))}
      </span>
      <span role="gridcell" class="how">
        <StateMark state={message.state} short={!isWide} />
      </span>
      {isWide && <span role="gridcell" class="size">{size(message.size)}</span>}
      <time role="gridcell" class="age" dateTime={message.arrived} title={moment(message.arrived)}>
        {age(message.arrived, now)}
      </time>
    </div>
  );
});
