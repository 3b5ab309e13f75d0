import { randomBytes } from "node:crypto";
import { ChannelClosed } from "../../../../runtime/channel.ts";
import { OpenSegment, type WaitingBody } from "./open-segment.ts";

/** Bytes after which a segment is left for a new one. */
export const SEGMENT_SIZE = 32 * 1024 * 1024;
/** Bytes that are written together. */
const MOST_TOGETHER = 4 * 1024 * 1024;

interface SegmentParts {
  /** The spool. */
  readonly folder: string;
  /** Resolves when the store knows that the segment is in use, and so will not sweep it away. */
  readonly begins: (name: string) => Promise<void>;
  /** Bytes after which a segment is left for a new one. */
  readonly size: number;
}

/**
 * Appends bodies of one thread to a file that they share, one segment after the other. All that wait when a write ends
 * are written together, as a commit does with rows; a body costs one write this way, where a row costs two and a file
 * of its own two flushes. Bodies become durable in the order in which they came, which is what tells the store that an
 * earlier segment will grow no more.
 */
export class SegmentWriter {
  readonly #parts: SegmentParts;
  #segment: OpenSegment | undefined;
  /** The name of a segment that the store knows and that holds nothing yet. */
  #spare: string | undefined;
  #waiting: WaitingBody[] = [];
  #running = false;
  #closed = false;

  constructor(parts: SegmentParts) {
    this.#parts = parts;
  }

  /** Answers its place, once it is durable; rejects with the system's error. The chunks must stay as they are. */
  append(chunks: readonly Buffer[], size: number): Promise<string> {
    // The segment that is just being left would be begun anew, and with it all that it holds be gone.
    if (this.#closed) return Promise.reject(new ChannelClosed());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ chunks, size, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  /** What waits is still written, nothing more is taken. */
  close(): void {
    this.#closed = true;
    if (!this.#running) void this.#leave();
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Bodies that became complete in the same turn go together.
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
