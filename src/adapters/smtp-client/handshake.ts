/**
 * Greeting, EHLO (or HELO) and STARTTLS by nodemailer's SMTPConnection; afterwards its handlers are taken off the
 * socket. Mails do not go through its `send`: that gives no exact answer to the question whether the final dot had
 * left when a connection broke, matches recipients by address and not by position, trims addresses, and drops
 * the replies that were known when a 421 comes.
 */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import SMTPConnection, { type SMTPConnectionOptions } from "nodemailer/lib/smtp-connection";
import { parseReply, printable } from "../../mail/reply.ts";
import { DestinationTrouble, type Capabilities, type Target } from "../../ports/smtp-client.ts";
import type { Environment } from "../../runtime/secrets.ts";
import { logIn } from "./login.ts";
import { pinTrouble } from "./pins.ts";
import { MAX_REPLY } from "./reply-reader.ts";
import { answerWords, errorWords, noTlsWords, silenceWords } from "./trouble-words.ts";

/** What is used of nodemailer beyond its published types; the version is pinned and a test holds these names. */
interface Internals {
  _actionGreeting: (greeting: string) => void;
  readonly _ehloLines?: readonly string[];
  readonly _onSocketData: () => void;
  readonly _onSocketError: () => void;
  readonly _onSocketClose: () => void;
  readonly _onSocketEnd: () => void;
  readonly _onSocketTimeout: () => void;
  _destroyed: boolean;
}

interface HandshakeOptions {
  /** Our EHLO name. */
  readonly hostname: string;
  /** Milliseconds for the greeting, and for each reply up to the last EHLO. */
  readonly timeout: number;
  /** Trust anchors in PEM for level `verify`; absent: the system's. */
  readonly ca?: string;
  /** Speak in clear whatever is offered. */
  readonly clear: boolean;
  /** Where passwords are looked for. */
  readonly environment: Environment;
}

export interface Greeted {
  readonly socket: Socket;
  readonly capabilities: Capabilities;
}

/** RFC 8314 §3.3: on this port TLS begins at once. */
const IMPLICIT_TLS_PORT = 465;

/**
 * Replies that a session waits for up to its first mail, about: greeting, EHLO, STARTTLS, EHLO again, login. They are
 * bounded together, because each octet begins the wait for a reply anew: one that trickles could last for ever.
 */
const WAITS = 5;

/** Runs the beginning of an SMTP session on a connected socket. Rejects with DestinationTrouble; the socket is closed then. */
export function handshake(socket: Socket, target: Target, options: HandshakeOptions): Promise<Greeted> {
  let late: NodeJS.Timeout | undefined;
  const greeted = new Promise<Greeted>((resolve, reject) => {
    const connection = new SMTPConnection(connectionOptions(socket, target, options));
    const internals = connection as unknown as Internals;
    let banner: string | undefined;
    const greet = internals._actionGreeting;
    internals._actionGreeting = (greeting) => {
      banner = greeting;
      greet.call(connection, greeting);
    };
    const fail = (error: HandshakeError): void => {
      // Closing reports an end of its own, so the first word counts.
      reject(troubleOf(error, connection.upgrading === true, banner));
      connection.close();
    };
    connection.on("error", fail);
    connection.once("end", () => fail(new Error("connection closed")));
    const longest = WAITS * options.timeout;
    late = setTimeout(() => fail(new Error(`no session within ${Math.round(longest / 1000)} s`)), longest);
    connection.connect((error) => {
      if (error !== undefined) return fail(error);
      // Before a login, whose reply would be the last one.
      const capabilities = capabilitiesOf(connection, internals, banner ?? "");
      const finish = (): void => resolve({ socket: takeOver(connection, internals), capabilities });
      // Only EHLO has crossed when the pins are looked at.
      const unpinned = pinTrouble(connection._socket as Socket, target);
      if (unpinned !== undefined) return abandon(connection, reject, unpinned);
      if (target.login === undefined) return finish();
      logIn(connection, target.login, options.environment).then(finish, (trouble: DestinationTrouble) =>
        abandon(connection, reject, trouble),
      );
    });
  });
  return greeted.finally(() => clearTimeout(late));
}

function abandon(
  connection: SMTPConnection,
  reject: (trouble: DestinationTrouble) => void,
  trouble: DestinationTrouble,
): void {
  reject(trouble);
  connection.close();
}

