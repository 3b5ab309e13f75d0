/** The output of a verb, and whether it was written. */
import { createWriteStream, fstatSync } from "node:fs";
import type { Writable } from "node:stream";
import { trouble } from "./files.ts";

const STDOUT = 1;

/**
 * Returns stdout. If it is a file, the stream of Node.js treats a write that fitted a full disk only partly as
 * complete; this one continues until the system says that nothing more fits.
 */
export function standardOutput(): Writable {
  const isFile = fstatSync(STDOUT).isFile();
  return isFile ? createWriteStream("", { fd: STDOUT, autoClose: false }) : process.stdout;
}

/** Watches whether everything written to a stream is taken. */
export class Watch {
  readonly #stream: Writable;
  #error: NodeJS.ErrnoException | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    // The listener stays: the event may come after the last write, and without a listener it would end the process.
    stream.on("error", (error: NodeJS.ErrnoException) => {
      this.#error ??= error;
    });
  }

  /**
   * Resolves when everything is written, with the error if that failed. A reader that goes away early, such as `head`,
   * is no failure.
   */
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

/** Explains an error of the output, such as a full disk; returns other errors unchanged. */
export function outputTrouble(error: unknown): unknown {
  const isOfOutput = (error as NodeJS.ErrnoException).syscall === "write";
  return isOfOutput ? trouble("cannot write the output", error) : error;
}
