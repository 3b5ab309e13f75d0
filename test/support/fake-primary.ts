/**
 * A scripted SMTP server on 127.0.0.1: takes mail, records it octet by octet after unstuffing, and misbehaves as
 * told. `await using primary = await fakePrimary({ ... })`.
 */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { FakeSession } from "./fake-primary-session.ts";

export interface ReceivedMail {
  readonly sender: string;
  readonly recipients: readonly string[];
  /** Body as it was before dots were doubled, without the final dot. */
  readonly data: Buffer;
  /** MAIL line as it came. */
  readonly mailLine: string;
  /** Number of the connection that brought it, from 1. */
  readonly connection: number;
  readonly tls: boolean;
}

/** What happens instead of a reply. */
export type Act = "close" | "reset" | "silence";

/** All may be changed while the server runs; they hold from the next command on. */
export interface Behaviour {
  /** Listen at this address of loopback; absent: 127.0.0.1. */
  address?: string;
  /** Listen at this port; 0 or absent: any. */
  port?: number;
  /** Its name in greeting and EHLO. */
  name?: string;
  /** The greeting, or what to do instead. */
  greeting?: string | Act;
  /** EHLO keywords. */
  extensions?: readonly string[];
  /** Refuse EHLO, so that only HELO is left. */
  noEhlo?: boolean;
  /** After one XCLIENT no further one is offered. */
  singleXclient?: boolean;
  /** `secure`: asked over TLS. */
  onEhlo?: (secure: boolean) => string | Act | undefined;
  /** A reply that does not begin with 2 refuses TLS. */
  onStartTls?: () => string;
  onXclient?: (line: string) => string | Act | undefined;
  onMail?: (sender: string) => string | Act | undefined;
  /** `taken`: recipients of this mail that were taken before. */
  onRcpt?: (recipient: string, taken: number) => string | Act | undefined;
  onReset?: () => string | Act | undefined;
  onData?: () => string | Act | undefined;
  /** After so many octets of a body, say or do this. */
  midData?: { readonly after: number; readonly act: string | Act };
  /** Read nothing once a body begins. */
  stopReading?: boolean;
  /** After the final dot: the reply, or what to do instead. The mail counts as received when it is not refused. */
  onDot?: (mail: ReceivedMail) => string | Act | undefined;
  onQuit?: () => string | Act | undefined;
  /** Hangs up behind these replies, as it does behind 421. */
  lastWords?: RegExp;
  /** Milliseconds before each reply. */
  tarpit?: number;
  /** Milliseconds before the greeting, beside those of `tarpit`. */
  greetingDelay?: number;
  /** Milliseconds before each octet of a reply. */
  drip?: number;
  /** Lets so many milliseconds pass; absent: real ones. */
  wait?: (milliseconds: number) => Promise<void>;
  /** Offer STARTTLS with this certificate. */
  tls?: { readonly key: string; readonly cert: string };
  /** TLS from the first octet on, with the certificate of `tls`. */
  implicitTls?: boolean;
  /** Offer AUTH with these mechanisms, and take this user and password. */
  auth?: { readonly mechanisms: string; readonly user: string; readonly password: string };
  /** Offer STARTTLS and break the handshake. */
  brokenTls?: boolean;
  /** At most so many connections at a time; the next one is told 421. */
  maxConnections?: number;
}

export interface FakePrimary extends AsyncDisposable {
  readonly port: number;
  /** Mails for which a positive reply to the final dot was sent or lost. */
  readonly mails: readonly ReceivedMail[];
  /** All command lines, in the order in which they came. */
  readonly commands: readonly string[];
  /** Connections since the start. */
  readonly connections: number;
  /** Most connections that were open at once. */
  readonly mostOpen: number;
  readonly behaviour: Behaviour;
  /** Stops listening and drops all connections. */
  close(): Promise<void>;
  /** Listens again at the same port. */
  open(): Promise<void>;
  /** Resolves when so many mails were received. */
  received(count: number): Promise<readonly ReceivedMail[]>;
}

export async function fakePrimary(behaviour: Behaviour = {}): Promise<FakePrimary> {
  const primary = new Primary(behaviour);
  await primary.open();
  return primary;
}

export class Primary implements FakePrimary {
  readonly mails: ReceivedMail[] = [];
  readonly commands: string[] = [];
  readonly behaviour: Behaviour;
  connections = 0;
  mostOpen = 0;
  port: number;
  readonly #address: string;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  #waiting: { count: number; resolve: (mails: readonly ReceivedMail[]) => void }[] = [];

  constructor(behaviour: Behaviour) {
    this.behaviour = behaviour;
    this.port = behaviour.port ?? 0;
    this.#address = behaviour.address ?? "127.0.0.1";
  }

  open(): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => this.#take(socket));
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.port, this.#address, () => {
        this.port = (server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.drop();
    return new Promise((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  }

  /** Cuts all connections, and goes on listening. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  received(count: number): Promise<readonly ReceivedMail[]> {
    if (this.mails.length >= count) return Promise.resolve(this.mails);
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  keep(mail: ReceivedMail): void {
    this.mails.push(mail);
    for (const { resolve } of this.#waiting.filter(({ count }) => count <= this.mails.length))
      resolve(this.mails);
    this.#waiting = this.#waiting.filter(({ count }) => count > this.mails.length);
  }

  #take(socket: Socket): void {
    this.connections += 1;
    this.#sockets.add(socket);
    const open = this.#sockets.size;
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    if (open > (this.behaviour.maxConnections ?? Infinity)) {
      socket.end("421 4.7.0 too many connections\r\n");
      return;
    }
    this.mostOpen = Math.max(this.mostOpen, open);
    new FakeSession(this, socket, this.connections).greet();
  }
}
