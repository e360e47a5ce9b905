/** Views that are loaded when they are first shown, and what is shown when one fails. */

import { Component, type ComponentChildren } from "preact";
import { lazy as loaded } from "preact/compat";
import { sentence } from "./api.ts";

export { Suspense } from "preact/compat";

const PAUSES = [300, 2000]; // milliseconds until it is tried again

/** Load a view when it is first shown. A browser gives up what it loads when the machine's networks change, as they do
 * where a container starts: so it is tried again. */
export const lazy: typeof loaded = (load) => loaded(() => patiently(load));

async function patiently<Loaded>(load: () => Promise<Loaded>): Promise<Loaded> {
  for (const pause of PAUSES) {
    try {
      return await load();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  return load();
}

interface Props {
  children: ComponentChildren;
  fallback: (error: string) => ComponentChildren;
}

/** Keeps an error of a view from taking the whole page with it. */
export class ErrorBoundary extends Component<Props, { error: string | null }> {
  override state = { error: null as string | null };

  static override getDerivedStateFromError(error: unknown): { error: string } {
    return { error: sentence(error) };
  }

  override componentDidCatch(error: unknown): void {
    console.error(error);
  }

  override render(): ComponentChildren {
    return this.state.error === null ? this.props.children : this.props.fallback(this.state.error);
  }
}
