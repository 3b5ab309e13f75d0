import { connect, type Socket } from "node:net";
import { DestinationTrouble, type Target } from "../../ports/smtp-client.ts";
import { hostPort } from "../../mail/network.ts";
import { printable } from "../../mail/reply.ts";

/** The read buffer of all connections. Otherwise Node.js allocates 64 KiB for each read. */
const ARRIVED = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * Opens a TCP connection within `timeout` ms. Rejects with DestinationTrouble of stage `connect`. The octets of a
 * `data` event stay good until its listeners have returned.
 */
export function dial(target: Pick<Target, "ip" | "port">, timeout: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const arrived = (octets: number): boolean => {
      socket.emit("data", ARRIVED.subarray(0, octets));
      return true;
    };
    const onread = { buffer: ARRIVED, callback: arrived };
    const socket = connect({ host: target.ip, port: target.port, onread });
    const fail = (why: string): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new DestinationTrouble("connect", `${why} (${where(target)})`));
    };
    const timer = setTimeout(() => fail(`no connection within ${timeout} ms`), timeout);
    const onError = (error: NodeJS.ErrnoException): void => fail(connectError(error));
    socket.once("error", onError);
    socket.once("connect", () => {
      if (isItself(socket)) return fail(REFUSED);
      clearTimeout(timer);
      socket.off("error", onError);
      resolve(socket);
    });
  });
}

/**
 * TCP lets a socket open a connection to itself (RFC 9293, section 3.5: both ends at once), where the system gave it
 * the port that it calls and nobody listens there. It would look like a silent primary, and keep the port from it.
 */
function isItself({ localPort, localAddress, remotePort, remoteAddress }: Socket): boolean {
  return localPort === remotePort && localAddress === remoteAddress;
}

/** Closes a connection on which no session was begun. */
export function hangUp(socket: Socket): void {
  // A server that sees its client gone before the greeting should not log a reset.
  socket.end();
  socket.resume();
  setTimeout(() => socket.destroy(), 1000).unref();
}

function where(target: Pick<Target, "ip" | "port">): string {
  return hostPort(target.ip, target.port);
}

const REFUSED = "connection refused";
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: REFUSED,
  ECONNRESET: "connection reset",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  EADDRNOTAVAIL: "no local address to connect from",
  EAFNOSUPPORT: "this machine has no addresses of that kind",
};

/** Describes an error of the socket for the operator, in one line: messages of OpenSSL end with a newline. */
export function connectError(error: NodeJS.ErrnoException): string {
  return WORDS[error.code ?? ""] ?? printable(error.message);
}
