/** A body on its way in, as its connection sees it: in one piece (incoming-body.ts) or in chunks (incoming-chunk.ts). */
import type { Answer } from "./answer.ts";

/** What takes the octets after DATA, or those of one chunk. */
export interface Receiver {
  readonly verb: "DATA" | "BDAT";
  /** Octets that came over the wire. */
  readonly octets: number;
  take(chunk: Buffer): Taken;
  /** All octets were taken: what is said to them. `look` aborts it when the client has left unseen. */
  finish(look?: () => Promise<void>): Promise<Answer>;
  abort(): void;
}

export interface Taken {
  /** What came after the final dot, or after the chunk; present once that has ended. */
  readonly rest?: Buffer;
  /** Wait for it before the next chunk. */
  readonly wait?: Promise<void>;
  /** The client goes on far beyond the limit: cut it off. */
  readonly overrun?: boolean;
}

/** Octets above the size limit that are still read; as many as the limit has where that is less. */
const MOST_ABOVE = 10 * 1024 * 1024;

/** Octets that are read of what is not taken, before the client is cut off. */
export function mostOctets(maxMessageSize: number): number {
  return maxMessageSize + Math.min(maxMessageSize, MOST_ABOVE);
}
