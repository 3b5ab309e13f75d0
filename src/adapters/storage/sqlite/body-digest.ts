/**
 * SHA-256 of bodies, in hexadecimal: under which a body is accepted, which the ledger tells, and with which it is
 * compared when it comes from the disk again.
 */
import { hash, webcrypto } from "node:crypto";

/** Pieces are put together here; larger bodies get memory of their own. */
const SCRATCH = Buffer.allocUnsafeSlow(64 * 1024);

export function digestOf(body: Uint8Array): string {
  return hash("sha256", body, "hex");
}

/**
 * The same in Node.js's thread pool, since it is the dearest part of a body of some size where the processor has no
 * instructions for it. The pieces may change once this returns.
 */
export async function digestBeside(pieces: readonly Buffer[], size: number): Promise<string> {
  // It copies what it is given before it returns.
  const digest = await webcrypto.subtle.digest("SHA-256", together(pieces, size));
  return Buffer.from(digest).toString("hex");
}

function together(pieces: readonly Buffer[], size: number): Uint8Array<ArrayBuffer> {
  const whole = size <= SCRATCH.length ? SCRATCH : Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole.subarray(0, size);
}
