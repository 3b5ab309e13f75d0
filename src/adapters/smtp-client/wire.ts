import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Reply } from "../../mail/reply.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { connectError } from "./dial.ts";
import { ReplyReader } from "./reply-reader.ts";

/** The connection is gone, silent for too long, or speaks no SMTP. */
export class ConnectionLost extends Error {}

/** Replies that may lie unread: a pipelined envelope of 1,000 recipients, with room to spare. */
const MAX_UNREAD = 4096;

/** A connected socket as commands out and replies in. Once lost it stays lost. */
export class Wire {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #reader = new ReplyReader();
  readonly #replies: Reply[] = [];
  #waiter: { resolve: (reply: Reply) => void; reject: (error: ConnectionLost) => void } | undefined;
  #drained: (() => void) | undefined;
  #timer: Timer | undefined;
  #lost: ConnectionLost | undefined;
  #awaiting = false;

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", (error) => this.lose(connectError(error)));
    socket.on("end", () => this.lose("the peer closed the connection"));
    socket.on("close", () => this.lose("the connection was closed"));
    socket.on("drain", () => this.#drained?.());
    socket.resume();
  }

  get lost(): ConnectionLost | undefined {
    return this.#lost;
  }

  get encrypted(): boolean {
    return this.#socket instanceof TLSSocket;
  }

  /** Writes all parts as one batch. `flushed` runs when the kernel has taken the last octet. */
  write(parts: readonly (Buffer | string)[], flushed?: () => void): void {
    this.#socket.cork();
    const last = parts.length - 1;
    parts.forEach((part, i) => {
      this.#socket.write(part, (error) => {
        if (i === last && (error === null || error === undefined)) flushed?.();
      });
    });
    this.#socket.uncork();
  }

  /** Resolves when written octets have left, within `timeout` ms. Rejects with ConnectionLost. */
  drain(timeout: number): Promise<void> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    if (!this.#socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#arm(timeout, "the peer takes no more octets");
      this.#drained = () => {
        this.#settle();
        resolve();
      };
      this.#waiter = { resolve: () => {}, reject };
    });
  }

  /** The next reply, within `timeout` ms. Rejects with ConnectionLost. */
  reply(timeout: number): Promise<Reply> {
    const ready = this.#replies.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    this.#awaiting = true;
    return new Promise((resolve, reject) => {
      this.#arm(timeout, `no reply within ${Math.round(timeout / 1000)} s`);
      this.#waiter = { resolve, reject };
    });
  }

  /** A reply that came unasked, such as 421 while a body goes out. */
  early(): Reply | undefined {
    return this.#replies[0];
  }

  /** Gives the connection up; whoever waits is told why. */
  lose(why: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = new ConnectionLost(why);
    const waiter = this.#waiter;
    this.#settle();
    this.#socket.destroy();
    waiter?.reject(this.#lost);
  }

  #read(chunk: Buffer): void {
    try {
      for (const reply of this.#reader.push(chunk)) this.#take(reply);
    } catch (error) {
      this.lose((error as Error).message);
    }
  }

  #take(reply: Reply): void {
    if (!this.#awaiting || this.#waiter === undefined) {
      this.#replies.push(reply);
      if (this.#replies.length > MAX_UNREAD) this.lose("the peer sends replies that nobody asked for");
      return;
    }
    const waiter = this.#waiter;
    this.#settle();
    waiter.resolve(reply);
  }

  #arm(timeout: number, why: string): void {
    this.#timer = this.#clock.after(timeout, () => this.lose(why));
  }

  #settle(): void {
    this.#timer?.cancel();
    this.#waiter = undefined;
    this.#drained = undefined;
    this.#awaiting = false;
  }
}