function connectionOptions(socket: Socket, target: Target, options: HandshakeOptions): SMTPConnectionOptions {
  const verify = target.tls === "verify";
  return {
    connection: socket,
    host: target.ip,
    port: target.port,
    ...(target.host !== target.ip && { servername: target.host }),
    name: options.hostname,
    secure: (target.implicitTls ?? target.port === IMPLICIT_TLS_PORT) && target.tls !== "none",
    ignoreTLS: options.clear || target.tls === "none",
    requireTLS: target.tls === "require" || target.tls === "pin" || verify,
    opportunisticTLS: target.tls === "opportunistic" && !options.clear,
    connectionTimeout: 3 * options.timeout,
    greetingTimeout: options.timeout,
    socketTimeout: options.timeout,
    maxResponseSize: MAX_REPLY,
    logger: false,
    tls: { rejectUnauthorized: verify, ...(options.ca !== undefined && { ca: options.ca }) },
  };
}

/** Frees the socket from nodemailer's handlers, which would fail on replies that they did not ask for. */
function takeOver(connection: SMTPConnection, internals: Internals): Socket {
  const socket = connection._socket as Socket;
  socket.pause();
  socket.off("data", internals._onSocketData);
  socket.off("error", internals._onSocketError);
  socket.off("close", internals._onSocketClose);
  socket.off("end", internals._onSocketEnd);
  socket.off("timeout", internals._onSocketTimeout);
  socket.setTimeout(0);
  connection.removeAllListeners();
  internals._destroyed = true;
  return socket;
}

function capabilitiesOf(connection: SMTPConnection, internals: Internals, banner: string): Capabilities {
  const greeted = firstName(banner);
  const last = connection.lastServerResponse || "";
  // The last reply is that to EHLO or HELO, or the refusal of STARTTLS behind it.
  const name = (last.startsWith("2") && firstName(last)) || greeted;
  const socket = connection._socket;
  const lines = internals._ehloLines ?? [];
  const attributes = attributesOf(lines);
  const size = sizeOf(lines);
  return {
    name,
    ...(attributes !== undefined && { attributes }),
    ...(greeted !== "" && greeted !== name && { banner: greeted }),
    extensions: lines.slice(0, 100).map((line) => printable(line.split(/\s/, 1)[0] ?? "").toUpperCase()),
    ...(size > 0 && { size }),
    ...(socket instanceof TLSSocket && { tls: socket.getProtocol() ?? "TLS" }),
  };
}

/** RFC 1870 §3; 0: no limit is named. nodemailer would take it from any words of the reply, and mail be refused for it. */
function sizeOf(lines: readonly string[]): number {
  const found = lines.map((line) => /^SIZE\s+(\d+)/i.exec(line)?.[1]).find((digits) => digits !== undefined);
  return Number(found ?? 0);
}

/** What stands behind XFORWARD and XCLIENT. */
function attributesOf(lines: readonly string[]): Capabilities["attributes"] {
  const offered = lines.slice(0, 100).map((line) => line.toUpperCase().split(/\s+/));
  const found = offered.filter(([keyword = ""]) => keyword === "XFORWARD" || keyword === "XCLIENT");
  if (found.length === 0) return undefined;
  return Object.fromEntries(found.map(([keyword = "", ...words]) => [keyword, words]));
}

/** The first word after the code, as a host name is written there; RFC 5321 §4.2. */
function firstName(response: string): string {
  const word = /^\d{3}[ -](\S+)/.exec(response)?.[1] ?? "";
  return printable(word).slice(0, 255).toLowerCase();
}

interface HandshakeError extends Error {
  readonly code?: string | undefined;
  readonly response?: string | undefined;
}

function troubleOf(
  error: HandshakeError,
  upgrading: boolean,
  banner: string | undefined,
): DestinationTrouble {
  const { response, message } = error;
  const stage = upgrading ? "tls" : stageOf(error, banner);
  if (error.code === "ETIMEDOUT") return new DestinationTrouble(stage, silenceWords(stage));
  if (response === undefined) return new DestinationTrouble(stage, errorWords(message));
  const answer = parseReply(response);
  const words = stage === "tls" ? noTlsWords(answer) : answerWords(answer, response);
  return new DestinationTrouble(stage, words, answer);
}

function stageOf(error: HandshakeError, banner: string | undefined): DestinationTrouble["stage"] {
  if (error.code === "ETLS") return "tls";
  return banner?.startsWith("220") ? "ehlo" : "greeting";
}
