/** What the API answers, as far as the console looks at it (/v1/openapi.json describes all of it). */

export interface Person {
  readonly name: string;
  readonly address: string;
}

export type State = "queued" | "deferred" | "held" | "failed" | "dropped" | "captured" | "delivered";

export interface Copy {
  readonly account: string;
  readonly mailbox: string;
  readonly uid_validity: number;
  readonly uid: number;
  readonly removed: boolean;
}

export interface Recipient {
  readonly address: string;
  readonly state: State;
  readonly reason: string;
  readonly host: string;
  readonly due: string | null;
  readonly attempts: number;
  readonly copies: readonly Copy[];
}

export interface Summary {
  readonly id: string;
  readonly number: number;
  readonly world: string;
  readonly origin: string;
  readonly state: State;
  readonly arrived: string;
  readonly sender: string | null;
  readonly recipients: readonly Recipient[];
  readonly message_id: string | null;
  readonly size: number;
  readonly subject: string | null;
  readonly from: readonly Person[];
  readonly to: readonly Person[];
  readonly cc: readonly Person[];
  readonly bcc: readonly Person[];
  readonly reply_to: readonly Person[];
  readonly date: string | null;
  readonly snippet: string;
  readonly attachment_count: number;
  readonly inline_count: number;
  readonly read: boolean;
  readonly tags: readonly string[];
  readonly about: string | null;
  readonly reports: readonly string[];
  readonly login: string | null;
  readonly peer: string;
  readonly client: string;
  readonly protocol: string;
  readonly tls: string | null;
}

export interface Part {
  readonly part_id: string;
  readonly role: string;
  readonly content_type: string;
  readonly charset: string;
  readonly filename: string;
  readonly size: number;
}

export interface Attachment {
  readonly part_id: string;
  readonly filename: string;
  readonly content_type: string;
  readonly content_id: string;
  readonly size: number;
  readonly sha256?: string;
}

export interface Link {
  readonly url: string;
  readonly text: string;
  readonly kind: "link" | "unsubscribe" | "mail" | "phone" | "other";
  readonly source: "html" | "text";
}

export interface Unsubscribe {
  readonly header: string;
  readonly post: string;
  readonly links: readonly string[];
  readonly one_click: boolean;
  readonly errors: readonly string[];
}

export interface Content {
  readonly text: string;
  readonly text_is_generated: boolean;
  readonly html: string;
  readonly headers: readonly { name: string; value: string }[];
  readonly parts: readonly Part[];
  readonly attachments: readonly Attachment[];
  readonly inline: readonly Attachment[];
  readonly links: readonly Link[];
  readonly codes: readonly { value: string; reason: string; score: number }[];
  readonly list_unsubscribe: Unsubscribe;
}

export interface Message extends Summary {
  readonly content: Content | null;
}

export interface MessagePage {
  readonly messages: readonly Summary[];
  readonly next: number | null;
  readonly total: number;
  readonly unread: number;
}

export interface Happening {
  readonly cursor: number;
  readonly kind: "arrived" | "updated" | "deleted" | "purged" | "tags" | "session";
  readonly message: Summary | { id: string; number: number } | null;
}
