/** One session with a primary: connect, greet, deliver mails one after another, quit. RFC 5321 §3. */
import { refusedIn, type Outcome } from "../mail/outcome.ts";
import type { Reply } from "../mail/reply.ts";
import type { Transport } from "./directory.ts";
import type { ClaimedMail } from "./work-store.ts";

export interface Target extends Transport {
  /** Name for logs, SNI and certificate checks. */
  readonly host: string;
  /** The address to connect to. */
  readonly ip: string;
  readonly port: number;
}

/** What the primary's greeting and EHLO reply announced. */
export interface Capabilities {
  /** The name by which it greets. */
  readonly name: string;
  /** The name in its greeting, where that differs. */
  readonly banner?: string;
  /** Keywords in upper case. */
  readonly extensions: readonly string[];
  /** What XFORWARD and XCLIENT take, by keyword, where they are offered; all in upper case. */
  readonly attributes?: Readonly<Record<string, readonly string[]>>;
  /** Its SIZE limit in bytes; absent when it names none. */
  readonly size?: number;
  /** `TLSv1.3` and the like; absent in clear. */
  readonly tls?: string;
}

/** Octets of a mail as RFC 1870 counts them: without stuffed dots and the final one. */
export function wireSize({ size, topFields }: ClaimedMail): number {
  return size + Buffer.byteLength(topFields);
}

/** What the mail needs and the peer does not offer; undefined: it can be handed over there. */
export function lackOf(
  { size, extensions }: Capabilities,
  mail: ClaimedMail,
): "SMTPUTF8" | "SIZE" | undefined {
  if (mail.smtpUtf8 && !extensions.includes("SMTPUTF8")) return "SMTPUTF8";
  return size !== undefined && wireSize(mail) > size ? "SIZE" : undefined;
}

/** Trouble before any mail was mentioned: it belongs to the destination, never to a mail. */
export class DestinationTrouble extends Error {
  /** Where it ended; `session`: after EHLO, between or within mails. */
  readonly stage: "dns" | "connect" | "greeting" | "ehlo" | "tls" | "login" | "session" | "loop";
  /** The peer's words, where it spoke. */
  readonly reply: Reply | undefined;

  constructor(stage: DestinationTrouble["stage"], message: string, reply?: Reply) {
    super(message);
    this.stage = stage;
    this.reply = reply;
  }
}

export interface SendResult {
  /** By position of the recipient in the claimed mail. */
  readonly outcomes: ReadonlyMap<number, Outcome>;
  /** Trouble that belongs to the destination (421, connection lost): this connection is over. */
  readonly trouble?: DestinationTrouble;
  /**
   * Where the mail as a whole was refused: at MAIL, at or after its body, or `here`, unsent, because the peer lacks
   * what it needs. Absent: each recipient by a reply of its own.
   */
  readonly refusedAt?: "mail" | "body" | "here";
  /** Recipients that had been refused each by a reply of its own before the rest was refused at its body. */
  readonly singly?: ReadonlySet<number>;
  /** What the sender asked of DSNs was passed on, RFC 3461: the peer tells it of success. */
  readonly dsn?: boolean;
  /** Milliseconds from MAIL to the last reply. */
  readonly took: number;
}

/** The recipients that were refused each by a reply of its own, whatever became of the others. */
export function refusedSingly({ outcomes, refusedAt, singly }: SendResult): ReadonlySet<number> {
  return refusedAt === undefined ? refusedIn(outcomes) : (singly ?? new Set());
}

/** The recipients whose mail was refused by its body. */
export function refusedByBody(result: SendResult): ReadonlySet<number> {
  if (result.refusedAt !== "body") return new Set();
  const singly = refusedSingly(result);
  return new Set([...refusedIn(result.outcomes)].filter((n) => !singly.has(n)));
}

/** What a peer said of addresses without getting a mail. */
export interface Verification {
  /** By address as asked; those without a reply are left out. */
  readonly answers: ReadonlyMap<string, Reply>;
  /** It does not take mail from the null sender at all. */
  readonly refused?: Reply;
  /** This connection is over. */
  readonly trouble?: DestinationTrouble;
}

export interface Conversation {
  readonly capabilities: Capabilities;
  /** `dot`: the end of the body went out and its reply is awaited. `over`: no further mail can be sent. */
  readonly phase: "idle" | "envelope" | "body" | "dot" | "over";
  /** Mails that may be in flight at the same time, as far as the peer and the settings allow. */
  readonly window: number;
  /**
   * False: this connection stands for another client (XCLIENT). While mails are in flight that may change; when none
   * is, the mail needs a connection of its own.
   */
  takes(mail: ClaimedMail): boolean;
  /**
   * Never rejects: each recipient gets an outcome whatever happens. May be called while others are in flight; results
   * come in the order of the calls. A cut leaves every mail whose body had gone whole `unconfirmed`.
   */
  send(mail: ClaimedMail): Promise<SendResult>;
  /** MAIL from the null sender and RCPT for each of these, then RSET: nothing is sent. Never rejects. */
  verify(addresses: readonly string[]): Promise<Verification>;
  /** QUIT, politely and bounded to 2 s; never rejects. */
  quit(): Promise<void>;
  /** Drops the connection; mail past its final dot becomes `unconfirmed`. */
  abort(): void;
}

/** A TCP connection that the peer took; not a word was said on it by us. */
export interface Connection {
  readonly target: Target;
  /** Milliseconds that connecting took. */
  readonly took: number;
  /**
   * Waits for the greeting, EHLO, TLS as asked. Rejects with DestinationTrouble; the connection is closed then.
   * `greetingTimeout` in ms shortens the wait of RFC 5321 §4.5.3.2 for probes.
   */
  converse(greetingTimeout?: number): Promise<Conversation>;
  /** Ends it where there is no conversation yet; one that is awaited rejects. */
  close(): void;
}

export interface SmtpClient {
  /** TCP only: does something listen? Within `timeout` ms; rejects with DestinationTrouble. */
  connect(target: Target, timeout: number): Promise<Connection>;
  /** Connects and converses. Rejects with DestinationTrouble; `greetingTimeout` as above. */
  converse(target: Target, greetingTimeout?: number): Promise<Conversation>;
}
