/** Primaries' replies about single addresses: read synchronously on the caller's own thread, written without waiting. */

/** How it was learned: from a delivery, or from a callout. */
export type Teller = "delivery" | "callout";

/** The primary said that there is no such mailbox. */
export interface Refusal {
  /** First time, not contradicted since; ms since 1970. */
  readonly since: number;
  /** Last time. */
  readonly at: number;
  readonly origin: Teller;
  /** Its last words, with codes. */
  readonly reply: string;
}

export interface Remembered {
  /** The primary took it. `at`: the last time, ms since 1970; from deliveries to the day. */
  readonly accepted?: { readonly at: number; readonly origin: Teller };
  /** Absent once the primary took the address. */
  readonly refused?: Refusal;
}

/** Keys are as `mailboxKey` makes them. */
export interface RecipientMemory {
  find(key: string): Remembered;
  /** False: `find` knows of no refusal in the last 26 h. Costs next to nothing. */
  mayBeRefused(key: string): boolean;
  /** The address of the domain that was accepted last, not before `from`. */
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
