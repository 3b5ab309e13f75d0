/** Senders that an operator allows: their mail never counts as spam, but is still scanned for viruses. */

export interface AllowedSender {
  /** An address in its simplest form, or `@example.com` for all of a domain; lower case. */
  readonly sender: string;
  /** Only for recipients of this domain; absent: for all. */
  readonly domain?: string;
  /** When it was allowed, ms since 1970, and by whom. */
  readonly at: number;
  readonly who: string;
}

export interface AllowedSenderStore {
  /** False if it is allowed already. */
  allowSender(sender: AllowedSender): Promise<boolean>;
  /** False if it was not allowed. */
  disallowSender(sender: Pick<AllowedSender, "sender" | "domain">): Promise<boolean>;
}

export interface AllowedSenderReader {
  allowedSenders(): Promise<readonly AllowedSender[]>;
}

/** Looks allowed senders up synchronously, on the caller's own thread. */
export interface AllowedSenders {
  /** `sender` is in lower case; always false for the null sender. */
  has(sender: string, domain: string): boolean;
  close(): void;
}
