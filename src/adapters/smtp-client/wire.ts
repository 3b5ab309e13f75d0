import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Reply } from "../../mail/reply.ts";
import type { Clock } from "../../runtime/clock.ts";
import { Deadline } from "./deadline.ts";
import { connectError } from "./dial.ts";
import { OutgoingBatch } from "./outgoing-batch.ts";
import { ReplyReader } from "./reply-reader.ts";

/** The connection was lost, or the peer was silent for too long or does not speak SMTP. */
export class ConnectionLost extends Error {}

/** A batch of this number of octets is sent before the end of the event-loop turn. */
const BATCH = 64 * 1024;

/** Octets of a large body that are read at a time. */
const BLOCK = 64 * 1024;

/**
 * Most octets of replies that may be unread. One chunk may contain the replies to an envelope of thousands of
 * recipients; its reader has read them before the next chunk arrives.
 */
const MAX_UNREAD = 256 * 1024;

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: ConnectionLost): void;
}

/** A connected socket that sends commands and receives replies. Once it is lost, it stays lost. */
export class Wire {
  readonly #socket: Socket;
  readonly #reader = new ReplyReader();
  readonly #replies: Reply[] = [];
  /** Octets that have arrived since there was no unread reply. */
  #unread = 0;
  readonly #replyDeadline: Deadline;
  readonly #drainDeadline: Deadline;
  #reply: Waiting<Reply> | undefined;
  #drain: Waiting<void> | undefined;
  #lost: ConnectionLost | undefined;
  readonly #batch = new OutgoingBatch();
  #scheduled = false;
  readonly #sendLater = (): void => {
    this.#scheduled = false;
    this.#send();
  };
  #writes = 0;
  #blocks: readonly Buffer[] | undefined;

  readonly #take = (reply: Reply): void => {
    const waiter = this.#reply;
    if (waiter === undefined) {
      this.#replies.push(reply);
      return;
    }
    this.#reply = undefined;
    this.#replyDeadline.end();
    waiter.resolve(reply);
  };

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#replyDeadline = new Deadline(clock, (limit) =>
      this.lose(`no reply within ${Math.round(limit / 1000)} s`),
    );
    this.#drainDeadline = new Deadline(clock, () => this.lose("the peer accepts no more octets"));
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", (error) => this.lose(connectError(error)));
    socket.on("end", () => this.lose("the peer closed the connection"));
    socket.on("close", () => this.lose("the connection was closed"));
    socket.on("drain", () => this.#drained());
    socket.resume();
  }

  get lost(): ConnectionLost | undefined {
    return this.#lost;
  }

  get encrypted(): boolean {
    return this.#socket instanceof TLSSocket;
  }

  /** The number of writes; a caller that remembers it can tell whether something was written since. */
  get writes(): number {
    return this.#writes;
  }

  /** Whether many octets wait for the kernel to take them. */
  get crowded(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /**
   * Memory for large bodies that leave here: one block is filled while the other is sent. Blocks made anew for each
   * piece would be garbage that V8 collects only when there are 30 MB of it.
   */
  get blocks(): readonly Buffer[] {
    this.#blocks ??= [Buffer.allocUnsafeSlow(BLOCK), Buffer.allocUnsafeSlow(BLOCK)];
    return this.#blocks;
  }

  /**
   * Writes all parts; everything written in one turn of the event loop is sent as one batch. `flushed` is called when
   * the kernel has taken the last octet.
   */
  write(parts: readonly (Buffer | string)[], flushed?: () => void): void {
    this.#writes += 1;
    this.#batch.add(parts, flushed);
    if (this.#batch.size >= BATCH) this.#send();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      process.nextTick(this.#sendLater);
    }
  }

  /** Resolves when written octets have left, within `timeout` ms. Rejects with ConnectionLost. */
  drain(timeout: number): Promise<void> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    this.#send();
    return this.#socket.writableNeedDrain ? this.#untilDrained(timeout) : Promise.resolve();
  }

  /** Writes all parts; resolves when the kernel has taken them, within `timeout` ms. Rejects with ConnectionLost. */
  sent(parts: readonly (Buffer | string)[], timeout: number): Promise<void> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    const drained = this.#untilDrained(timeout);
    this.write(parts, () => this.#drained());
    this.#send();
    return drained;
  }

  /** Returns the next reply, at once if it has arrived, else within `timeout` ms. Rejects with ConnectionLost. */
  reply(timeout: number): Reply | Promise<Reply> {
    const ready = this.#replies.shift();
    if (ready !== undefined) return ready;
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      this.#replyDeadline.begin(timeout);
      this.#reply = { resolve, reject };
    });
  }

  /** Puts back a reply that does not belong to its reader's command: a 421 is for the next reader. */
  unread(reply: Reply): void {
    this.#replies.unshift(reply);
  }

  /** Drops unread replies, because it is not known to which commands they belong. */
  forget(): void {
    this.#replies.length = 0;
  }

  /** The first unread reply, such as a 421 that arrives while a body is sent. */
  early(): Reply | undefined {
    return this.#replies[0];
  }

  /** Closes the connection; pending waits reject with the reason. */
  lose(why: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = new ConnectionLost(why);
    this.#replyDeadline.stop();
    this.#drainDeadline.stop();
    this.#socket.destroy();
    this.#reply?.reject(this.#lost);
    this.#drain?.reject(this.#lost);
  }

  #send(): void {
    this.#batch.send(this.#socket);
  }

  #read(chunk: Buffer): void {
    this.#unread = chunk.length + (this.#replies.length === 0 ? 0 : this.#unread);
    if (this.#unread > MAX_UNREAD) return this.lose("the peer sends unsolicited replies");
    try {
      this.#reader.push(chunk, this.#take);
    } catch (error) {
      this.lose((error as Error).message);
    }
  }

  #untilDrained(timeout: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#drainDeadline.begin(timeout);
      this.#drain = { resolve, reject };
    });
  }

  #drained(): void {
    const waiter = this.#drain;
    this.#drain = undefined;
    this.#drainDeadline.end();
    waiter?.resolve();
  }
}
