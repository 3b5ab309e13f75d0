/**
 * A bare SMTP client: writes what it is told, octet for octet, and reads replies. It checks nothing and hides
 * nothing, so that tests see what a client on the wire would see.
 */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import type { TestMail } from "../fixtures/mails.ts";

export interface RawReply {
  readonly code: number;
  /** All lines, without line ends. */
  readonly lines: readonly string[];
}

export class RawSmtp {
  readonly socket: Socket;
  readonly #replies: RawReply[] = [];
  readonly #waiting: ((reply: RawReply | undefined) => void)[] = [];
  #lines: string[] = [];
  #unread = "";
  #closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#read(text));
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#closed = true;
      for (const waiter of this.#waiting.splice(0)) waiter(undefined);
    });
  }

  /** The next reply; undefined when the connection has ended. */
  reply(): Promise<RawReply | undefined> {
    const known = this.#replies.shift();
    if (known !== undefined || this.#closed) return Promise.resolve(known);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  write(octets: Buffer | string): void {
    if (!this.socket.destroyed) this.socket.write(octets);
  }

  /** Writes one command line and answers its reply. */
  command(line: string): Promise<RawReply | undefined> {
    this.write(`${line}\r\n`);
    return this.reply();
  }

  /** QUIT, then the connection ends. */
  async quit(): Promise<void> {
    await this.command("QUIT");
    this.close();
  }

  close(): void {
    this.socket.destroy();
  }

  #read(text: string): void {
    const lines = (this.#unread + text).split("\r\n");
    this.#unread = lines.pop() ?? "";
    for (const line of lines) {
      this.#lines.push(line);
      if (!/^\d{3}(?: |$)/.test(line)) continue;
      const reply = { code: Number(line.slice(0, 3)), lines: this.#lines };
      this.#lines = [];
      const waiter = this.#waiting.shift();
      if (waiter === undefined) this.#replies.push(reply);
      else waiter(reply);
    }
  }
}

/** Connects and reads the banner; undefined when there is nobody or the banner is not a 220. */
export async function openSmtp(
  port: number,
  host = "127.0.0.1",
  localAddress?: string,
): Promise<RawSmtp | undefined> {
  const socket = connect({ port, host, ...(localAddress !== undefined && { localAddress }) });
  const smtp = new RawSmtp(socket);
  const banner = await smtp.reply();
  if (banner?.code === 220) return smtp;
  smtp.close();
  return undefined;
}

/** The id under which the mail was taken, as the reply to its end says; undefined: it says none. */
export function queueIdOf(reply: RawReply): string | undefined {
  return /queued as (\w+)/.exec(reply.lines.join(" "))?.[1];
}

/** The body as DATA carries it: dots stuffed, then the final dot (RFC 5321 §4.5.2). */
export function asData(body: Buffer): Buffer {
  const text = body.toString("latin1");
  const stuffed = text.replace(/(^|\r\n)\./g, "$1..");
  const ended = stuffed === "" || stuffed.endsWith("\r\n") ? stuffed : `${stuffed}\r\n`;
  return Buffer.from(`${ended}.\r\n`, "latin1");
}

/** Sends one mail of the corpus in a session of its own; answers the reply to the final dot. */
export async function sendTestMail(port: number, mail: TestMail, domain: string): Promise<RawReply> {
  const smtp = await openSmtp(port);
  if (smtp === undefined) throw new Error(`nobody greets on port ${port}`);
  try {
    return await transfer(smtp, mail, domain);
  } finally {
    smtp.close();
  }
}

async function transfer(smtp: RawSmtp, mail: TestMail, domain: string): Promise<RawReply> {
  const parameters = `${mail.flags.eightBit ? " BODY=8BITMIME" : ""}${mail.flags.smtpUtf8 ? " SMTPUTF8" : ""}`;
  const commands = [
    "EHLO client.holdfast.test",
    `MAIL FROM:<${mail.sender}>${parameters}`,
    ...mail.recipients.map((local) => `RCPT TO:<${local}@${domain}>`),
    "DATA",
  ];
  for (const command of commands) {
    const reply = await smtp.command(command);
    if (reply === undefined || reply.code >= 400)
      throw new Error(`${mail.name}: ${command}: ${reply?.lines.join(" / ") ?? "connection lost"}`);
  }
  smtp.write(asData(mail.body));
  const last = await smtp.reply();
  if (last === undefined) throw new Error(`${mail.name}: connection lost after the final dot`);
  return last;
}

/** Up to the 220 to STARTTLS; whoever has the socket from there on begins the handshake. */
export async function askForTls(socket: Socket): Promise<void> {
  const clear = new RawSmtp(socket);
  for (const command of ["EHLO c.example", "STARTTLS"]) {
    await clear.reply();
    clear.write(`${command}\r\n`);
  }
  assert.equal((await clear.reply())?.code, 220);
  socket.removeAllListeners("data");
}
