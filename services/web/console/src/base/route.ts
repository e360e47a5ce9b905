/** Where the console is: what its URL says. Pure.
 *
 * `/w/checkout/mail/0006F3/headers?q=is:unread` is the header of a message in the world `checkout`, opened from a search.
 * `?world=*` means all worlds, which can be looked at and not changed.
 */

export const VIEWS = ["mail", "queue", "mailboxes", "dns", "sessions", "worlds", "connect"] as const;
export type View = (typeof VIEWS)[number];

export const DEFAULT_WORLD = "default";
export const ALL_WORLDS = "*";

export interface Route {
  readonly world: string;
  readonly view: View;
  /** What follows the view, decoded: the ID of a message, then the tab. */
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string>>;
  /** Without its `#`. */
  readonly hash: string;
}

export const HOME: Route = { world: DEFAULT_WORLD, view: "mail", path: [], query: {}, hash: "" };

/** The world that is meant where the URL names none: `checkout.localhost` is a name of the world `checkout`. */
export function worldOfHost(hostname: string): string {
  return /^([^.:]+)\.localhost$/.exec(hostname)?.[1] ?? DEFAULT_WORLD;
}

const WORLD = /^\/w\/([a-z0-9*](?:[a-z0-9-]{0,30}[a-z0-9])?)(?=\/|$)/;

/** Return the route of a URL; what is unknown leads to the list of mail. */
export function parseRoute(pathname: string, search = "", hash = "", home = DEFAULT_WORLD): Route {
  const named = WORLD.exec(pathname);
  const rest = named ? pathname.slice(named[0].length) : pathname;
  const segments = rest.split("/").filter(Boolean).map(decoded);
  const first = segments[0] ?? "mail";
  const known = (VIEWS as readonly string[]).includes(first);
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(search)) query[name] ??= value;
  const world = named?.[1] ?? query["world"] ?? home;
  delete query["world"];
  return {
    world,
    view: known ? (first as View) : "mail",
    path: known ? segments.slice(1) : [],
    query,
    hash: decoded(hash.replace(/^#/, "")),
  };
}

/** Return the URL of a route, from the slash on. */
export function formatRoute(route: Partial<Route>, home = DEFAULT_WORLD): string {
  const { world, view, path, query, hash } = { ...HOME, ...route };
  const prefix = world === home || world === ALL_WORLDS ? "" : `/w/${world}`;
  const segments = view === "mail" && path.length === 0 ? [] : [view, ...path.map(encodeURIComponent)];
  const parameters = new URLSearchParams();
  if (world === ALL_WORLDS) parameters.set("world", ALL_WORLDS);
  for (const [name, value] of Object.entries(query)) if (value !== "") parameters.set(name, value);
  const asked = parameters.toString();
  return `${prefix}/${segments.join("/")}${asked && `?${asked}`}${hash && `#${encodeURIComponent(hash)}`}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign that begins no octet
  }
}
