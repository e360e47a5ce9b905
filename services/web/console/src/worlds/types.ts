/** Worlds, as /v1/worlds shows them. */

import { duration } from "../base/format.ts";

export interface WorldAccount {
  readonly name: string;
  readonly address: string;
  readonly login: string;
  readonly password: string;
}

export interface Port {
  readonly host: string;
  readonly port: number;
}

export interface World {
  readonly id: string;
  readonly owner: string;
  readonly created: string;
  readonly expires: string | null;
  readonly app: { readonly user: string; readonly password: string };
  readonly capture: { readonly login: string; readonly password: string };
  readonly domains: readonly { readonly name: string; readonly accounts: readonly WorldAccount[] }[];
  readonly ports: readonly Port[];
  readonly messages: number;
  readonly queued: number;
  readonly snapshots: readonly string[];
}

export interface Snapshot {
  readonly name: string;
  readonly taken: string;
  readonly messages: number;
  readonly queued: number;
}

/** How long a world has left. */
export function left(expires: string, now: number): string {
  const seconds = (Date.parse(expires) - now) / 1000;
  return seconds <= 0 ? "dropped now" : `dropped in ${duration(seconds)}`;
}
