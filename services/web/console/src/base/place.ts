/** The route as the browser has it: a signal that follows the address bar, and the ways to change it. */

import { computed, signal } from "@preact/signals";
import { ALL_WORLDS, formatRoute, parseRoute, worldOfHost, type Route } from "./route.ts";

const home = worldOfHost(location.hostname);
const here = (): Route => parseRoute(location.pathname, location.search, location.hash, home);

export const place = signal<Route>(here());
export const world = computed(() => place.value.world);
export const isReadOnly = computed(() => world.value === ALL_WORLDS);

addEventListener("popstate", () => {
  place.value = here();
});

/** Return the URL of a route in the world that is shown. */
export function urlOf(route: Partial<Route>): string {
  return formatRoute({ world: place.peek().world, ...route }, home);
}

/** Go to a route in the world that is shown. `replace` keeps the history as long as it is. */
export function go(route: Partial<Route>, { replace = false }: { replace?: boolean } = {}): void {
  const url = urlOf(route);
  if (url === location.pathname + location.search + location.hash) return;
  if (replace) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  place.value = here();
}

/** Follow a click on a link of ours without loading the page anew. Clicks that open a tab are the browser's. */
export function followed(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.("a[href]");
  if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("download")) return;
  if (link.origin !== location.origin || link.dataset["outside"] !== undefined) return;
  event.preventDefault();
  const route = parseRoute(link.pathname, link.search, link.hash, home);
  go(route);
}

/** What a request has to say so that it is answered for the world that is shown. */
export function worldQuery(): Record<string, string> {
  const id = place.peek().world;
  return id === home ? {} : { world: id };
}
