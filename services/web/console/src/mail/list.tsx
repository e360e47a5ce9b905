/** The list of messages. Only the rows that are seen are in the page, whatever their number. */

import { signal } from "@preact/signals";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useKeys, type Key } from "../base/keys.ts";
import { go, place } from "../base/place.ts";
import { complain } from "../base/toast.tsx";
import type { Summary } from "../base/types.ts";
import { mark, remove } from "./actions.ts";
import { Row } from "./row.tsx";
import { NOTHING, everything, extend, isSelected, toggle } from "./selection.ts";
import { arrivals, cursor, isLoading, listing, loadRange, query, revision, selection, show, unseen } from "./store.ts";

const WIDE = 40; // pixels of a row, with one line
const NARROW = 62; // with two
const ROOM = 720; // pixels of the list from which rows have one line
const MORE = 8; // rows above and below those that are seen
const STEP = 4; // rows by which the list is scrolled before it is drawn anew
const TALLEST = 16_000_000; // pixels: browsers lay out no more

/** The time that ages are counted from. */
const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 5000);

/** Where the list was when it was last shown: a message is closed to the same place. */
let kept = 0;
let keptFor = "";

export function List({ openId, isWideForced }: { openId: string | null; isWideForced: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const [area, setArea] = useState({ width: 1000, height: 800 });
  const [first, setFirst] = useState(0);
  const shift = useRef(0);
  const moving = useRef(0);
  const isWide = isWideForced && area.width >= ROOM;
  const tall = isWide ? WIDE : NARROW;
  const fresh = useRef({ above: 0 }); // messages with a higher number came while the list was shown
  void revision.value;
  const rows = Math.min(listing.rows, Math.floor(TALLEST / tall));
  const seen = Math.ceil(area.height / tall) + 1;
  const last = Math.min(rows - 1, first + seen + STEP + MORE);
  const begin = Math.max(0, first - MORE);
  const key = `${place.value.world} ${query.value}`;

  useEffect(() => {
    fresh.current.above = isLoading.value ? Infinity : Math.min(fresh.current.above || Infinity, listing.anchor || 0);
  }, [isLoading.value, key]);

  useLayoutEffect(() => {
    const shown = box.current;
    if (!shown) return;
    const measure = (): void => setArea({ width: shown.clientWidth, height: shown.clientHeight });
    const watch = new ResizeObserver(measure);
    watch.observe(shown);
    measure();
    return () => watch.disconnect();
  }, []);

  // A row stays where it is when its height changes, and when the list comes back.
  const before = useRef(tall);
  useLayoutEffect(() => {
    const shown = box.current;
    if (!shown) return;
    if (before.current !== tall) shown.scrollTop = (shown.scrollTop / before.current) * tall;
    before.current = tall;
    const open = place.peek().path[0];
    const row = open === undefined ? -1 : listing.rowOf(listing.find(open)?.number ?? -1);
    if (row >= 0) scrollTo(row);
  }, [tall]);

  useLayoutEffect(() => {
    const shown = box.current;
    if (!shown) return;
    shown.scrollTop = keptFor === key ? kept * tall : 0;
    keptFor = key;
    setFirst(Math.floor(shown.scrollTop / tall));
  }, [key]);

  useEffect(() => {
    arrivals.told = (added) => {
      const shown = box.current;
      if (!shown || shown.scrollTop < 4) return;
      shift.current += added;
      unseen.value += added;
    };
    return () => {
      arrivals.told = () => undefined;
    };
  }, []);

  useLayoutEffect(() => {
    const shown = box.current;
    if (!shown || shift.current === 0) return;
    shown.scrollTop += shift.current * tall;
    shift.current = 0;
  });

  useEffect(() => {
    if (!isLoading.value) scheduled(begin, last);
  });

  // Who closes a message is in the list again.
  const wasOpen = useRef(openId);
  useEffect(() => {
    if (wasOpen.current !== null && openId === null && document.activeElement === document.body) box.current?.focus({ preventScroll: true });
    wasOpen.current = openId;
  }, [openId]);

  const timer = useRef(0);
  /** Ask for rows, but not for those that fly past. */
  function scheduled(from: number, to: number): void {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => show(from, to), moving.current > seen ? 90 : 0);
  }

  function scrolled(): void {
    const shown = box.current;
    if (!shown) return;
    const top = Math.floor(shown.scrollTop / tall);
    const row = top - (top % STEP);
    kept = shown.scrollTop / tall;
    if (shown.scrollTop < 4 && unseen.peek()) unseen.value = 0;
    moving.current = Math.abs(row - first);
    if (row !== first) setFirst(row);
  }

  function scrollTo(row: number): void {
    const shown = box.current;
    if (!shown) return;
    const top = row * tall;
    if (top < shown.scrollTop) shown.scrollTop = top;
    else if (top + tall > shown.scrollTop + shown.clientHeight) shown.scrollTop = top + tall - shown.clientHeight;
  }

  function move(by: number): void {
    const at = cursor.peek() ?? listing.find(openId ?? "")?.number ?? null;
    const row = at === null ? -1 : listing.rowOf(at);
    // Where the keyboard has no place yet, it begins at what is seen.
    const top = Math.ceil((box.current?.scrollTop ?? 0) / tall);
    const next = row < 0 ? (by > 0 ? top : Math.max(0, top - 1)) : Math.max(0, Math.min(rows - 1, row + by));
    const message = listing.at(next);
    if (!message) {
      scrollTo(next);
      return;
    }
    cursor.value = message.number;
    scrollTo(next);
    if (openId !== null) go({ view: "mail", path: [message.id, ...place.peek().path.slice(1)], query: place.peek().query }, { replace: true });
  }

  function current(): Summary | undefined {
    const at = cursor.peek();
    return at === null ? undefined : listing.get(at);
  }

  function chosen(): readonly Summary[] {
    const some = [...selection.peek().some.keys()].flatMap((number) => listing.get(number) ?? []);
    const message = current() ?? (openId === null ? undefined : listing.find(openId));
    return some.length ? some : message ? [message] : [];
  }

  async function select(message: Summary, row: number, isRange: boolean): Promise<void> {
    const { from } = selection.peek();
    const start = isRange && from !== null ? listing.rowOf(from) : -1;
    cursor.value = message.number;
    if (start < 0) {
      selection.value = toggle(selection.peek(), message);
      return;
    }
    try {
      const range = await loadRange(Math.min(start, row), Math.max(start, row));
      selection.value = extend(selection.peek(), range);
    } catch (error) {
      complain(error);
    }
  }

  // The same function for as long as the list is shown: a row that gets another one would be drawn anew.
  const selecting = useRef(select);
  selecting.current = select;
  const onSelect = useCallback((message: Summary, row: number, isRange: boolean) => void selecting.current(message, row, isRange), []);

  const openCurrent = (): void => {
    const message = current();
    if (message) go({ view: "mail", path: [message.id], query: place.peek().query });
  };
  // Where a message is open, the arrows move in its text.
  const arrows: Key[] = [
    { keys: ["PageDown"], does: "A page down", group: "Messages", act: () => move(seen - 2) },
    { keys: ["PageUp"], does: "A page up", group: "Messages", act: () => move(2 - seen) },
    { keys: ["Home"], does: "To the newest", group: "Messages", act: () => (scrollTo(0), (cursor.value = listing.at(0)?.number ?? null)) },
  ];
  const isAlone = openId === null;
  useKeys([
    { keys: isAlone ? ["j", "ArrowDown"] : ["j"], does: "Next message", group: "Messages", act: () => move(1) },
    { keys: isAlone ? ["k", "ArrowUp"] : ["k"], does: "Previous message", group: "Messages", act: () => move(-1) },
    ...(isAlone ? arrows : []),
    { keys: ["Enter", "o"], does: "Open", group: "Messages", act: openCurrent },
    { keys: ["x"], does: "Select, or no longer", group: "Messages", act: (event) => { const message = current(); if (message) void select(message, listing.rowOf(message.number), event.shiftKey); } },
    { keys: ["X"], does: "Select up to here", group: "Messages", act: () => { const message = current(); if (message) void select(message, listing.rowOf(message.number), true); } },
    { keys: ["*"], does: "Select all that match", group: "Messages", act: () => (selection.value = everything()) },
    { keys: ["m"], does: "Mark as read or unread", group: "Messages", act: () => { const some = chosen(); const [first] = some; if (first) void mark(some, !first.read); } },
    { keys: ["#", "Delete"], does: "Delete", group: "Messages", act: () => removeChosen() },
    { keys: ["Escape"], does: "Select nothing", group: "Messages", act: () => (selection.value = NOTHING) },
  ]);

  function removeChosen(): void {
    if (selection.peek().all) return; // the button asks first
    const some = chosen();
    const isOpenOne = openId !== null && some.some(({ id }) => id === openId);
    remove(some);
    const next = current();
    if (isOpenOne) go({ view: "mail", path: next ? [next.id] : [], query: place.peek().query }, { replace: true });
  }

  const picked = selection.value;
  const at = cursor.value;
  const shown = [];
  for (let row = begin; row <= last; row += 1) {
    const message = listing.at(row);
    shown.push(
      <Row
        key={message ? message.number : `w${row}`}
        message={message}
        row={row}
        top={row * tall}
        now={now.value}
        isCurrent={message !== undefined && message.number === at}
        isOpen={message !== undefined && message.id === openId}
        isSelected={message !== undefined && isSelected(picked, message.number)}
        isFresh={message !== undefined && message.number > fresh.current.above}
        isWide={isWide}
        query={query.value}
        onSelect={onSelect}
      />,
    );
  }
  return (
    <div class={`list ${isWide ? "wide" : "narrow"}`} aria-busy={isLoading.value}>
      {unseen.value > 0 && (
        <button type="button" class="pill" data-test="new" onClick={() => box.current?.scrollTo({ top: 0 })}>
          {unseen.value} new
        </button>
      )}
      <div
        class="scroll"
        ref={box}
        onScroll={scrolled}
        role="grid"
        tabIndex={0}
        aria-label="Messages"
        aria-rowcount={listing.rows}
        aria-multiselectable
        aria-activedescendant={at !== null && shown.some(({ key }) => key === at) ? `row-${at}` : undefined}
        data-test="messages"
      >
        <div class="rows" role="rowgroup" style={{ height: `${Math.max(rows * tall, 1)}px` }}>
          {shown}
        </div>
      </div>
    </div>
  );
}
