import { crc32 } from "node:zlib";
import type { Accepted, NewMail } from "../../../../ports/intake.ts";
import { Moved, type Caller } from "../../../../runtime/channel.ts";
import { ArrivingBody } from "../bodies/arriving-body.ts";
import type { StoredAs } from "../wire/mail-row.ts";
import { wireMail, type IntakeMethods } from "../wire/wire.ts";

/**
 * Bytes of bodies that are sent in one buffer; a larger body is sent alone. The allocator keeps freed blocks up to this
 * size, but requests each larger block from the system, page by page.
 */
const BUFFER = 60 * 1024;

interface Waiting {
  readonly mail: NewMail;
  /** A body that will become a row, or where the body is already stored. */
  readonly body: ArrivingBody | StoredAs;
  resolve(answer: Accepted): void;
  reject(error: unknown): void;
}

/** Sends mails that become complete in one turn of the event loop to the storage thread together. */
export class Consigner {
  readonly #channel: Caller<IntakeMethods>;
  #waiting: Waiting[] = [];

  constructor(channel: Caller<IntakeMethods>) {
    this.#channel = channel;
  }

  send(mail: NewMail, body: ArrivingBody | StoredAs): Promise<Accepted> {
    return new Promise((resolve, reject) => {
      // Sockets that became readable at the same time run as separate tasks; this runs after all of them.
      if (this.#waiting.length === 0) setImmediate(() => this.#sendAll());
      this.#waiting.push({ mail, body, resolve, reject });
    });
  }

  #sendAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    let begin = 0;
    let bytes = 0;
    for (const [i, { body }] of waiting.entries()) {
      const size = bytesIn(body);
      if (bytes > 0 && bytes + size > BUFFER) {
        this.#consign(waiting.slice(begin, i), bytes);
        begin = i;
        bytes = 0;
      }
      bytes += size;
    }
    this.#consign(waiting.slice(begin), bytes);
  }

  #consign(waiting: readonly Waiting[], bytes: number): void {
    // It need not be cleared, because the bodies fill it.
    const target = Buffer.allocUnsafeSlow(bytes);
    const { buffer: bodies } = target;
    let at = 0;
    const mails = waiting.map(({ mail, body }) => {
      const stored = body instanceof ArrivingBody ? asRow(body, target.subarray(at)) : body;
      at += bytesIn(body);
      return wireMail(mail, stored);
    });
    this.#channel.call("accept", new Moved({ mails, bodies }, [bodies])).then(
      (answers) => {
        for (const [i, { resolve }] of waiting.entries()) resolve(answers[i] as Accepted);
      },
      (error: unknown) => {
        for (const { reject } of waiting) reject(error);
      },
    );
  }
}

/** Bytes of the body that are sent together with the mail. */
function bytesIn(body: ArrivingBody | StoredAs): number {
  return body instanceof ArrivingBody ? body.size : 0;
}

/** Copies a body to the beginning of `target`. */
function asRow(body: ArrivingBody, target: Buffer): StoredAs {
  const { size } = body;
  body.copyTo(target);
  return { size, spool: null, crc: crc32(target.subarray(0, size)) };
}
