import type { Socket } from "node:net";

/** Larger batches are not copied. */
const MOST_COPIED = 64 * 1024;

/** A character may take 3 octets in UTF-8; the rest is for octets that the kernel does not take at once. */
const PAGE = 4 * MOST_COPIED;

/** All connections, one after another, assemble their batches here. */
let page = Buffer.allocUnsafeSlow(PAGE);
/** Octets at the beginning that sockets still read. */
let taken = 0;

/** Octets that are sent together, as one buffer: one write of a copy costs less than one of many pieces. */
export class OutgoingBatch {
  #parts: (Buffer | string)[] = [];
  #flushed: (() => void)[] = [];
  #size = 0;

  /** The approximate number of octets. */
  get size(): number {
    return this.#size;
  }

  /** `flushed` runs when the kernel has taken them. */
  add(parts: readonly (Buffer | string)[], flushed?: () => void): void {
    for (const part of parts) {
      this.#parts.push(part);
      this.#size += part.length;
    }
    if (flushed !== undefined) this.#flushed.push(flushed);
  }

  send(socket: Socket): void {
    const [parts, flushed, size] = [this.#parts, this.#flushed, this.#size];
    if (parts.length === 0) return;
    this.#parts = [];
    this.#flushed = [];
    this.#size = 0;
    const told: Told = (error) => {
      if (error === null || error === undefined) for (const tell of flushed) tell();
    };
    if (size <= MOST_COPIED) return sendCopy(socket, parts, told);
    socket.cork();
    for (const part of parts) socket.write(part);
    socket.write("", told);
    socket.uncork();
  }
}

type Told = (error?: Error | null) => void;

function sendCopy(socket: Socket, parts: readonly (Buffer | string)[], told: Told): void {
  if (page.length - taken < 3 * MOST_COPIED) {
    page = Buffer.allocUnsafeSlow(PAGE);
    taken = 0;
  }
  let end = taken;
  for (const part of parts) end += typeof part === "string" ? page.write(part, end) : part.copy(page, end);
  socket.write(page.subarray(taken, end), told);
  // Nearly always the kernel has taken all of it by now, and the next batch may use the same memory.
  if (socket.writableLength > 0) taken = end;
}
