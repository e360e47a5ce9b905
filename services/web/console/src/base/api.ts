/** Requests to /v1, for the world that is shown. A problem (RFC 9457) becomes a `Problem`, whose message is its sentence. */

import { worldQuery } from "./place.ts";

export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly errors: readonly { field: string; detail: string }[];
  readonly service: string | null;

  constructor(status: number, body: Record<string, unknown>) {
    const errors = Array.isArray(body["errors"]) ? body["errors"].map(fault) : [];
    const detail = typeof body["detail"] === "string" ? body["detail"] : "";
    super(errors.map((error) => `${error.field} ${error.detail}`).join(". ") || detail || `The server has answered ${status}.`);
    this.status = status;
    this.title = typeof body["title"] === "string" ? body["title"] : "";
    this.errors = errors;
    this.service = typeof body["service"] === "string" ? body["service"] : null;
  }
}

function fault(value: unknown): { field: string; detail: string } {
  const fields = (value ?? {}) as Record<string, unknown>;
  return { field: String(fields["field"] ?? fields["pointer"] ?? ""), detail: String(fields["detail"] ?? "") };
}

export type Query = Record<string, string | number | boolean | null | undefined | readonly string[]>;

/** Return the URL of a resource: `url("messages", id, "raw")`. */
export function url(path: readonly string[] | string, query: Query = {}): string {
  const segments = typeof path === "string" ? path : path.map(encodeURIComponent).join("/");
  // What is done to worlds names them in the path.
  const parameters = new URLSearchParams(/^worlds(\/|$)/.test(segments) ? {} : worldQuery());
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value)) for (const each of value) parameters.append(name, each);
    else if (value !== null && value !== undefined) parameters.set(name, String(value));
  }
  const asked = parameters.toString();
  return `/v1/${segments}${asked && `?${asked}`}`;
}

interface Asked {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
  /** The request outlives the page, so that what was done before a tab is closed is done. */
  keepalive?: boolean;
}

const AGAIN = 400; // milliseconds

async function ask(method: string, path: readonly string[] | string, asked: Asked, isLast = method !== "GET"): Promise<Response> {
  const headers: Record<string, string> = {};
  if (asked.body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(url(path, asked.query), {
      method,
      headers,
      ...(asked.body === undefined ? {} : { body: JSON.stringify(asked.body) }),
      ...(asked.signal ? { signal: asked.signal } : {}),
      keepalive: asked.keepalive ?? false,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    if (!isLast) {
      // A machine that changes its network, or a service that starts anew, loses a request; reading may be done again.
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
      return ask(method, path, asked, true);
    }
    throw new Problem(0, { title: "No answer", detail: "The web service does not answer." });
  }
  if (response.ok) return response;
  const body: unknown = await response.json().catch(() => null);
  throw new Problem(response.status, (body ?? {}) as Record<string, unknown>);
}

async function valued<T>(response: Promise<Response>): Promise<T> {
  const answer = await response;
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

export const api = {
  get: <T>(path: readonly string[] | string, query: Query = {}, signal?: AbortSignal): Promise<T> =>
    valued<T>(ask("GET", path, { query, ...(signal ? { signal } : {}) })),
  text: async (path: readonly string[] | string, query: Query = {}, signal?: AbortSignal): Promise<string> =>
    (await ask("GET", path, { query, ...(signal ? { signal } : {}) })).text(),
  post: <T>(path: readonly string[] | string, body: unknown = {}): Promise<T> => valued<T>(ask("POST", path, { body })),
  patch: <T>(path: readonly string[] | string, body: unknown): Promise<T> => valued<T>(ask("PATCH", path, { body })),
  delete: <T>(path: readonly string[] | string, query: Query = {}, keepalive = false): Promise<T> =>
    valued<T>(ask("DELETE", path, { query, keepalive })),
};

/** Return the sentence of anything that was thrown. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
