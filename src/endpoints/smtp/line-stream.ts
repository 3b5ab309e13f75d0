/**
 * What a client sends, cut into command lines and bodies. Replaces the parser of smtp-server: a line ends with
 * CRLF only, is of bounded length, and goes to the handler alone; nothing is read on while the
 * handler works. A body goes to its taker chunk by chunk.
 *
 * Invariant: after `isClosed` nothing more is handed out, so that plaintext behind STARTTLS is lost.
 */
import { SMTPStream } from "smtp-server/lib/smtp-stream.js";
import { ownCopy } from "../../mail/own-copy.ts";

interface StreamHandler {
  /** One line without its line end; a bare LF ends a line too, and `sound` is false. */
  line(line: Buffer, sound: boolean): Promise<void> | undefined;
  /** The next octets of a body; answers what follows its end, once it has ended. */
  chunk(chunk: Buffer): ChunkTaken;
  /** Octets of a command line at most. */
  longest(): number;
  tooLong(): void;
  /** A TLS handshake where a command is due: what follows is no text. */
  foreign(): void;
  /** What was answered may leave; a promise means: read nothing before. */
  flush(): Promise<void> | undefined;
  /** A handler threw or rejected: a bug, the connection must end. */
  failed(error: unknown): void;
}

export interface ChunkTaken {
  readonly rest?: Buffer;
  readonly wait?: Promise<void>;
}

/** Lines handled in one turn of the event loop. */
const LINES_A_TURN = 100;
/** First octet of a TLS handshake, RFC 8446 §5.1; no command begins with it. */
const TLS_HANDSHAKE = 0x16;
const LF = 0x0a;
const CR = 0x0d;
const EMPTY = Buffer.alloc(0);

export class LineStream extends SMTPStream {
  /** Octets go to the body's taker. */
  inBody = false;
  /** Lines are being handled one after the other; `flush` follows, so answers may be collected until then. */
  working = false;
  /** Reads on a little while a handler works; `left` runs when the client has closed its side. Set by `feed` (socket-feed.ts). */
  look: (left: () => void) => Promise<void> = async () => {};
  readonly #handler: StreamHandler;
  /** The beginning of a line. */
  #partial: Buffer = EMPTY;
  #chunk: Buffer = EMPTY;
  /** The first octet of the chunk that has not been handed out. */
  #at = 0;
  /** Others had their turn: a handler waited. */
  #rested = false;

  constructor(handler: StreamHandler) {
    super();
    this.#handler = handler;
  }

  /** Octets behind the line that is being handled are here already. */
  get ahead(): boolean {
    return this.#at < this.#chunk.length;
  }

  /** Takes octets that are only lent until this returns. */
  lend(octets: Buffer, next: () => void): void {
    this._write(octets, "", next);
    if (this.ahead) this.#feed(ownCopy(this.#chunk, this.#at));
  }

  override _write(chunk: Buffer, _encoding: string, next: (error?: Error | null) => void): void {
    this.#feed(chunk);
    this.#pump(next);
  }

  override _flushData(): void {
    // What has no line end is no command.
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

  /** Works through the chunk, as far as may be done in one turn, or to where a handler waits. */
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

  /** A line that comes in several chunks. */
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

/** Waits for what there is to wait for; most often for one thing, or for nothing. */
function both(
  one: Promise<void> | undefined,
  other: Promise<void> | undefined,
): Promise<unknown> | undefined {
  if (one === undefined) return other;
  return other === undefined ? one : Promise.all([one, other]);
}
