/** Primaries' replies about single addresses: read synchronously on the caller's own thread, written without waiting. */

/** What the knowledge comes from: a delivery or a callout. */
export type Teller = "delivery" | "callout";

/** The primary answered that there is no such mailbox. */
export interface Refusal {
  /** The first such answer, if none contradicted it since; ms since 1970. */
  readonly since: number;
  /** The last such answer, ms since 1970. */
  readonly at: number;
  readonly origin: Teller;
  /** Its last reply, with codes. */
  readonly reply: string;
}

export interface Remembered {
  /** The primary accepted the address. `at`: the last time, ms since 1970; for deliveries, in whole days. */
  readonly accepted?: { readonly at: number; readonly origin: Teller };
  /** Absent once the primary has accepted the address. */
  readonly refused?: Refusal;
}

/** The keys are made by `mailboxKey`. */
export interface RecipientMemory {
  find(key: string): Remembered;
  /** False if `find` would return no refusal of the last 26 h. Much cheaper than `find`. */
  mayBeRefused(key: string): boolean;
  /** The address of the domain that a primary accepted last, not before `from`. */
  lastAccepted(domain: string, from: number): string | undefined;
  close(): void;
}

export type Note =
  | { readonly kind: "accepted"; readonly at: number; readonly origin: Teller }
  | { readonly kind: "refused"; readonly at: number; readonly origin: Teller; readonly reply: string };

export interface RecipientNotes extends RecipientMemory {
  /** Stored soon, and found at once by the same thread; lost if the store fails or the process dies first. */
  note(key: string, note: Note): void;
}
