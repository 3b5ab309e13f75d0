/**
 * A primary that takes everything, fast, and remembers of each mail what a checker needs: whose it is, under
 * which ids, and the hash of what arrived. For scripted misbehaviour there is fake-primary.ts.
 */
import { createHash } from "node:crypto";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";

export interface SunkMail {
  /** Value of X-Proof-Id, where there is one. */
  readonly proofId: string | undefined;
  /** The id that the last relay gave it, from the topmost Received field. */
  readonly queueId: string | undefined;
  readonly messageId: string | undefined;
  readonly recipients: readonly string[];
  /** SHA-256 from the X-Proof-Id field on (from the start where there is none), hexadecimal. */
  readonly hash: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface Sink extends AsyncDisposable {
  readonly port: number;
  readonly mails: readonly SunkMail[];
  /** Runs at each mail, just before its 250. */
  onMail(listener: (mail: SunkMail) => void): void;
  /** Stops listening and cuts every connection. */
  close(): Promise<void>;
}

/** Opens a sink on 127.0.0.1; port 0 takes a free one. */
export async function openSink(port = 0): Promise<Sink> {
  const mails: SunkMail[] = [];
  const listeners: ((mail: SunkMail) => void)[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    const session = new SinkSession(socket, (mail) => {
      mails.push(mail);
      for (const listener of listeners) listener(mail);
    });
    session.greet();
  });
  await listen(server, port);
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => {
      server.close(resolve);
    });
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    port: (server.address() as AddressInfo).port,
    mails,
    onMail: (listener) => void listeners.push(listener),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: "127.0.0.1", backlog: 1024 }, resolve);
  });
}

const EHLO =
  "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-SIZE 104857600\r\n250 ENHANCEDSTATUSCODES\r\n";
const END_OF_DATA = Buffer.from("\r\n.\r\n");
/** Stands before the first octet, so that a first line of a single dot is seen as the end. */
const LINE_START = Buffer.from("\r\n");

class SinkSession {
  readonly #socket: Socket;
  readonly #deliver: (mail: SunkMail) => void;
  #recipients: string[] = [];
  #commands = "";
  #body: Buffer[] | undefined;
  #bodySize = 0;
  #tail: Buffer = LINE_START;

  constructor(socket: Socket, deliver: (mail: SunkMail) => void) {
    this.#socket = socket;
    this.#deliver = deliver;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      socket.cork();
      this.#feed(chunk);
      socket.uncork();
    });
  }

  greet(): void {
    this.#socket.write("220 sink.holdfast.test ESMTP\r\n");
  }

  #feed(chunk: Buffer): void {
    if (this.#body !== undefined) return this.#feedBody(chunk);
    this.#commands += chunk.toString("latin1");
    for (let end = this.#commands.indexOf("\r\n"); end !== -1; end = this.#commands.indexOf("\r\n")) {
      const line = this.#commands.slice(0, end);
      this.#commands = this.#commands.slice(end + 2);
      if (!this.#command(line)) continue;
      const rest = Buffer.from(this.#commands, "latin1");
      this.#commands = "";
      return this.#feedBody(rest);
    }
  }

  /** Answers one command; true when the body follows. */
  #command(line: string): boolean {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === "RCPT") this.#recipients.push(/<([^>]*)>/.exec(line)?.[1] ?? line);
    if (verb === "MAIL" || verb === "RSET" || verb === "EHLO") this.#recipients = [];
    if (verb === "DATA") {
      this.#body = [];
      this.#bodySize = 0;
      this.#tail = LINE_START;
      this.#socket.write("354 go on\r\n");
      return true;
    }
    if (verb === "QUIT") this.#socket.end("221 2.0.0 bye\r\n");
    else this.#socket.write(verb === "EHLO" ? EHLO : "250 2.0.0 ok\r\n");
    return false;
  }

  #feedBody(chunk: Buffer): void {
    const chunks = this.#body ?? [];
    const seen = Buffer.concat([this.#tail, chunk]);
    const at = seen.indexOf(END_OF_DATA);
    chunks.push(chunk);
    if (at === -1) {
      this.#bodySize += chunk.length;
      this.#tail = seen.subarray(-4);
      return;
    }
    const whole = Buffer.concat(chunks);
    const dot = this.#bodySize - this.#tail.length + at + LINE_START.length;
    this.#body = undefined;
    this.#deliver(describe(whole.subarray(0, dot), this.#recipients));
    this.#recipients = [];
    this.#socket.write("250 2.0.0 taken\r\n");
    this.#feed(whole.subarray(dot + 3));
  }
}

function describe(stuffed: Buffer, recipients: readonly string[]): SunkMail {
  return describeMail(stuffed.toString("latin1").replace(/(^|\r\n)\./g, "$1"), recipients);
}

/** What a checker needs of a mail; `text` is its octets as Latin-1, dots unstuffed. */
export function describeMail(text: string, recipients: readonly string[]): SunkMail {
  const header = text.slice(0, text.indexOf("\r\n\r\n") + 2);
  const proof = text.startsWith("X-Proof-Id: ") ? 0 : text.indexOf("\r\nX-Proof-Id: ") + 2;
  const marked = proof === 1 ? text : text.slice(proof);
  return {
    proofId: proof === 1 ? undefined : /^X-Proof-Id: (\S+)/.exec(marked)?.[1],
    queueId: /^Received:(?:[^\r]|\r\n[ \t])*?\sid\s+<?([\w.-]+)/im.exec(header)?.[1],
    messageId: /^Message-ID:\s*(\S+)/im.exec(header)?.[1],
    recipients,
    hash: createHash("sha256").update(marked, "latin1").digest("hex"),
    size: text.length,
    at: Date.now(),
  };
}
