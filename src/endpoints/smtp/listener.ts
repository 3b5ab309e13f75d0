/** One listening socket: counts and caps connections before anything is read from them. */
import type { Socket } from "node:net";
import type { TLSSocket, SecureContext } from "node:tls";
import { SMTPServer } from "smtp-server";
import { networkSet, normaliseIp } from "../../mail/network.ts";
import { explainListen } from "../../runtime/listening.ts";
import type { ConnectionTable } from "../../runtime/connection-table.ts";
import { closing, wireText, type Answer } from "./answer.ts";
import { Connection, type ConnectionParts } from "./connection.ts";
import { Place } from "./place.ts";
import { takeProxyHeader } from "./proxy-header.ts";
import { ServerNames, tlsOptions } from "./server-names.ts";
import type { SmtpListener, TlsMaterial } from "./settings.ts";

interface ListenerParts extends Omit<ConnectionParts, "place" | "xclient"> {
  readonly connections: ConnectionTable;
}

/** Not 5xx: if a sender reaches this port through an operator's mistake, it must retry. */
const NOT_A_PROXY = closing(421, "4.7.1", "This port is for trusted proxies only");

export class Listener extends SMTPServer {
  readonly at: SmtpListener;
  readonly #parts: ListenerParts;
  /** Sockets that are counted but have no Connection object yet. */
  readonly #counted = new Map<Socket, Place>();
  /** Sockets that have not sent their PROXY header yet, and the tick at which the wait began. */
  readonly #headers = new Map<Socket, number>();
  /** Undefined if no peer of this listener sends a PROXY header. */
  readonly #isProxy: ((ip: string) => boolean) | undefined;
  readonly #mayXclient: ((ip: string) => boolean) | undefined;
  /** TLS handshakes in progress, and the tick at which they began. */
  readonly #handshakes = new Map<Socket, number>();
  #names: ServerNames;

  constructor(at: SmtpListener, parts: ListenerParts) {
    super({
      logger: false,
      // smtp-server would ask the system for a name at every connection if none were given.
      name: parts.settings().hostname,
      secure: at.tls === "implicit",
      disableReverseLookup: true,
      authOptional: true,
      disabledCommands: ["AUTH"],
      hideENHANCEDSTATUSCODES: false,
      ...tlsOptions(parts.settings().tls?.[0]),
    });
    this.at = at;
    this.#parts = parts;
    this.#names = new ServerNames(parts.settings().tls ?? []);
    const { proxy = [], xclient = [] } = at;
    this.#isProxy = proxy.length === 0 ? undefined : networkSet(proxy);
    this.#mayXclient = xclient.length === 0 ? undefined : networkSet(xclient);
    this.on("error", (error: Error) => parts.log.debug("smtp.connection.error", { why: error.message }));
  }

  /** Sets the certificates for handshakes that begin from now on. */
  renew(tls: readonly TlsMaterial[] | undefined): void {
    if (tls === undefined) return;
    this.#names = new ServerNames(tls);
    this.updateSecureContext(tlsOptions(tls[0]));
  }

