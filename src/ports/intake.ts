/** How SMTP threads pass new mail to the store: the body while it arrives, then the mail, durable once accepted. */
import type { DsnRecipient, DsnRequest } from "../mail/dsn.ts";
import type { Trait } from "../mail/header-scanner.ts";
import type { Authentication } from "./authentication.ts";
import type { StoreCondition } from "./store-condition.ts";

export interface ClientFacts {
  readonly ip: string;
  /** Forward-confirmed name, where there is one. */
  readonly name?: string;
  /** The argument of HELO or EHLO, without characters that must not stand in a header. */
  readonly helo: string;
  /** `TLSv1.3 TLS_AES_256_GCM_SHA384`, absent in clear. */
  readonly tls?: string;
  /** Its TCP port; absent behind a proxy. */
  readonly port?: number;
  /** Our address that it connected to; absent behind a proxy. */
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
  /** Our own header fields, each ended by CRLF, which are put on top of the unchanged body. */
  readonly topFields: string;
  readonly smtpUtf8: boolean;
  readonly eightBit: boolean;
  readonly messageId?: string;
  readonly subject?: string;
  readonly from?: string;
  /** What its sender requested about DSNs, RFC 3461. */
  readonly dsn?: DsnRequest;
  /** Whether its header shows a list, bulk mail or an automatic sender. */
  readonly traits?: readonly Trait[];
  /** Why it is quarantined: all its recipients begin as `held`, reason `quarantine`. Absent: they wait for delivery. */
  readonly quarantine?: string;
  /** The results of SPF, DKIM and DMARC at receipt; absent if nothing was checked. */
  readonly authentication?: Authentication;
  /** Wall time in ms after which the store must refuse instead of beginning its transaction. */
  readonly deadline: number;
}

/** Stores one body while it arrives. Small bodies stay in memory, larger ones go to disk; callers see no difference. */
export interface BodyWriter {
  readonly size: number;
  /**
   * Copies the chunk before it returns. If it returns a promise, the caller must await it before the next chunk
   * (back-pressure). Rejects if the disk is failing or full.
   */
  write(chunk: Buffer): Promise<void> | undefined;
  /** Reads what was written; allowed between the last `write` and `accept`, also several times at once. */
  read(): AsyncIterable<Buffer>;
  /** Discards what was written. Safe at any time, also after `accept`. */
  abort(): void;
}

export type Accepted =
  | { readonly kind: "accepted" }
  | { readonly kind: "refused"; readonly why: "full" | "sick" | "late" | "row" };

export interface Intake {
  openBody(): BodyWriter;
  /** `accepted` means that the mail is flushed to disk, RFC 5321 §6.1. Only this answer counts, even if it is late. */
  accept(mail: NewMail, body: BodyWriter): Promise<Accepted>;
  /** The last known condition; cheap enough to be read at every MAIL. */
  condition(): StoreCondition;
  /** Bytes free above the reserve, as last measured. */
  room(): number;
}
