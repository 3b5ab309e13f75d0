/** Callouts: a primary is asked whether a mailbox exists, by MAIL with the null sender and RCPT; no mail is sent. */

export interface CalloutQuestion {
  /** A-labels. */
  readonly domain: string;
  /** As it goes on the wire. */
  readonly address: string;
  /** Asks the primary even if an answer is known, because that answer is getting old. */
  readonly refresh?: boolean;
}

export type CalloutAnswer =
  | { readonly kind: "accepted" }
  /** No such mailbox; `doubted`: it existed recently, so this may be an error. */
  | { readonly kind: "refused"; readonly doubted: boolean }
  /** The primary accepts every address, so its answer proves nothing. */
  | { readonly kind: "acceptAll" }
  /** No primary of the domain is up. */
  | { readonly kind: "away" }
  /** The primary gave no answer that can be believed. */
  | { readonly kind: "mute"; readonly why: string }
  /** Too many callouts are waiting for the primary. */
  | { readonly kind: "busy" };
