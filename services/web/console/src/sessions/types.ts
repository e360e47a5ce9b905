/** Sessions, as /v1/sessions shows them. */

export interface Session {
  readonly id: string;
  readonly service: "dns" | "relay" | "store";
  readonly protocol: string;
  readonly peer: string;
  readonly local: string;
  readonly outbound: boolean;
  readonly began: string;
  readonly ended: string | null;
  readonly tls: boolean;
  readonly account: string | null;
  readonly world: string;
  readonly messages: readonly string[];
  /** Of DNS. */
  readonly question?: string;
}

export interface Line {
  readonly n: number;
  readonly at: string;
  readonly from: "client" | "server";
  readonly text: string;
  readonly tls: boolean;
  readonly state: string;
  readonly transaction?: number;
  readonly blank?: boolean;
  readonly whole?: boolean;
  readonly reference?: { readonly size: number; readonly sha256: string | null };
}

export interface Fact {
  readonly line: number;
  readonly messages: readonly string[];
}

export interface Transcript extends Session {
  readonly omitted: number;
  readonly facts: readonly Fact[];
  readonly lines: readonly Line[];
}
