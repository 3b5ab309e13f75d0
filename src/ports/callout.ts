/** Questions to primaries whether a mailbox exists: RCPT after the null sender, and no mail. */

export interface CalloutQuestion {
  /** A-labels. */
  readonly domain: string;
  /** As it goes on the wire. */
  readonly address: string;
  /** Ask although an answer is known, because that answer is getting old. */
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
  /** It gave no answer that could be believed. */
  | { readonly kind: "mute"; readonly why: string }
  /** Too many callouts are waiting for it. */
  | { readonly kind: "busy" };
