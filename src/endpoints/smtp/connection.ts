/**
 * One client's socket: passes lines and bodies to its session, writes the replies, and enforces the timeouts.
 *
 *   greeting -> command <-> busy            a line is being answered
 *                command -> body -> busy    DATA or BDAT, then what was sent is being answered
 *                command -> handshake -> command
 *   any -> closing
 *
 * From smtp-server it uses the socket's life cycle and the STARTTLS upgrade. Invariants: the only timer is that of the
 * greeting, all else is timed by `tick`, which the sweep calls; octets of a command do not extend the time for it; no
 * client is cut off for a delay that this server caused.
 */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { SMTPConnection } from "smtp-server/lib/smtp-connection.js";
import type { SMTPServer } from "smtp-server";
import { CLOSED, TROUBLE, wireText, type Answer, type NamedClient } from "./answer.ts";
import type { SessionState, SessionParts } from "./session-state.ts";
import type { Receiver } from "./receiver.ts";
import { BodyPace } from "./body-pace.ts";
import { describeTls } from "./describe-tls.ts";
import { type ChunkTaken, LineStream } from "./line-stream.ts";
import { OutgoingReplies } from "./outgoing-replies.ts";
import type { Place } from "./place.ts";
import { endsOf, UNNAMED } from "./socket-ends.ts";
import { drained, feed, hangUp } from "./socket-feed.ts";
import { Session } from "./session.ts";

export interface ConnectionParts extends SessionParts {
  /** Time in ms that never runs backwards; the sweep advances it. */
  readonly ticks: () => number;
  /** Released when the connection closes. */
  readonly place: Place;
  readonly xclient: SessionState["xclient"];
}

type Phase = "greeting" | "command" | "busy" | "body" | "handshake" | "closing";

