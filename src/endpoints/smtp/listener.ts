/** One listening socket: counts and caps connections before anything is read from them. */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { createSecureContext } from "node:tls";
import { SMTPServer } from "smtp-server";
import { clientNetwork, normaliseIp } from "../../mail/network.ts";
import { explainListen } from "../../runtime/listening.ts";
import type { ConnectionTable } from "../../runtime/limits.ts";
import type { Answer } from "./answer.ts";
import { part, wireText } from "./answer.ts";
import type { ConnectionParts } from "./connection.ts";
import { Connection, HANDSHAKE_TIMEOUT } from "./connection.ts";
import type { SmtpListener, TlsMaterial } from "./settings.ts";

export interface ListenerParts extends Omit<ConnectionParts, "onGone"> {
  readonly connections: ConnectionTable;
}

const TOO_MANY_IN_ALL = part(421, "4.7.0", "Too many connections, try again later");
const TOO_MANY_OF_YOURS = part(421, "4.7.0", "Too many connections from your network, try again later");

/** Gives one counted place back, once. */
type GiveBack = () => void;

export class Listener extends SMTPServer {
  readonly at: SmtpListener;
  readonly #parts: ListenerParts;
  /** Sockets that are counted and have no connection yet. */
  readonly #counted = new Map<Socket, GiveBack>();
  /** TLS handshakes under way, and when they began. */
  readonly #handshakes = new Map<Socket, number>();

  constructor(at: SmtpListener, parts: ListenerParts) {
    super({
      logger: false,
      // Ours is in `settings`; without one it would ask the system at every connection.
      name: parts.settings().hostname,
      secure: at.tls === "implicit",
      disableReverseLookup: true,
      authOptional: true,
      disabledCommands: ["AUTH"],
      hideENHANCEDSTATUSCODES: false,
      ...tlsOptions(parts.settings().tls),
    });
    this.at = at;
    this.#parts = parts;
    this.on("error", (error: Error) => parts.log.debug("smtp.connection.error", { why: error.message }));
  }

  /** Certificates for handshakes that begin from here on. */
  renew(tls: TlsMaterial | undefined): void {
    if (tls !== undefined) this.updateSecureContext(tlsOptions(tls));
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

  /** Stops listening, and drops clients that have not come through the handshake. */
  stopListening(): void {
    this.server.close();
    for (const top of this._pendingSockets.values()) top.destroy();
  }

  tick(now: number): void {
    for (const [socket, begun] of this.#handshakes)
      if (now - begun >= HANDSHAKE_TIMEOUT) this.#topOf(socket).destroy();
    for (const connection of this.open()) connection.tick(now);
  }

  open(): readonly Connection[] {
    return [...this.connections] as Connection[];
  }

  override _acceptSocket(socket: Socket, handshake: boolean): (() => void) | false {
    const ip = normaliseIp(socket.remoteAddress ?? "");
    const admission = this.#parts.connections.admit(clientNetwork(ip), this.#parts.settings().limits);
    if (admission.kind === "refused") {
      this.#refuse(socket, { ip, handshake, why: admission.why });
      return false;
    }
    let counted = true;
    const giveBack = (): void => {
      if (counted) this.#parts.connections.release(admission.ticket);
      counted = false;
    };
    this.#counted.set(socket, giveBack);
    if (!handshake) return () => {};
    this.#handshakes.set(socket, this.#parts.ticks());
    socket.once("close", () => this.#dropped(socket));
    return super._acceptSocket(socket, handshake);
  }

  /** PROXY headers are not read: the socket goes on at once, never without its error listener. */
  override _handleProxy(
    _socket: Socket,
    callback: (error: Error | null, options: { id: string }) => void,
  ): void {
    callback(null, { id: "-" });
  }

  override _upgrade(socket: Socket, callback: (error: Error | null, tlsSocket?: TLSSocket) => void): void {
    super._upgrade(socket, (error, tlsSocket) => {
      this.#handshakes.delete(socket);
      const giveBack = this.#counted.get(socket);
      if (tlsSocket !== undefined && giveBack !== undefined) {
        this.#counted.delete(socket);
        this.#counted.set(tlsSocket, giveBack);
      }
      callback(error, tlsSocket);
    });
  }

  override connect(socket: Socket | TLSSocket): void {
    const giveBack = this.#counted.get(socket);
    this.#counted.delete(socket);
    const connection = new Connection(this, socket, { ...this.#parts, onGone: () => giveBack?.() });
    this.connections.add(connection);
    connection.on("error", (error: Error) => this._onError(error));
    connection.init();
  }

  /** The TLS socket over a raw one: taking the raw one away under a handshake crashes Node. */
  #topOf(socket: Socket): Socket {
    return this._pendingSockets.get(socket) ?? socket;
  }

  #dropped(socket: Socket): void {
    this.#handshakes.delete(socket);
    this.#counted.get(socket)?.();
    this.#counted.delete(socket);
  }

  #refuse(socket: Socket, { ip, handshake, why }: { ip: string; handshake: boolean; why: string }): void {
    const answer: Answer = why === "total" ? TOO_MANY_IN_ALL : TOO_MANY_OF_YOURS;
    this.#parts.journal.record({ kind: "client.refused", ip, stage: "connect", reply: answer.reply });
    socket.on("error", () => {});
    if (handshake) return void socket.destroy();
    socket.write(wireText(answer));
    socket.destroySoon();
  }
}

/** Throws where OpenSSL does not take the material. */
export function checkTls(tls: TlsMaterial): void {
  createSecureContext(tlsOptions(tls));
}

function tlsOptions(tls: TlsMaterial | undefined): object {
  return { minVersion: "TLSv1.2", ...(tls !== undefined && { cert: tls.certificate, key: tls.key }) };
}
