/** Views that are loaded when they are first shown, and what is shown when one fails. */

import { Component, type ComponentChildren } from "preact";
import { sentence } from "./api.ts";

export { lazy, Suspense } from "preact/compat";

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
