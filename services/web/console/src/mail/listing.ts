/** The messages that match, as far as they are loaded. Pure.
 *
 * Each message has a place: 0 is the oldest that matches. What arrives gets the place behind the last one, so places stay
 * as they are while mail comes in, and a hundred thousand messages need no more than a map of those that are looked at.
 * Rows are places counted from the newest, without those that are hidden (deleted, but for an undo).
 */

import type { Summary } from "../base/types.ts";

export const CHUNK = 100; // messages that are asked for at a time
const KEPT = 3_000; // messages in memory

/** What to ask for: `offset` counts from the newest message that `total` counts, which is `anchor`. */
export interface Wanted {
  readonly chunk: number;
  readonly offset: number;
  readonly limit: number;
}

export class Listing {
  total = 0;
  unread = 0;
  /** The highest number that `total` counts. */
  anchor = 0;
  /** Changes whenever places do; an answer to what was asked before is of no use. */
  epoch = 0;
  #at = new Map<number, Summary>(); // by place
  #place = new Map<number, number>(); // by number
  #hidden: number[] = []; // places, the highest first

  /** Rows that are shown. */
  get rows(): number {
    return this.total - this.#hidden.length;
  }

  /** Take the first page of a new list, the newest first. */
  reset(total: number, unread: number, newest: readonly Summary[]): void {
    this.#at.clear();
    this.#place.clear();
    this.#hidden = [];
    this.epoch += 1;
    this.total = total;
    this.unread = unread;
    this.anchor = newest[0]?.number ?? 0;
    this.#fill(total - newest.length, newest);
  }

  /** Take an answer to `wanted`, which was asked in this epoch. */
  put(wanted: Wanted, newest: readonly Summary[]): void {
    const end = (wanted.chunk * CHUNK) + wanted.limit;
    this.#fill(end - newest.length, newest);
  }

  #fill(first: number, newest: readonly Summary[]): void {
    newest.forEach((message, index) => this.#set(first + newest.length - 1 - index, message));
  }

  #set(place: number, message: Summary): void {
    this.#at.set(place, message);
    this.#place.set(message.number, place);
  }

  placeOf(row: number): number {
    let place = this.total - 1 - row;
    for (const hidden of this.#hidden) {
      if (hidden < place) break;
      place -= 1;
    }
    return place;
  }

  #rowAt(place: number): number {
    return this.total - 1 - place - this.#hidden.filter((hidden) => hidden > place).length;
  }

  at(row: number): Summary | undefined {
    return this.#at.get(this.placeOf(row));
  }

  /** The row of a message, or -1 if it is not loaded. */
  rowOf(number: number): number {
    const place = this.#place.get(number);
    return place === undefined || this.#hidden.includes(place) ? -1 : this.#rowAt(place);
  }

  get(number: number): Summary | undefined {
    const place = this.#place.get(number);
    return place === undefined ? undefined : this.#at.get(place);
  }

  /** The message with this ID, if it is loaded. */
  find(id: string): Summary | undefined {
    for (const message of this.#at.values()) if (message.id === id) return message;
    return undefined;
  }

  loaded(): IterableIterator<Summary> {
    return this.#at.values();
  }

  /** What has to be asked for to show these rows. */
  wanted(first: number, last: number): readonly Wanted[] {
    if (this.rows === 0) return [];
    const low = Math.max(0, this.placeOf(Math.min(last, this.rows - 1)));
    const high = Math.min(this.total - 1, this.placeOf(Math.max(0, first)));
    const wanted: Wanted[] = [];
    for (let chunk = Math.floor(low / CHUNK); chunk <= Math.floor(high / CHUNK); chunk += 1) {
      const begin = chunk * CHUNK;
      const end = Math.min(begin + CHUNK, this.total);
      let lacks = false;
      for (let place = Math.max(begin, low); place < Math.min(end, high + 1) && !lacks; place += 1) lacks = !this.#at.has(place);
      if (lacks) wanted.push({ chunk, offset: this.total - end, limit: end - begin });
    }
    return wanted;
  }

  /** Take a message that has arrived. `unsure`: it may be counted already, so the list has to be asked for anew. */
  arrive(message: Summary): "added" | "updated" | "unsure" {
    if (this.update(message)) return "updated";
    if (message.number <= this.anchor) return "unsure";
    this.#set(this.total, message);
    this.total += 1;
    this.unread += message.read ? 0 : 1;
    this.anchor = message.number;
    return "added";
  }

  /** Take what a message is now; false if it is not loaded. */
  update(message: Summary): boolean {
    const place = this.#place.get(message.number);
    const before = place === undefined ? undefined : this.#at.get(place);
    if (place === undefined || before === undefined) return false;
    if (before.read !== message.read) this.unread += message.read ? -1 : 1;
    this.#at.set(place, message);
    return true;
  }

  /** Take away messages that are gone. Numbers grow with places, so each that is newer moves down by one. */
  remove(numbers: readonly number[]): void {
    const gone = numbers.filter((number) => number <= this.anchor).sort((number, other) => number - other);
    if (gone.length === 0) return;
    for (const number of gone) if (this.get(number)?.read === false) this.unread -= 1;
    const hidden = new Set(this.#hidden.map((place) => this.#at.get(place)?.number));
    const kept = [...this.#at.entries()].filter(([, message]) => !gone.includes(message.number));
    this.#at.clear();
    this.#place.clear();
    for (const [place, message] of kept) this.#set(place - below(gone, message.number), message);
    this.#hidden = [...this.#place].flatMap(([number, place]) => (hidden.has(number) ? [place] : [])).sort((number, other) => other - number);
    this.total = Math.max(0, this.total - gone.length);
    this.epoch += 1;
  }

  /** Hide messages from the rows, or show them again. */
  hide(numbers: readonly number[], isHidden: boolean): void {
    const places = new Set(this.#hidden);
    for (const number of numbers) {
      const place = this.#place.get(number);
      if (place === undefined) continue;
      if (isHidden) places.add(place);
      else places.delete(place);
    }
    this.#hidden = [...places].sort((number, other) => other - number);
  }

  /** Forget what is far from these rows, if there is too much. */
  trim(first: number, last: number): void {
    if (this.#at.size <= KEPT) return;
    const high = this.placeOf(Math.max(0, first)) + KEPT / 4;
    const low = this.placeOf(Math.min(last, this.rows - 1)) - KEPT / 4;
    const hidden = new Set(this.#hidden);
    for (const [place, message] of this.#at) {
      if ((place > high || place < low) && !hidden.has(place)) {
        this.#at.delete(place);
        this.#place.delete(message.number);
      }
    }
  }

  /** Messages in memory. */
  get size(): number {
    return this.#at.size;
  }
}

/** How many of the sorted numbers are below this one. */
function below(sorted: readonly number[], number: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
