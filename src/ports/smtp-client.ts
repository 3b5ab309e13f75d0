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
  /** The attributes of XFORWARD and XCLIENT, by keyword, if these are offered; all in upper case. */
  readonly attributes?: Readonly<Record<string, readonly string[]>>;
  /** Its SIZE limit in octets; absent if it announces none. */
  readonly size?: number;
  /** `TLSv1.3` and the like; absent in clear. */
  readonly tls?: string;
}

/** Octets of a mail as RFC 1870 counts them: without stuffed dots and the final one. */
export function wireSize({ size, topFields }: ClaimedMail): number {
  return size + Buffer.byteLength(topFields);
}

/** Returns what the mail needs and the peer does not offer; undefined if the peer can accept the mail. */
export function lackOf(
  { size, extensions }: Capabilities,
  mail: ClaimedMail,
): "SMTPUTF8" | "SIZE" | undefined {
  if (mail.smtpUtf8 && !extensions.includes("SMTPUTF8")) return "SMTPUTF8";
  return size !== undefined && wireSize(mail) > size ? "SIZE" : undefined;
}

/** A failure that concerns the destination, not a mail. */
export class DestinationTrouble extends Error {
  /** The stage at which it failed; `session`: after EHLO, between or within mails. */
  readonly stage: "dns" | "connect" | "greeting" | "ehlo" | "tls" | "login" | "session" | "loop";
  /** The peer's reply, if there was one. */
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
  /** A failure that concerns the destination (421, connection lost): this connection is over. */
  readonly trouble?: DestinationTrouble;
  /**
   * The stage at which the mail as a whole was refused: at MAIL, at DATA or after the body, or `here`, by this client,
   * because the peer lacks what the mail needs. Absent: each recipient was refused by a reply of its own, or none was.
   */
  readonly refusedAt?: "mail" | "body" | "here";
  /** If `refusedAt` is `body`: the recipients that had been refused before that, each by a reply of its own. */
  readonly singly?: ReadonlySet<number>;
  /** True: the sender's DSN requests were passed on (RFC 3461), and the peer will report success. */
  readonly dsn?: boolean;
  /** Milliseconds from MAIL, or from the last reply to the mail before if that came later, to the last reply. */
  readonly took: number;
}

/** Returns the recipients that were each refused by a reply of their own, whatever happened to the others. */
export function refusedSingly({ outcomes, refusedAt, singly }: SendResult): ReadonlySet<number> {
  return refusedAt === undefined ? refusedIn(outcomes) : (singly ?? new Set());
}

/** Returns the recipients for which the mail was refused at DATA or after its body. */
export function refusedByBody(result: SendResult): ReadonlySet<number> {
  if (result.refusedAt !== "body") return new Set();
  const singly = refusedSingly(result);
  return new Set([...refusedIn(result.outcomes)].filter((n) => !singly.has(n)));
}

/** A peer's replies about addresses, without a mail being sent. */
export interface Verification {
  /** The replies by address; addresses without a reply are left out. */
  readonly answers: ReadonlyMap<string, Reply>;
  /** The peer's refusal of the null sender. */
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
   * False: this connection stands for another client (XCLIENT). That may change while mails are in flight; if none is
   * in flight, the mail needs another connection.
   */
  takes(mail: ClaimedMail): boolean;
  /**
   * Sends a mail. Never rejects: each recipient gets an outcome, whatever happens. May be called while other mails are
   * in flight; the results come in the order of the calls. If the connection is lost, every mail whose body had been
   * sent completely becomes `unconfirmed`.
   */
  send(mail: ClaimedMail): Promise<SendResult>;
  /** Sends MAIL with the null sender, RCPT for each of these addresses, then RSET; no mail is sent. Never rejects. */
  verify(addresses: readonly string[]): Promise<Verification>;
  /** Sends QUIT and waits at most 2 s for the reply; never rejects. */
  quit(): Promise<void>;
  /** Drops the connection; mail whose final dot was sent becomes `unconfirmed`. */
  abort(): void;
}

/** An established TCP connection on which we have sent nothing yet. */
export interface Connection {
  readonly target: Target;
  /** Milliseconds that connecting took. */
  readonly took: number;
  /**
   * Begins the session: greeting, EHLO, TLS and login as configured. Rejects with DestinationTrouble; then the
   * connection is closed. `greetingTimeout` in ms replaces the wait of RFC 5321 §4.5.3.2, for probes.
   */
  converse(greetingTimeout?: number): Promise<Conversation>;
  /** Closes a connection without a conversation; a pending `converse` rejects. */
  close(): void;
}

export interface SmtpClient {
  /** Opens a TCP connection within `timeout` ms, and sends nothing. Rejects with DestinationTrouble. */
  connect(target: Target, timeout: number): Promise<Connection>;
  /** Connects and converses. Rejects with DestinationTrouble; `greetingTimeout` as above. */
  converse(target: Target, greetingTimeout?: number): Promise<Conversation>;
}
