/** Which messages are selected: some of them, or all that match. Pure; each change makes a new one. */

export interface Selection {
  /** By number; the value is the ID. */
  readonly some: ReadonlyMap<number, string>;
  /** All that match, loaded or not. */
  readonly all: boolean;
  /** The number at which a range begins. */
  readonly from: number | null;
}

export const NOTHING: Selection = { some: new Map(), all: false, from: null };

interface Named {
  readonly number: number;
  readonly id: string;
}

export function isSelected(selection: Selection, number: number): boolean {
  return selection.all || selection.some.has(number);
}

/** Select a message, or no longer. */
export function toggle(selection: Selection, message: Named): Selection {
  const some = new Map(selection.all ? [] : selection.some);
  if (!some.delete(message.number)) some.set(message.number, message.id);
  return { some, all: false, from: message.number };
}

/** Select the messages of a range besides those that are. */
export function extend(selection: Selection, range: readonly Named[]): Selection {
  const some = new Map(selection.some);
  for (const message of range) some.set(message.number, message.id);
  return { some, all: false, from: selection.from ?? range[0]?.number ?? null };
}

export function everything(): Selection {
  return { some: new Map(), all: true, from: null };
}

/** Drop messages that are gone. */
export function without(selection: Selection, numbers: readonly number[]): Selection {
  if (!numbers.some((number) => selection.some.has(number))) return selection;
  const some = new Map(selection.some);
  for (const number of numbers) some.delete(number);
  return { ...selection, some };
}

export function size(selection: Selection, total: number): number {
  return selection.all ? total : selection.some.size;
}