  async start(reusePort: boolean): Promise<{ address: string; port: number }> {
    const { address, port } = this.at;
    const host = address.replace(/^\[|\]$/g, "");
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error): void => reject(explainListen(error, host, port));
      this.server.once("error", fail);
      this.server.listen({ host, port, reusePort, backlog: 1024, ipv6Only: host.includes(":") }, () => {
        this.server.removeListener("error", fail);
        resolve();
      });
    });
    const bound = this.server.address();
    return { address, port: typeof bound === "object" && bound !== null ? bound.port : port };
  }

  /** Stops listening, and drops clients whose PROXY header or TLS handshake is not complete. */
  stopListening(): void {
    this.server.close();
    for (const socket of this.#headers.keys()) socket.destroy();
    for (const top of this._pendingSockets.values()) top.destroy();
  }

  tick(now: number): void {
    const { handshakeTimeout, proxyTimeout } = this.#parts.settings().limits;
    for (const [socket, begun] of this.#handshakes)
      if (now - begun >= handshakeTimeout) this.#topOf(socket).destroy();
    for (const [socket, begun] of this.#headers) if (now - begun >= proxyTimeout) socket.destroy();
    for (const connection of this.open()) connection.tick(now);
  }

  open(): readonly Connection[] {
    return [...this.connections] as Connection[];
  }

  override _acceptSocket(socket: Socket, handshake: boolean): (() => void) | false {
    const ip = normaliseIp(socket.remoteAddress ?? "");
    const place = new Place(this.#parts.connections, ip);
    const stranger = this.#isProxy?.(ip) === false;
    const refused = stranger
      ? NOT_A_PROXY
      : place.take(ip, this.#parts.settings().limits, this.#isTrusted(ip));
    if (refused !== undefined) {
      this.#refuse(socket, { ip, handshake, refused });
      return false;
    }
    this.#counted.set(socket, place);
    if (this.#isProxy !== undefined) {
      socket.on("error", ignore);
      socket.once("close", () => this.#dropped(socket));
    }
    if (!handshake) return () => {};
    this.#handshakes.set(socket, this.#parts.ticks());
    if (this.#isProxy === undefined) socket.once("close", () => this.#dropped(socket));
    return super._acceptSocket(socket, handshake);
  }

  /** Calls back at once if no header is expected, so that no socket is ever without an error listener. */
  override _handleProxy(
    socket: Socket,
    callback: (error: Error | null, options?: { id: string }) => void,
  ): void {
    if (this.#isProxy === undefined) return callback(null, CONNECTION);
    this.#headers.set(socket, this.#parts.ticks());
    takeProxyHeader(socket, (header) => {
      this.#headers.delete(socket);
      const fault = header.kind === "header" ? this.#recount(socket, header.client) : header.why;
      if (fault === undefined) return callback(null, CONNECTION);
      callback(new Error(fault));
      if (header.kind === "header") return;
      this.#parts.log.warn("smtp.proxy.refused", { peer: socket.remoteAddress, why: fault });
      socket.destroy();
    });
  }

  override _resolveSNI(name: string, answer: (error: null, context?: SecureContext) => void): void {
    answer(null, this.#names.find(name) ?? this.secureContext.get("*"));
  }

  override _upgrade(socket: Socket, callback: (error: Error | null, tlsSocket?: TLSSocket) => void): void {
    super._upgrade(socket, (error, tlsSocket) => {
      this.#handshakes.delete(socket);
      const place = this.#counted.get(socket);
      if (tlsSocket !== undefined && place !== undefined) {
        this.#counted.delete(socket);
        this.#counted.set(tlsSocket, place);
      }
      callback(error, tlsSocket);
    });
  }

  override connect(socket: Socket | TLSSocket): void {
    const place = this.#counted.get(socket);
    if (place === undefined) return void socket.destroy();
    this.#counted.delete(socket);
    const xclient =
      this.#mayXclient === undefined ? "off" : this.#mayXclient(place.ip) ? "allowed" : "denied";
    const connection = new Connection(this, socket, { ...this.#parts, place, xclient });
    this.connections.add(connection);
    connection.on("error", (error: Error) => this._onError(error));
    connection.init();
  }

  /** The TLS socket on top of a raw one: destroying the raw one during a handshake crashes Node.js. */
  #topOf(socket: Socket): Socket {
    return this._pendingSockets.get(socket) ?? socket;
  }

  #dropped(socket: Socket): void {
    this.#handshakes.delete(socket);
    this.#headers.delete(socket);
    this.#counted.get(socket)?.giveBack();
    this.#counted.delete(socket);
  }

  /** Whether a peer that was admitted may name the client that it speaks for. */
  #isTrusted(ip: string): boolean {
    return this.#isProxy !== undefined || this.#mayXclient?.(ip) === true;
  }

  /** Counts the connection for the client that a proxy has named. Returns the reason if it is refused. */
  #recount(socket: Socket, client: string | undefined): string | undefined {
    const place = this.#counted.get(socket);
    if (place === undefined) return "the socket is closed";
    const ip = client ?? place.ip;
    const refused = place.take(ip, this.#parts.settings().limits, client === undefined);
    if (refused !== undefined) this.#refuse(socket, { ip, handshake: this.at.tls === "implicit", refused });
    return refused?.reply.text;
  }

  #refuse(
    socket: Socket,
    { ip, handshake, refused }: { ip: string; handshake: boolean; refused: Answer },
  ): void {
    this.#parts.journal.record({ kind: "client.refused", ip, stage: "connect", reply: refused.reply });
    socket.on("error", ignore);
    if (handshake) return void socket.destroy();
    socket.write(wireText(refused));
    socket.destroySoon();
  }
}

const CONNECTION = { id: "-" };

function ignore(): void {}
