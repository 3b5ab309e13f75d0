/**
 * The scan of one body by the servers of a scanner, one after another until one answers.
 *
 * A body that was announced as large is sent to the first server while it arrives ("live"), if one of the few
 * connections for that is free. All other bodies, and those with a slow sender or server, are read again from the store
 * after the last octet. So no sender can occupy a connection for longer than LIVE_TIME, and every attempt at the next
 * server begins with the first octet.
 */
import type { ScanServers } from "../../ports/checks.ts";
import type { InspectedMail, WholeBody } from "../../ports/inspection.ts";
import type { Away, Scan } from "../../ports/scanner.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { errorText } from "../../runtime/log.ts";
import { Trouble, type Exchange } from "./exchange.ts";
import type { Server } from "./server.ts";

/** Bodies announced as larger than this are sent to the server while they arrive, in octets. */
const LIVE_FROM = 256 * 1024;
/** Longest time that a body may take to arrive during a live scan, in ms. */
const LIVE_TIME = 10_000;
/** Longest time that a server may delay the sender during a live scan, in ms. */
const LIVE_PATIENCE = 1000;

interface ScanParts<R> {
  readonly clock: Clock;
  /** In the order of preference. */
  readonly servers: readonly Server[];
  readonly settings: ScanServers;
  readonly connect: (server: Server) => Exchange<R>;
}

interface Live<R> {
  readonly server: Server;
  readonly exchange: Exchange<R>;
  readonly timer: Timer;
}

export class BodyScan<R> implements Scan<R> {
  readonly #parts: ScanParts<R>;
  #live: Live<R> | undefined;
  #current: Exchange<R> | undefined;
  #aborted = false;

  constructor(parts: ScanParts<R>, { announced }: InspectedMail) {
    this.#parts = parts;
    if (announced > LIVE_FROM) this.#goLive();
  }

  feed(chunk: Buffer): Promise<void> | undefined {
    if (this.#live === undefined) return undefined;
    const room = this.#live.exchange.write(Buffer.from(chunk));
    if (room === undefined) return undefined;
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(LIVE_PATIENCE, () => {
        this.#endLive();
        resolve();
      });
      void room.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  async finish(body: WholeBody): Promise<R | Away> {
    const { clock, settings, servers } = this.#parts;
    const until = clock.elapsed() + settings.timeout;
    const left = new Set(servers.filter((server) => server.ready));
    let why = "all servers are suspended after failures";
    const live = this.#live;
    if (live !== undefined) {
      this.#live = undefined;
      live.timer.cancel();
      left.delete(live.server);
      const answer = await this.#hear(live, this.#share(until, left.size + 1));
      if (!(answer instanceof Trouble)) return answer;
      why = `${live.server.address} ${answer.message}`;
    }
    for (const server of left) {
      left.delete(server);
      if (this.#aborted || !server.ready) continue;
      const answer = await this.#ask(server, body, this.#share(until, left.size + 1));
      if (!(answer instanceof Trouble)) return answer;
      why = `${server.address} ${answer.message}`;
    }
    return { kind: "away", why };
  }

  abort(): void {
    this.#aborted = true;
    this.#endLive();
    this.#endCurrent();
  }

  /** Returns the deadline of the next of `attempts` that share the time up to `until`; in elapsed time. */
  #share(until: number, attempts: number): number {
    const now = this.#parts.clock.elapsed();
    return now + Math.max(0, until - now) / attempts;
  }

  #goLive(): void {
    const { servers, settings, clock, connect } = this.#parts;
    // Half of the connections are kept for complete bodies.
    const places = Math.floor(settings.connections / 2);
    const server = servers.find((one) => one.takeNow(places));
    if (server === undefined) return;
    const timer = clock.after(LIVE_TIME, () => this.#endLive());
    this.#live = { server, exchange: connect(server), timer };
  }

  /** Ends the live scan; the body is read again later. */
  #endLive(): void {
    const live = this.#live;
    if (live === undefined) return;
    this.#live = undefined;
    live.timer.cancel();
    live.exchange.abort();
    live.server.giveBack();
  }

  /** Ends the exchange with the current server. */
  #endCurrent(): void {
    this.#current?.abort();
    this.#current = undefined;
  }

  async #ask(server: Server, body: WholeBody, until: number): Promise<R | Trouble> {
    if (!(await server.take(this.#parts.settings.connections, until))) {
      server.undecided();
      return new Trouble("has no free connection");
    }
    // The scan was aborted during the wait, so the connection goes to the next scan in the queue.
    if (this.#aborted) {
      server.undecided();
      server.giveBack();
      return new Trouble("given up");
    }
    const exchange = this.#parts.connect(server);
    const send = async (): Promise<void> => {
      for await (const chunk of body.read()) {
        if (this.#current !== exchange) return;
        await exchange.write(chunk);
      }
    };
    return this.#hear({ server, exchange }, until, send);
  }

  /** Sends the body, waits for the server's answer, and then gives its connection back. */
  async #hear(
    { server, exchange }: Pick<Live<R>, "server" | "exchange">,
    until: number,
    send: () => Promise<void> = () => Promise.resolve(),
  ): Promise<R | Trouble> {
    const { clock } = this.#parts;
    this.#current = exchange;
    let late = false;
    const timer = clock.after(Math.max(0, until - clock.elapsed()), () => {
      late = true;
      this.#endCurrent();
    });
    try {
      await send();
      const answer = await exchange.end();
      server.worked();
      return answer;
    } catch (error) {
      const why = late ? "did not answer in time" : errorText(error);
      const ours = !(error instanceof Trouble);
      if (ours || (this.#aborted && !late)) server.undecided();
      else server.failed(why);
      // The body could not be read from our own disk; that would fail with the next server, too.
      if (ours && !this.#aborted) throw error;
      return new Trouble(why);
    } finally {
      timer.cancel();
      this.#endCurrent();
      server.giveBack();
    }
  }
}
