/**
 * Splits what a client sends into command lines and bodies. It replaces the parser of smtp-server. A proper line ends
 * in CRLF and has a limited length. Lines are passed to the handler one at a time, and nothing more is read while the
 * handler works. A body is passed on chunk by chunk.
 *
 * Invariant: once `isClosed` is set, nothing more is passed on, so that plaintext after STARTTLS is discarded.
 */
import { SMTPStream } from "smtp-server/lib/smtp-stream.js";
import { ownCopy } from "../../mail/own-copy.ts";

interface StreamHandler {
  /** Handles one line, given without its line end. A bare LF ends a line as well, but then `sound` is false. */
  line(line: Buffer, sound: boolean): Promise<void> | undefined;
  /** Handles the next octets of a body. Returns the octets after the end of the body, once it has ended. */
  chunk(chunk: Buffer): ChunkTaken;
  /** Maximum length of a command line in octets. */
  longest(): number;
  tooLong(): void;
  /** The client sent a TLS handshake instead of a command, so what follows is no text. */
  foreign(): void;
  /** Writes the collected replies. If it returns a promise, nothing more is read until that resolves. */
  flush(): Promise<void> | undefined;
  /** A handler threw or rejected. That is a bug, and the connection must end. */
  failed(error: unknown): void;
}

export interface ChunkTaken {
  readonly rest?: Buffer;
  readonly wait?: Promise<void>;
}

/** Most lines that are handled in one event-loop turn. */
const LINES_A_TURN = 100;
/** First octet of a TLS handshake, RFC 8446 §5.1; no command begins with it. */
const TLS_HANDSHAKE = 0x16;
const LF = 0x0a;
const CR = 0x0d;
const EMPTY = Buffer.alloc(0);

export class LineStream extends SMTPStream {
  /** Octets belong to a body, not to command lines. */
  inBody = false;
  /** Lines are being handled in a loop. `flush` is called after it, so replies may be collected until then. */
  working = false;
  /** Reads a little while a handler works; calls `left` if the client has closed its side. Set by socket-feed.ts. */
  look: (left: () => void) => Promise<void> = async () => {};
  readonly #handler: StreamHandler;
  /** The beginning of a line whose end has not arrived yet. */
  #partial: Buffer = EMPTY;
  #chunk: Buffer = EMPTY;
  /** Index of the first octet of the chunk that has not been passed on. */
  #at = 0;
  /** A handler returned a promise, so other connections had their turn and no setImmediate is needed. */
  #rested = false;

  constructor(handler: StreamHandler) {
    super();
    this.#handler = handler;
  }

  /** Octets after the line that is being handled have already arrived. */
  get ahead(): boolean {
    return this.#at < this.#chunk.length;
  }

  /** Takes octets whose memory is valid only until this returns: what is left then is copied. */
  lend(octets: Buffer, next: () => void): void {
    this._write(octets, "", next);
    if (this.ahead) this.#feed(ownCopy(this.#chunk, this.#at));
  }

  override _write(chunk: Buffer, _encoding: string, next: (error?: Error | null) => void): void {
    this.#feed(chunk);
    this.#pump(next);
  }

  override _flushData(): void {
    // A last line without a line end is no command.
  }

  #pump(next: () => void): void {
    try {
      this.working = true;
      const wait = this.#work();
      this.working = false;
      const pending = both(wait, this.#handler.flush());
      if (pending === undefined) return void this.#goOn(next);
      pending.then(
        () => this.#goOn(next),
        (error: unknown) => this.#fail(error, next),
      );
    } catch (error) {
      this.#fail(error, next);
    }
  }

  #goOn(next: () => void): void {
    if (!this.ahead) next();
    else if (this.#rested) this.#pump(next);
    else setImmediate(() => this.#pump(next));
  }

  #fail(error: unknown, next: () => void): void {
    this.working = false;
    this.isClosed = true;
    this.#handler.failed(error);
    next();
  }

  /** Handles the chunk until a handler waits, or until as much is done as is allowed in one event-loop turn. */
  #work(): Promise<void> | undefined {
    this.#rested = false;
    for (let budget = LINES_A_TURN; budget > 0; budget--) {
      if (this.isClosed) this.#forget();
      if (!this.ahead) return undefined;
      const wait = this.inBody ? this.#takeBody() : this.#takeLine();
      this.#rested = wait !== undefined;
      if (wait !== undefined) return wait;
    }
    return undefined;
  }

  #takeBody(): Promise<void> | undefined {
    const { rest = EMPTY, wait } = this.#handler.chunk(this.#chunk.subarray(this.#at));
    this.#feed(rest);
    return wait;
  }

  #takeLine(): Promise<void> | undefined {
    const chunk = this.#chunk;
    const from = this.#at;
    if (chunk[from] === TLS_HANDSHAKE && this.#partial.length === 0) return this.#giveUp("foreign");
    const lf = chunk.indexOf(LF, from);
    const end = lf === -1 ? chunk.length : lf;
    if (this.#partial.length + end - from > this.#handler.longest()) return this.#giveUp("tooLong");
    this.#at = end + 1;
    if (this.#partial.length > 0 || lf === -1) return this.#takePiece(chunk.subarray(from, end), lf !== -1);
    const sound = chunk[lf - 1] === CR;
    return this.#handler.line(chunk.subarray(from, sound ? lf - 1 : lf), sound);
  }

  /** Handles a piece of a line that arrives in several chunks. */
  #takePiece(piece: Buffer, last: boolean): Promise<void> | undefined {
    const line = Buffer.concat([this.#partial, piece]);
    this.#partial = last ? EMPTY : line;
    if (!last) return undefined;
    const sound = line.at(-1) === CR;
    return this.#handler.line(sound ? line.subarray(0, -1) : line, sound);
  }

  #giveUp(why: "tooLong" | "foreign"): undefined {
    this.#forget();
    this.#handler[why]();
  }

  #feed(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  #forget(): void {
    this.#feed(EMPTY);
    this.#partial = EMPTY;
  }
}

/** Waits for both promises, if there are any. Most often there is one, or none. */
function both(
  one: Promise<void> | undefined,
  other: Promise<void> | undefined,
): Promise<unknown> | undefined {
  if (one === undefined) return other;
  return other === undefined ? one : Promise.all([one, other]);
}
