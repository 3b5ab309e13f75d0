/** How SMTP threads pass new mail to the store: the body while it arrives, then the mail, durable once accepted. */
import type { DsnRecipient, DsnRequest } from "../mail/dsn.ts";
import type { Trait } from "../mail/header-scanner.ts";
import type { Authentication } from "./authentication.ts";
import type { StoreCondition } from "./store-condition.ts";

export interface ClientFacts {
  readonly ip: string;
  /** Forward-confirmed name, where there is one. */
  readonly name?: string;
  /** What it said after HELO or EHLO, with nothing that a header could not hold. */
  readonly helo: string;
  /** `TLSv1.3 TLS_AES_256_GCM_SHA384`, absent in clear. */
  readonly tls?: string;
  /** Its TCP port; absent where a proxy stood between. */
  readonly port?: number;
  /** Our address that it connected to; absent where a proxy stood between. */
  readonly server?: string;
}

export interface NewRecipient extends DsnRecipient {
  /** As it goes on the wire. */
  readonly address: string;
  /** A-label domain, the key under which it is delivered. */
  readonly domain: string;
}

export interface NewMail {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  /** Empty for the null sender. */
  readonly sender: string;
  readonly recipients: readonly NewRecipient[];
  readonly client: ClientFacts;
  /** Header fields of ours, CRLF-terminated, to stand on top of the untouched body. */
  readonly topFields: string;
  readonly smtpUtf8: boolean;
  readonly eightBit: boolean;
  readonly messageId?: string;
  readonly subject?: string;
  readonly from?: string;
  /** What its sender asked of DSNs, RFC 3461. */
  readonly dsn?: DsnRequest;
  /** What its header says of who wrote it. */
  readonly traits?: readonly Trait[];
  /** Why it is quarantined: all its recipients begin as `held`, reason `quarantine`. Absent: they wait for delivery. */
  readonly quarantine?: string;
  /** What SPF, DKIM and DMARC said at receipt; absent where nothing was asked. */
  readonly authentication?: Authentication;
  /** Wall time in ms after which the store must refuse instead of beginning its transaction. */
  readonly deadline: number;
}

/** Takes one body while it arrives. Small ones stay in memory, larger ones go to disk; the caller need not know. */
export interface BodyWriter {
  readonly size: number;
  /**
   * Copies the chunk, which is lent until this returns. A promise means: wait before the next one (back-pressure).
   * Rejects on a sick or full disk.
   */
  write(chunk: Buffer): Promise<void> | undefined;
  /** What was written, once more; between the last `write` and `accept`. Several may read at a time. */
  read(): AsyncIterable<Buffer>;
  /** Throws away what was written. Safe at any time, also after `accept`. */
  abort(): void;
}

export type Accepted =
  | { readonly kind: "accepted" }
  | { readonly kind: "refused"; readonly why: "full" | "sick" | "late" | "row" };

export interface Intake {
  openBody(): BodyWriter;
  /** Durable when it answers `accepted`: flushed to disk, RFC 5321 §6.1. Only its answer counts, however late. */
  accept(mail: NewMail, body: BodyWriter): Promise<Accepted>;
  /** Last known condition; cheap enough to ask at every MAIL. */
  condition(): StoreCondition;
  /** Bytes free above the reserve, as last measured. */
  room(): number;
}
