import { inAscii, printable } from "../../mail/reply.ts";
import type { VirusResult } from "../../ports/scanner.ts";
import { placeOf, Trouble, type Exchange } from "./exchange.ts";
import { PatientSocket } from "./patient-socket.ts";

/** Longest answer of clamd that is read, in octets. */
const LONGEST_ANSWER = 4096;
/** Most characters of a signature's name, or of an answer that is quoted. */
const LONGEST_NAME = 100;
const SIZE_LIMIT = "INSTREAM size limit exceeded. ERROR";

/**
 * clamd's INSTREAM: each chunk follows its length in four octets, a length of 0 ends the body, and the answer is one
 * line that ends with NUL. clamd answers early, and closes, only if the body exceeds its StreamMaxLength; that answer
 * is read even while we are still writing.
 */
export class ClamdExchange implements Exchange<VirusResult> {
  readonly #socket = new PatientSocket();
  readonly #answer = Promise.withResolvers<VirusResult>();
  #text = "";
  /** The whole body was sent. */
  #ended = false;
  #over = false;
  #wake: () => void = () => {};

  constructor(server: string) {
    // The promise may be rejected before a caller of end() handles it.
    this.#answer.promise.catch(() => {});
    this.#socket.on("data", (chunk: Buffer) => this.#read(chunk));
    this.#socket.on("drain", () => this.#wake());
    this.#socket.on("error", (error) => this.#finish(new Trouble(error.message)));
    this.#socket.on("end", () => this.#finish(new Trouble("closed the connection without an answer")));
    this.#socket.on("close", () => this.#finish(new Trouble("closed the connection without an answer")));
    this.#socket.connect(placeOf(server));
    this.#socket.write("zINSTREAM\0");
  }

  write(chunk: Buffer): Promise<void> | undefined {
    if (this.#over || chunk.length === 0) return undefined;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(chunk.length);
    this.#socket.cork();
    this.#socket.write(length);
    const room = this.#socket.write(chunk);
    this.#socket.uncork();
    return room ? undefined : new Promise((resolve) => (this.#wake = resolve));
  }

  end(): Promise<VirusResult> {
    this.#ended = true;
    if (!this.#over) this.#socket.write(Buffer.alloc(4));
    return this.#answer.promise;
  }

  abort(): void {
    this.#finish(new Trouble("given up"));
  }

  #read(chunk: Buffer): void {
    this.#text += chunk.toString("latin1");
    const end = this.#text.indexOf("\0");
    if (end !== -1) this.#finish(this.#understand(this.#text.slice(0, end)));
    else if (this.#text.length > LONGEST_ANSWER) this.#finish(new Trouble("answered without end"));
  }

  #understand(line: string): VirusResult | Trouble {
    if (line === SIZE_LIMIT) return { kind: "oversize" };
    // An answer before the end of the body is not about the whole body.
    if (!this.#ended || this.#socket.lost)
      return new Trouble(`answered before the end: ${printable(line.slice(0, LONGEST_NAME))}`);
    if (line === "stream: OK") return { kind: "clean" };
    const name = /^stream: (.+) FOUND$/.exec(line)?.[1];
    // The name appears in SMTP replies, which are ASCII.
    if (name !== undefined) return { kind: "found", name: inAscii(name.slice(0, LONGEST_NAME)) };
    return new Trouble(`answered ${printable(line.slice(0, LONGEST_NAME)) || "nothing"}`);
  }

  #finish(result: VirusResult | Trouble): void {
    if (this.#over) return;
    this.#over = true;
    if (result instanceof Trouble) this.#answer.reject(result);
    else this.#answer.resolve(result);
    this.#wake();
    this.#socket.destroy();
  }
}
