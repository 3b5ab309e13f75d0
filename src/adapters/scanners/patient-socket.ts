import { Socket } from "node:net";

type Written = (error?: Error | null) => void;

/**
 * A socket that a failed write does not close. Who answers early and closes makes our next write fail while the
 * answer waits to be read; Node.js would throw it away with the socket. Here what was sent to nobody is forgotten, and
 * reading goes on to the answer or to the end.
 */
export class PatientSocket extends Socket {
  #lost = false;

  /** Some of what was written was sent to nobody. */
  get lost(): boolean {
    return this.#lost;
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, written: Written): void {
    super._write(chunk, encoding, this.#forgiving(written));
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], written: Written): void {
    super._writev?.(chunks, this.#forgiving(written));
  }

  #forgiving(written: Written): Written {
    return (error) => {
      const closed = isClosed(error);
      this.#lost ||= closed;
      written(closed ? undefined : error);
    };
  }
}

function isClosed(error: (Error & { code?: string }) | null | undefined): boolean {
  return error?.code === "EPIPE" || error?.code === "ECONNRESET";
}
