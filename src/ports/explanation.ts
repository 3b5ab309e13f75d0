/** The replies that a client would get, from a rehearsal that counts and remembers nothing. */
import type { CheckNote } from "./journal.ts";

export interface ExplainRequest {
  readonly ip: string;
  readonly helo: string;
  /** Empty: the null sender. */
  readonly sender: string;
  readonly recipient: string;
}

export interface Explanation {
  /** The conversation as far as it would go; the first reply is the greeting. */
  readonly steps: readonly { readonly command?: string; readonly reply: string }[];
  readonly verdict: "accept" | "tag" | "defer" | "reject";
  /** Header fields that checks would add. */
  readonly fields: readonly string[];
  /** What each check found. */
  readonly checks: readonly CheckNote[];
  /** How long the client would wait for the greeting, in ms. */
  readonly greetDelay: number;
}