export class Connection extends SMTPConnection {
  readonly #parts: ConnectionParts;
  #session: Session;
  #phase: Phase = "greeting";
  /** When the wait for the client began, or when the last octets of a body arrived. */
  #since: number;
  /** The TLS socket of a STARTTLS handshake; destroying the raw socket during the handshake crashes Node.js. */
  #handshake: Socket | undefined;
  #body: Receiver | undefined;
  #pace = new BodyPace(0);
  #stopping = false;
  /** Replies that are not written yet. Nothing is written during a TLS handshake. */
  readonly #replies = new OutgoingReplies((text) => {
    if (!this._upgrading && this._socket.writable) this._socket.write(text, "latin1");
  });

  constructor(server: SMTPServer, socket: Socket | TLSSocket, parts: ConnectionParts) {
    super(server, socket, UNNAMED);
    this.#parts = parts;
    this.#since = parts.ticks();
    this.#session = new Session(parts, parts.place.ip);
    this.#session.ends = endsOf(socket, parts.place.ip);
    this.#session.xclient = parts.xclient;
    if (socket instanceof TLSSocket) this.#session.secured(describeTls(socket));
    else this.#session.canStartTls = parts.settings().tls !== undefined;
  }

  /** The client is sending a body, or one of its commands is being answered. */
  get working(): boolean {
    return this.#phase === "body" || this.#phase === "busy";
  }

  override init(): void {
    this._setListeners(() => {
      const delay = this.#parts.greeting.delay(this.#session);
      if (delay === 0) this.#greet();
      else this.#parts.clock.after(delay, () => this.#greet());
    });
  }

  /** Runs once a second: checks timeouts, and closes TLS sockets that Node.js leaves open after the client left. */
  tick(now: number): void {
    const { commandTimeout, dataTimeout, handshakeTimeout, minDataRate } = this.#parts.settings().limits;
    const waited = now - this.#since;
    const inMail = this.#phase === "body" || (this.#phase === "command" && this.#session.chunking);
    if (this.#phase === "command" && this._socket.readableEnded) this.close();
    else if (this.#phase === "handshake" && waited >= handshakeTimeout) this.#destroy();
    else if (this.#phase === "command" && waited >= commandTimeout) this.#cut(CLOSED.tooSlow);
    else if (this.#phase === "body" && waited >= dataTimeout) this.#cut(CLOSED.tooSlow);
    else if (inMail && this.#pace.trickles(now, minDataRate)) this.#cut(CLOSED.tooSlow);
  }

  /** Sends 421 at once to an idle client, otherwise after the reply in progress. */
  stop(): void {
    this.#stopping = true;
    if (this.#phase === "greeting" || this.#phase === "command") this.#cut(CLOSED.stopping);
    if (this.#phase === "handshake") this.#destroy();
  }

  /** Closes the connection: flushes pending replies and waits for nothing else. */
  end(): void {
    if (this.#phase === "body") this.#cut(CLOSED.stopping);
    if (this._upgrading) return this.#destroy();
    this.#replies.leave();
    this._socket.destroySoon();
    this.close();
  }

  override _createParser(): LineStream {
    return new LineStream({
      line: (line, sound) => this.#line(line, sound),
      chunk: (chunk) => this.#chunk(chunk),
      longest: () => this.#parts.settings().limits.commandLine,
      tooLong: () => this.#cut(CLOSED.tooLong),
      foreign: () => this.#cut(CLOSED.foreign),
      flush: () => this.#flush(),
      failed: (error) => this.#failed(error),
    });
  }

  /** Connects a plain socket to the parser directly, because a pipe would double the cost of each line. */
  override _setListeners(callback: () => void): void {
    if (this.needsUpgrade) return super._setListeners(callback);
    const socket = this._socket;
    socket.on("close", (hadError: boolean) => this._onCloseEvent(hadError));
    socket.on("error", (error: Error) => this._onError(error));
    feed(this.#parser(), socket);
    callback();
  }

  /** Sets no timer, because `tick` checks timeouts. During an upgrade smtp-server passes the new TLS socket here. */
  override _armTimeout(socket?: Socket): void {
    if (socket !== undefined) this.#handshake = socket;
  }

  override _resetSession(): void {}

  /** Replies that smtp-server itself sends. All replies of this server go through `#write`. */
  override send(code: number, _text?: string | string[] | null): void {
    this.#write(code === 421 ? CLOSED.stopping : TROUBLE);
  }

  override _onClose(): void {
    this.#phase = "closing";
    this.#dropBody();
    this.#parts.place.giveBack();
    super._onClose();
  }

  #greet(): void {
    if (this._closing || this._closed) return;
    this._ready = true;
    this.#await("command");
    this.#write(this.#session.greeting(this.#parts.place.trusted));
  }

  #line(line: Buffer, sound: boolean): Promise<void> | undefined {
    if (!this._ready) return this.#cut(CLOSED.tooSoon);
    this.#phase = "busy";
    const answer = sound ? this.#session.command(line, this.#parser().ahead) : this.#session.misused(line);
    return answer instanceof Promise ? answer.then((late) => this.#proceed(late)) : this.#proceed(answer);
  }

  /** Writes an answer and takes the next step. The promise, if any, resolves when the client has read its replies. */
  #proceed(answer: Answer): Promise<void> | undefined {
    if (this.#phase === "closing") return undefined;
    if (answer.next === "body") return this.#openBody(answer);
    if (answer.client !== undefined) return this.#proceed(this.#serve(answer.client));
    this.#write(answer);
    if (answer.next === "tls") return this.#startTls();
    if (this._closing) return undefined;
    if (this.#stopping) return this.#cut(CLOSED.stopping);
    this.#await("command");
    return this.#collecting ? undefined : this.#flush();
  }

  /** Replaces the session by a new one for the named client. Returns its greeting, or the refusal. */
  #serve(client: NamedClient): Answer {
    const { place, settings } = this.#parts;
    this.#session = this.#session.begunFor(client);
    const refused = client.ip === undefined ? undefined : place.take(client.ip, settings().limits);
    return refused === undefined
      ? this.#session.greeting(place.trusted)
      : this.#session.refuse("connect", refused);
  }

  #openBody(announced: Answer): Promise<void> | undefined {
    if (!this.#session.chunking) this.#pace = new BodyPace(this.#parts.ticks());
    const body = this.#session.openBody(announced);
    if ("reply" in body) return this.#proceed(body);
    this.#body = body;
    this.#parser().inBody = true;
    this.#await("body");
    if (announced.chunk === undefined) this.#write(announced);
    return announced.chunk?.octets === 0 ? this.#chunk(Buffer.alloc(0)).wait : undefined;
  }

  #chunk(chunk: Buffer): ChunkTaken {
    const body = this.#body;
    if (body === undefined) return {};
    this.#pace.took(chunk.length);
    this.#since = this.#parts.ticks();
    const { rest, wait, overrun } = body.take(chunk);
    if (overrun === true) return this.#cut(CLOSED.tooMuch) ?? {};
    if (rest === undefined) return wait === undefined ? {} : { wait: this.#paused(wait) };
    this.#parser().inBody = false;
    this.#phase = "busy";
    return { rest, wait: this.#finish(body, wait) };
  }

  async #finish(body: Receiver, written: Promise<void> | undefined): Promise<void> {
    const parser = this.#parser();
    if (written !== undefined) await written.then(() => this.#pace.excuse(this.#parts.ticks()));
    // The socket may close meanwhile: this aborts the body, unless the store has been asked; then the store decides.
    const answer = await this.#session.finish(body, () => parser.look(() => this.#dropBody()));
    this.#body = undefined;
    await this.#proceed(answer);
  }

  /** Waits for the store. The timeouts of the client do not run meanwhile, because the delay is ours. */
  async #paused(wait: Promise<void>): Promise<void> {
    if (this.#phase === "body") this.#phase = "busy";
    await wait;
    if (this.#phase !== "busy") return;
    this.#await("body");
    this.#pace.excuse(this.#since);
  }

  #startTls(): Promise<void> {
    this.#replies.leave();
    this.#await("handshake");
    return new Promise((resumeRetiredParser) => {
      this.upgrade(resumeRetiredParser, () => {
        feed(this.#parser(), this._socket);
        this.#session.secured(describeTls(this._socket as TLSSocket));
        this.#await("command");
      });
    });
  }

  #failed(error: unknown): void {
    const stack = error instanceof Error ? error.stack : String(error);
    this.#parts.log.error("smtp.connection.failed", { ip: this.#session.ip, stack });
    this.#cut(CLOSED.sick);
  }

  /** Refuses the client in any phase, and closes the connection. */
  #cut(answer: Answer): undefined {
    if (this.#phase === "closing") return;
    this.#session.refuse(this.#phase === "body" ? "data" : "command", answer);
    this.#write({ ...answer, next: "close" });
  }

  #write(answer: Answer): void {
    this.#replies.add(wireText(answer));
    if (answer.next !== "close") {
      if (!this.#collecting) void this.#flush();
      return;
    }
    this.#replies.leave();
    this.#phase = "closing";
    this.#dropBody();
    if (answer.reply.code !== 221 || hangUp(this.#parser(), this._socket)) this.close();
  }

  #dropBody(): void {
    this.#body?.abort();
    this.#body = undefined;
    this.#session.abandon();
  }

  #await(phase: Phase): void {
    this.#phase = phase;
    this.#since = this.#parts.ticks();
  }

  /** Schedules pending replies for the end of this event-loop turn. Returns a promise if the client must read first. */
  #flush(): Promise<void> | undefined {
    this.#replies.leaveSoon();
    return drained(this._socket);
  }

  #parser(): LineStream {
    return this._parser as LineStream;
  }

  /** More replies follow in this event-loop turn. False once the socket has closed. */
  get #collecting(): boolean {
    return this._parser !== false && this.#parser().working;
  }

  #destroy(): void {
    this.#phase = "closing";
    (this.#handshake ?? this._socket).destroy();
  }
}
