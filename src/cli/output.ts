/** Where the answers of a verb go, and what became of them on the way. */
import { createWriteStream, fstatSync } from "node:fs";
import type { Writable } from "node:stream";
import { trouble } from "./files.ts";

const STDOUT = 1;

/**
 * Stdout. Where it is a file, Node.js's own stream takes the part of a write that still fitted a full disk for the
 * whole; this one goes on until it is told that nothing fits any more.
 */
export function standardOutput(): Writable {
  const isFile = fstatSync(STDOUT).isFile();
  return isFile ? createWriteStream("", { fd: STDOUT, autoClose: false }) : process.stdout;
}

/** Looks whether all is taken that is written to it. */
export class Watch {
  readonly #stream: Writable;
  #error: NodeJS.ErrnoException | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    // It stays: the event may come after the last word of the stream, and without a listener it ends the process.
    stream.on("error", (error: NodeJS.ErrnoException) => {
      this.#error ??= error;
    });
  }

  /** All is written, or why not. A reader that goes away early, such as `head`, is no trouble. */
  async end(): Promise<NodeJS.ErrnoException | undefined> {
    await drained(this.#stream);
    const error = this.#error ?? this.#stream.errored ?? undefined;
    return error !== undefined && isBrokenPipe(error) ? undefined : error;
  }
}

export function isBrokenPipe(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "EPIPE";
}

export function drained(stream: Writable): Promise<void> {
  if (stream.destroyed || stream.errored !== null || stream.writableEnded) return Promise.resolve();
  return new Promise((resolve) => {
    stream.write("", () => resolve());
  });
}

/** Such as a full disk behind `>`; errors of something else stay what they are. */
export function outputTrouble(error: unknown): unknown {
  const isOfOutput = (error as NodeJS.ErrnoException).syscall === "write";
  return isOfOutput ? trouble("cannot write the output", error) : error;
}
