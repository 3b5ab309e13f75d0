/** An incoming body as its connection sees it: in one piece (incoming-body.ts) or in chunks (incoming-chunk.ts). */
import type { Answer } from "./answer.ts";

/** Receives the octets after DATA, or those of one chunk. */
export interface Receiver {
  readonly verb: "DATA" | "BDAT";
  /** Octets received over the wire. */
  readonly octets: number;
  take(chunk: Buffer): Taken;
  /** Returns the answer after the last octet. `look` checks whether the client has left, and aborts if so. */
  finish(look?: () => Promise<void>): Promise<Answer>;
  abort(): void;
}

export interface Taken {
  /** Octets after the final dot, or after the chunk. Undefined until that end has come. */
  readonly rest?: Buffer;
  /** The next chunk must wait for this promise. */
  readonly wait?: Promise<void>;
  /** The client has sent far more than the limit and must be cut off. */
  readonly overrun?: boolean;
}

/** Octets above the size limit that are still read, but never more than the limit itself. */
const MOST_ABOVE = 10 * 1024 * 1024;

/** Octets of a refused body that are read before the client is cut off. */
export function mostOctets(maxMessageSize: number): number {
  return maxMessageSize + Math.min(maxMessageSize, MOST_ABOVE);
}
