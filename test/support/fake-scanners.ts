/** clamd and rspamd as bad as they can be, on free ports of 127.0.0.1. */
import { createServer as createHttpServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** `eicar`: judges by what it is shown; the others say the same to everybody. */
export type ClamdMood =
  | "eicar"
  | "silent"
  | "nonsense"
  | "early"
  | "size"
  | "closes"
  | "closesMidStream"
  | "endless";

const EICAR = "EICAR-STANDARD-ANTIVIRUS-TEST-FILE";
const GTUBE = "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL";

abstract class FakeServer implements AsyncDisposable {
  port = 0;
  connections = 0;
  abstract readonly server: Server;
  readonly #sockets = new Set<Socket>();

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size;
  }

  async listen(port = 0): Promise<this> {
    this.server.on("connection", (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => {});
    });
    await new Promise<void>((resolve) => void this.server.listen(port, "127.0.0.1", resolve));
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  /** Nobody listens any more, and all connections are gone. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.server.listening) return;
    await new Promise<void>((resolve) => void this.server.close(() => resolve()));
  }

  /** Listens again at the same port, where it does not. */
  async reopen(): Promise<void> {
    if (this.server.listening) return;
    await new Promise<void>((resolve) => void this.server.listen(this.port, "127.0.0.1", resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** INSTREAM as clamd speaks it. */
export class FakeClamd extends FakeServer {
  mood: ClamdMood = "eicar";
  /** Whole bodies that it was shown. */
  readonly bodies: Buffer[] = [];
  /** Octets that it has read, also of bodies that did not end. */
  octets = 0;
  readonly server = createServer((socket) => this.#serve(socket));

  static start(): Promise<FakeClamd> {
    return new FakeClamd().listen();
  }

  #serve(socket: Socket): void {
    let input = Buffer.alloc(0);
    let begun = false;
    const chunks: Buffer[] = [];
    socket.on("data", (data: Buffer) => {
      this.octets += data.length;
      if (this.mood === "silent") return;
      if (this.mood === "closes") return void socket.destroy();
      if (this.mood === "early") return void socket.write("stream: OK\0");
      if (this.mood === "size") return void socket.end("INSTREAM size limit exceeded. ERROR\0");
      input = Buffer.concat([input, data]);
      if (!begun && input.length < 10) return;
      if (!begun) input = input.subarray("zINSTREAM\0".length);
      begun = true;
      if (this.mood === "closesMidStream" && input.length > 4) return void socket.destroy();
      for (;;) {
        if (input.length < 4) return;
        const length = input.readUInt32BE();
        if (length === 0) return this.#answer(socket, Buffer.concat(chunks));
        if (input.length < 4 + length) return;
        chunks.push(input.subarray(4, 4 + length));
        input = input.subarray(4 + length);
      }
    });
  }

  #answer(socket: Socket, body: Buffer): void {
    this.bodies.push(body);
    if (this.mood === "nonsense") socket.end("stream: Ok, more or less\0");
    else if (this.mood === "endless") socket.write("x".repeat(100_000));
    else if (body.includes(EICAR)) socket.end("stream: Fake.EICAR FOUND\0");
    else socket.end("stream: OK\0");
  }
}

interface FakeRequest {
  readonly headers: IncomingHttpHeaders;
  /** All values of `Rcpt`. */
  readonly recipients: readonly string[];
  readonly body: Buffer;
}

export type RspamdMood = "gtube" | "early" | "silent" | "nonsense" | "error" | "closesMidStream" | "endless";

/** `/checkv2` as rspamd speaks it, with its limit on the size of a request's header. */
export class FakeRspamd extends FakeServer {
  mood: RspamdMood = "gtube";
  /** What it says of mail that is no GTUBE. */
  answer: Readonly<Record<string, unknown>> = { action: "no action", score: 0.1, required_score: 15 };
  readonly requests: FakeRequest[] = [];
  readonly server = createHttpServer({ maxHeaderSize: 80 * 1024 }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => {});
    request.on("data", (chunk: Buffer) => {
      if (this.mood === "closesMidStream") request.socket.destroy();
      // The connection stays open: that the client closes it shows that the client has read the answer.
      if (this.mood === "early" && chunks.length === 0) response.write(JSON.stringify(this.answer));
      chunks.push(chunk);
    });
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const { headers, headersDistinct } = request;
      this.requests.push({ headers, recipients: headersDistinct["rcpt"] ?? [], body });
      this.#say(response, body);
    });
  });

  static start(): Promise<FakeRspamd> {
    return new FakeRspamd().listen();
  }

  #say(response: ServerResponse, body: Buffer): void {
    const spam = {
      action: "reject",
      score: 15,
      required_score: 15,
      messages: { smtp_message: "Gtube pattern" },
    };
    if (this.mood === "silent") return;
    if (this.mood === "early") response.end();
    else if (this.mood === "error") response.writeHead(500).end("{}");
    else if (this.mood === "nonsense") response.end("<html>not rspamd</html>");
    else if (this.mood === "endless") response.end("x".repeat(3_000_000));
    else response.end(JSON.stringify(body.includes(GTUBE) ? spam : this.answer));
  }
}
