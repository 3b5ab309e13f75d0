import { randomBytes } from "node:crypto";
import { ChannelClosed } from "../../../../runtime/channel.ts";
import { OpenSegment, type WaitingBody } from "./open-segment.ts";

/** Size in bytes at which a new segment is begun. */
export const SEGMENT_SIZE = 32 * 1024 * 1024;
/** Bytes that are written together. */
const MOST_TOGETHER = 4 * 1024 * 1024;

interface SegmentParts {
  /** The spool. */
  readonly folder: string;
  /** Resolves when the store knows that the segment is in use and must not be swept. */
  readonly begins: (name: string) => Promise<void>;
  /** Size in bytes at which a new segment is begun. */
  readonly size: number;
}

/**
 * Appends the bodies of one thread to shared files, one segment after the other. Bodies that wait when a write ends are
 * written together, like rows in a commit. A body costs one write this way; a row costs two writes, and a separate file
 * two flushes. Bodies become durable in the order of their arrival, so a mail from a later segment tells the store that
 * an earlier segment will not grow any more.
 */
export class SegmentWriter {
  readonly #parts: SegmentParts;
  #segment: OpenSegment | undefined;
  /** The name of a segment that the store knows and that contains no durable body. */
  #spare: string | undefined;
  #waiting: WaitingBody[] = [];
  #running = false;
  #closed = false;

  constructor(parts: SegmentParts) {
    this.#parts = parts;
  }

  /** Resolves with the body's place once it is durable; rejects with the system's error. The chunks must not change. */
  append(chunks: readonly Buffer[], size: number): Promise<string> {
    // Otherwise the segment that is just being closed could be created again, and its bodies would be lost.
    if (this.#closed) return Promise.reject(new ChannelClosed());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ chunks, size, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  /** Accepts no more bodies; those that wait are still written. */
  close(): void {
    this.#closed = true;
    if (!this.#running) void this.#leave();
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Bodies that became complete in the same turn are written together.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) await this.#writeTogether(this.#take());
    this.#running = false;
    if (this.#closed) await this.#leave();
  }

  #take(): readonly WaitingBody[] {
    let bytes = 0;
    let taken = 0;
    for (; taken < this.#waiting.length && bytes < MOST_TOGETHER; taken++)
      bytes += this.#waiting[taken]?.size ?? 0;
    return this.#waiting.splice(0, taken);
  }

  async #writeTogether(bodies: readonly WaitingBody[]): Promise<void> {
    try {
      const segment = await this.#withRoom();
      await segment.write(bodies);
    } catch (error) {
      for (const { reject } of bodies) reject(error);
    }
  }

  async #withRoom(): Promise<OpenSegment> {
    const { folder, begins, size } = this.#parts;
    if (this.#segment !== undefined && !this.#segment.failed && this.#segment.end < size)
      return this.#segment;
    await this.#leave();
    const name = this.#spare ?? randomBytes(16).toString("hex");
    if (this.#spare === undefined) await begins(name);
    this.#spare = name;
    this.#segment = await OpenSegment.create(folder, name);
    return this.#segment;
  }

  async #leave(): Promise<void> {
    const segment = this.#segment;
    this.#segment = undefined;
    await segment?.close();
    if (segment?.holds === true) this.#spare = undefined;
  }
}
