import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Act, Primary, ReceivedMail } from "./fake-primary.ts";
import { pause } from "./wait.ts";

const END = Buffer.from("\r\n.\r\n");
const DEFAULT_EXTENSIONS = ["PIPELINING", "SIZE 100000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"];

/** One connection to the fake primary. */
export class FakeSession {
  readonly #primary: Primary;
  readonly #number: number;
  /** Carries TLS, once that has begun. */
  readonly #plain: Socket;
  #socket: Socket;
  #input: Buffer = Buffer.alloc(0);
  /** What came since, and the last octets of all that came. */
  readonly #pieces: Buffer[] = [];
  #tail: Buffer = Buffer.alloc(0);
  /** It says nothing any more. */
  #mute = false;
  /** It hears nothing any more either. */
  #gone = false;
  #inData = false;
  /** Octets that the present BDAT still brings, and what its mail has so far. */
  #chunkLeft = 0;
  #lastChunk = false;
  #chunks: Buffer[] = [];
  #sender = "";
  /** A sender was taken and neither a body nor RSET came since. */
  #open = false;
  #mailLine = "";
  #recipients: string[] = [];
  #tls = false;
  /** No more XCLIENT in this session. */
  #single = false;
  /** What AUTH LOGIN still wants, and what it was given. */
  #saying: string[] = [];
  readonly #said: string[] = [];
  #writing: Promise<void> = Promise.resolve();
  readonly #onData = (chunk: Buffer): void => this.#take(chunk);

  constructor(primary: Primary, socket: Socket, number: number) {
    this.#primary = primary;
    this.#plain = socket;
    this.#socket = socket;
    this.#number = number;
    socket.on("data", this.#onData);
  }

  greet(): void {
    const { greeting, name = "primary.test", implicitTls, tls } = this.#primary.behaviour;
    if (implicitTls === true && tls !== undefined && !this.#tls) this.#encrypt(tls);
    const { greetingDelay } = this.#primary.behaviour;
    if (greetingDelay !== undefined) this.#writing = this.#pause(greetingDelay);
    this.#answer(greeting ?? `220 ${name} ESMTP`);
  }

  #take(chunk: Buffer): void {
    // RFC 5321 §4.5.2: "CRLF . CRLF" ends the body; the CRLF before it may be the one that ended the DATA line.
    this.#pieces.push(chunk);
    if (this.#inData && this.#primary.behaviour.midData === undefined && !this.#endsIn(chunk)) return;
    this.#input = Buffer.concat([this.#input, ...this.#pieces.splice(0)]);
    while (!this.#gone && (this.#chunkLeft > 0 ? this.#chunk() : this.#inData ? this.#body() : this.#line()));
    this.#tail = this.#input.subarray(-4);
  }

  /** A large body is put together once, when its end has come. */
  #endsIn(chunk: Buffer): boolean {
    const seen = Buffer.concat([this.#tail, chunk]);
    this.#tail = seen.subarray(-4);
    return seen.includes(END);
  }

  #line(): boolean {
    const end = this.#input.indexOf("\r\n");
    if (end === -1) return false;
    const line = this.#input.subarray(0, end).toString();
    this.#input = this.#input.subarray(end + 2);
    this.#primary.commands.push(line);
    this.#command(line);
    return true;
  }

  #command(line: string): void {
    if (this.#saying.length > 0) return this.#say(line);
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === "AUTH") return this.#auth(line);
    if (verb === "XFOR") return this.#answer("250 2.0.0 noted");
    if (verb === "XCLI") return this.#xclient(line);
    if (verb === "EHLO") this.#ehlo();
    else if (verb === "HELO") this.#answer(`250 ${this.#primary.behaviour.name ?? "primary.test"}`);
    else if (verb === "MAIL") this.#mail(line);
    else if (verb === "RCPT") this.#rcpt(line);
    else if (verb === "DATA") this.#data();
    else if (verb === "BDAT") this.#bdat(line);
    else if (verb === "RSET") this.#reset();
    else if (verb === "STAR") this.#startTls();
    else if (verb === "QUIT")
      this.#answer(this.#primary.behaviour.onQuit?.() ?? "221 2.0.0 bye", () => this.#socket.end());
    else this.#answer("500 5.5.2 what?");
  }

  #ehlo(): void {
    const { noEhlo, name = "primary.test", extensions = DEFAULT_EXTENSIONS } = this.#primary.behaviour;
    const instead = this.#primary.behaviour.onEhlo?.(this.#tls);
    if (instead !== undefined) return this.#answer(instead);
    if (noEhlo === true) return this.#answer("502 5.5.1 no EHLO here");
    this.#open = false;
    const { tls, brokenTls, auth } = this.#primary.behaviour;
    const offersTls = !this.#tls && (tls !== undefined || brokenTls === true);
    const offersAuth = auth === undefined ? [] : [`AUTH ${auth.mechanisms}`];
    const left = this.#single ? extensions.filter((text) => !text.startsWith("XCLIENT")) : extensions;
    const lines = [name, ...left, ...(offersTls ? ["STARTTLS"] : []), ...offersAuth];
    this.#answer(lines.map((text, i) => `250${i === lines.length - 1 ? " " : "-"}${text}`).join("\r\n"));
  }

  #mail(line: string): void {
    if (this.#open) return this.#answer("503 5.5.1 nested MAIL");
    const sender = /<(.*)>/.exec(line)?.[1] ?? "";
    const answer = this.#primary.behaviour.onMail?.(sender) ?? "250 2.1.0 ok";
    if (answer.startsWith("2")) {
      this.#open = true;
      this.#mailLine = line;
      this.#sender = sender;
      this.#recipients = [];
    }
    this.#answer(answer);
  }

  #rcpt(line: string): void {
    const recipient = /<(.*)>/.exec(line)?.[1] ?? "";
    const refused = this.#open ? undefined : "503 5.5.1 MAIL first";
    const answer =
      refused ?? this.#primary.behaviour.onRcpt?.(recipient, this.#recipients.length) ?? "250 2.1.5 ok";
    if (answer.startsWith("2")) this.#recipients.push(recipient);
    this.#answer(answer);
  }

