import { Socket } from "node:net";

type Written = (error?: Error | null) => void;

/**
 * A socket that stays readable after a write failed. If a server answers early and closes, our next write fails while
 * the answer waits to be read, and Node.js would destroy the socket with the answer. This socket ignores the failed
 * write, and reading goes on up to the answer or the end.
 */
export class PatientSocket extends Socket {
  #lost = false;

  /** True if some octets were written after the peer had closed, so that they never arrived. */
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
