/** Something that is got from the API for a component: its value, or why there is none. */

import { type Inputs, useCallback, useEffect, useRef, useState } from "preact/hooks";
import { sentence, Problem } from "./api.ts";

export interface Loaded<T> {
  readonly value: T | undefined;
  readonly error: string | null;
  /** The status of the error, or 0. */
  readonly status: number;
  readonly isLoading: boolean;
  readonly again: () => void;
  /** Put a value in place of what was got. */
  readonly set: (change: (value: T | undefined) => T | undefined) => void;
}

/** Get something when the component is shown, and again when what it depends on changes; the last value stays meanwhile. */
export function useLoaded<T>(get: (signal: AbortSignal) => Promise<T>, depends: Inputs, { keep = true } = {}): Loaded<T> {
  const [state, setState] = useState<{ value: T | undefined; error: string | null; status: number; isLoading: boolean }>({
    value: undefined,
    error: null,
    status: 0,
    isLoading: true,
  });
  const [turn, setTurn] = useState(0);
  const current = useRef(get);
  current.current = get;
  useEffect(() => {
    const stop = new AbortController();
    setState((before) => ({ ...before, value: keep || turn ? before.value : undefined, isLoading: true }));
    current.current(stop.signal).then(
      (value) => {
        if (!stop.signal.aborted) setState({ value, error: null, status: 0, isLoading: false });
      },
      (error: unknown) => {
        if (stop.signal.aborted) return;
        const status = error instanceof Problem ? error.status : 0;
        setState((before) => ({ value: keep ? before.value : undefined, error: sentence(error), status, isLoading: false }));
      },
    );
    return () => stop.abort();
  }, [...depends, turn]);
  const again = useCallback(() => setTurn((before) => before + 1), []);
  const set = useCallback(
    (change: (value: T | undefined) => T | undefined) => setState((before) => ({ ...before, value: change(before.value) })),
    [],
  );
  return { ...state, again, set };
}

/** Call back every so many milliseconds while the page is seen. */
export function useTicking(milliseconds: number, tick: () => void): void {
  const current = useRef(tick);
  current.current = tick;
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) current.current();
    }, milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds]);
}