  #data(): void {
    const answer =
      this.#primary.behaviour.onData?.() ??
      (this.#recipients.length === 0 ? "554 5.5.1 no valid recipients" : "354 go on");
    if (answer.startsWith("3")) {
      this.#inData = true;
      if (this.#primary.behaviour.stopReading === true) this.#socket.pause();
      this.#input = Buffer.concat([Buffer.from("\r\n"), this.#input]);
    }
    this.#answer(answer);
  }

  #body(): boolean {
    const { midData } = this.#primary.behaviour;
    if (midData !== undefined && this.#input.length > midData.after) {
      this.#inData = false;
      this.#input = Buffer.alloc(0);
      this.#answer(midData.act);
      return false;
    }
    const end = this.#input.indexOf(END);
    if (end === -1) return false;
    const data = unstuff(this.#input.subarray(2, end + 2));
    this.#input = this.#input.subarray(end + END.length);
    this.#inData = false;
    this.#open = false;
    this.#finish(data);
    return true;
  }

  #finish(data: Buffer): void {
    const mail: ReceivedMail = {
      sender: this.#sender,
      recipients: this.#recipients,
      data,
      mailLine: this.#mailLine,
      connection: this.#number,
      tls: this.#tls,
    };
    const answer = this.#primary.behaviour.onDot?.(mail) ?? "250 2.0.0 taken";
    this.#recipients = [];
    if (!/^[45]/.test(answer)) this.#primary.keep(mail);
    this.#answer(answer);
  }

