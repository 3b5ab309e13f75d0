/** Sends a stored body: dot-stuffed behind DATA (RFC 5321 §4.5.2), or unchanged behind BDAT (RFC 3030). */
import type { Outcome } from "../../mail/outcome.ts";
import { reply } from "../../mail/reply.ts";
import { wireSize } from "../../ports/smtp-client.ts";
import { BodyDamaged, type BodySource } from "../../ports/stored-body.ts";
import type { ClaimedMail } from "../../ports/work-store.ts";
import { DotStuffer } from "./dot-stuffing.ts";
import { Closing } from "./envelope.ts";
import { ConnectionLost, type Wire } from "./wire.ts";

/** A body could not be read from our own disk; that does not concern the peer. */
export class BodyUnreadable extends Error {
  readonly outcome: Outcome;

  constructor(error: unknown) {
    const why = (error as Error).message;
    super(`the stored body could not be read: ${why}`);
    this.outcome =
      error instanceof BodyDamaged
        ? { kind: "damaged", why }
        : { kind: "deferred", reply: reply(451, "4.3.0", this.message), ours: true };
  }
}

/** Rejects with BodyUnreadable. */
export function readBody(mail: ClaimedMail): Buffer | BodySource {
  try {
    return mail.body.read();
  } catch (error) {
    throw new BodyUnreadable(error);
  }
}

/** Returns the whole mail with its final dot, for a body in memory. */
export function stuffed(mail: ClaimedMail, body: Buffer): readonly Buffer[] {
  const stuffer = new DotStuffer();
  return [...stuffer.push(Buffer.from(mail.topFields)), ...stuffer.push(body), stuffer.end()];
}

/** Returns the single BDAT command for the whole mail, RFC 3030 §2; the mail's octets follow it. */
export function bdatLine(mail: ClaimedMail): string {
  return `BDAT ${wireSize(mail)} LAST\r\n`;
}

interface Stream {
  readonly source: BodySource;
  readonly mail: ClaimedMail;
  readonly chunked: boolean;
  /** Milliseconds for the peer to take some octets. */
  readonly patience: number;
}

/** Sends a body without its last octets; resolves to these, with the final dot, or as BDAT still needs them. */
export async function pump(
  wire: Wire,
  { source, mail, chunked, patience }: Stream,
): Promise<readonly Buffer[]> {
  const stuffer = new DotStuffer();
  const top = Buffer.from(mail.topFields);
  wire.write(chunked ? [bdatLine(mail), top] : stuffer.push(top));
  let left = mail.size;
  let kept: Buffer | undefined;
  try {
    for (let n = 0; ; n++) {
      const block = wire.blocks[n % 2] as Buffer;
      const chunk = block.subarray(0, await source.read(block));
      if (chunk.length === 0) break;
      left -= chunk.length;
      // The peer would take superfluous octets for commands.
      if (chunked && left < 0) throw new Error("it is longer than its recorded size");
      // The last piece is sent with the end of the mail. A block is reused once its piece has been sent.
      if (kept !== undefined) await wire.sent(chunked ? [kept] : stuffer.push(kept), patience);
      kept = chunk;
      // A peer that answers within the body will not accept the mail, RFC 5321 §3.8.
      const early = wire.early();
      if (early !== undefined) throw new Closing(early);
    }
    if (chunked && left > 0) throw new Error("it is shorter than its recorded size");
  } catch (error) {
    // Such a peer often hangs up at once; its reply tells more than the lost connection.
    const said = error instanceof ConnectionLost ? wire.early() : undefined;
    if (said !== undefined) throw new Closing(said);
    throw error instanceof ConnectionLost || error instanceof Closing ? error : new BodyUnreadable(error);
  } finally {
    await source.close();
  }
  const last = kept ?? Buffer.alloc(0);
  return chunked ? [last] : [...stuffer.push(last), stuffer.end()];
}
