import type { Socket } from "node:net";

/** Parts larger than this are not copied. */
const MOST_COPIED = 64 * 1024;

/** Octets that leave together: as one buffer, because one write of a copy costs less than one of many pieces. */
export class OutgoingBatch {
  #parts: (Buffer | string)[] = [];
  #flushed: (() => void)[] = [];
  #size = 0;

  /** Octets, about. */
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
    const told = (error?: Error | null): void => {
      if (error === null || error === undefined) for (const tell of flushed) tell();
    };
    if (size <= MOST_COPIED) return void socket.write(joined(parts), told);
    socket.cork();
    for (const part of parts) socket.write(part);
    socket.write("", told);
    socket.uncork();
  }
}

function joined(parts: readonly (Buffer | string)[]): Buffer {
  const [only] = parts;
  if (parts.length === 1 && typeof only === "object") return only;
  const sizes = parts.map((part) => Buffer.byteLength(part));
  const whole = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  for (const [i, part] of parts.entries()) {
    if (typeof part === "string") whole.write(part, at);
    else whole.set(part, at);
    at += sizes[i] ?? 0;
  }
  return whole;
}