  /** As RFC 3030 §2 has it: the octets are taken in any case, and answered when they are all there. */
  #bdat(line: string): void {
    const [, size = "0", last] = line.split(" ");
    this.#chunkLeft = Number(size);
    this.#lastChunk = last?.toUpperCase() === "LAST";
    if (this.#primary.behaviour.stopReading === true) this.#socket.pause();
    if (this.#chunkLeft === 0) this.#chunkEnded();
  }

  #chunk(): boolean {
    const part = this.#input.subarray(0, this.#chunkLeft);
    this.#input = this.#input.subarray(part.length);
    this.#chunks.push(part);
    this.#chunkLeft -= part.length;
    if (this.#chunkLeft === 0) this.#chunkEnded();
    return part.length > 0;
  }

  #chunkEnded(): void {
    if (!this.#lastChunk) return this.#answer("250 2.0.0 chunk taken");
    const data = Buffer.concat(this.#chunks);
    this.#chunks = [];
    // A transaction that was refused stays open until RSET, as the worst of peers have it.
    if (this.#recipients.length === 0) return this.#answer("503 5.5.1 no valid recipients");
    this.#finish(data);
    this.#open = false;
  }

  #xclient(line: string): void {
    // As Postfix has it.
    if (this.#open) return this.#answer("503 5.5.1 Error: MAIL transaction in progress");
    this.#single = this.#primary.behaviour.singleXclient === true;
    this.#answer(this.#primary.behaviour.onXclient?.(line) ?? "220 primary.test ESMTP");
  }

  /** AUTH PLAIN in one line, AUTH LOGIN in three. */
  #auth(line: string): void {
    const [, mechanism = "", initial = ""] = line.split(" ");
    if (mechanism.toUpperCase() === "PLAIN") {
      const [, user = "", password = ""] = Buffer.from(initial, "base64").toString().split("\0");
      return this.#judgeLogin(user, password);
    }
    this.#saying = ["user", "password"];
    this.#answer("334 VXNlcm5hbWU6");
  }

  #say(line: string): void {
    this.#said.push(Buffer.from(line, "base64").toString());
    this.#saying.shift();
    if (this.#saying.length > 0) return this.#answer("334 UGFzc3dvcmQ6");
    this.#judgeLogin(this.#said[0] ?? "", this.#said[1] ?? "");
  }

  #judgeLogin(user: string, password: string): void {
    const { auth } = this.#primary.behaviour;
    const right = user === auth?.user && password === auth.password;
    this.#answer(right ? "235 2.7.0 welcome" : "535 5.7.8 wrong password");
  }

  #reset(): void {
    this.#open = false;
    this.#recipients = [];
    this.#answer(this.#primary.behaviour.onReset?.() ?? "250 2.0.0 ok");
  }

  #startTls(): void {
    const { tls, brokenTls, onStartTls } = this.#primary.behaviour;
    const answer = onStartTls?.() ?? "220 2.0.0 go ahead";
    this.#answer(answer, () => {
      if (!answer.startsWith("2")) return;
      if (brokenTls === true || tls === undefined) return void this.#socket.end("this is no TLS\r\n");
      this.#encrypt(tls);
    });
  }

  #encrypt(tls: { readonly key: string; readonly cert: string }): void {
    const plain = this.#socket;
    plain.off("data", this.#onData);
    const secure = new TLSSocket(plain, { isServer: true, ...tls });
    secure.on("error", () => {});
    secure.on("data", this.#onData);
    this.#socket = secure;
    this.#tls = true;
  }

  #answer(answer: string | Act, then?: () => void): void {
    if (this.#mute) return;
    this.#gone = answer === "close" || answer === "reset" || this.#isLast(answer);
    this.#mute = this.#gone || answer === "silence";
    const { tarpit, greetingDelay, drip } = this.#primary.behaviour;
    if (tarpit === undefined && greetingDelay === undefined && drip === undefined)
      return this.#act(answer, then);
    this.#writing = this.#writing.then(async () => {
      if (tarpit !== undefined) await this.#pause(tarpit);
      await this.#trickle(answer, then);
    });
  }

  #pause(milliseconds: number): Promise<void> {
    const { wait = pause } = this.#primary.behaviour;
    return wait(milliseconds);
  }

  /** A reply octet by octet, where that is asked for. */
  async #trickle(answer: string | Act, then?: () => void): Promise<void> {
    const { drip } = this.#primary.behaviour;
    const isReply = answer !== "close" && answer !== "reset" && answer !== "silence";
    if (drip === undefined || !isReply) return this.#act(answer, then);
    const octets = `${answer}\r\n`;
    for (const octet of octets) {
      await this.#pause(drip);
      if (!this.#socket.writable) return;
      this.#socket.write(octet, octet === "\n" ? then : undefined);
    }
    if (this.#isLast(answer)) this.#socket.end();
  }

  #isLast(answer: string): boolean {
    return answer.startsWith("421") || this.#primary.behaviour.lastWords?.test(answer) === true;
  }

  #act(answer: string | Act, then?: () => void): void {
    if (answer === "close") this.#socket.end();
    else if (answer === "reset") this.#plain.resetAndDestroy();
    else if (answer !== "silence") this.#socket.write(`${answer}\r\n`, () => then?.());
    if (this.#isLast(answer)) this.#socket.end();
  }
}

function unstuff(body: Buffer): Buffer {
  const text = body.toString("latin1");
  const plain = text.replace(/(^|\r\n)\./g, "$1");
  return Buffer.from(plain, "latin1");
}
