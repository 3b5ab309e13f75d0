/**
 * One body's way past the servers of a scanner.
 *
 * A body that was announced as large goes to the first server while it arrives, if there is a place among the few for
 * that; all others, and those whose sender or server is slow, are read again from the store after the last octet. So no
 * sender can hold a scanner's place for longer than LIVE_TIME, and every attempt at the next server begins anew.
 */
import type { ScanServers } from "../../ports/checks.ts";
import type { InspectedMail, WholeBody } from "../../ports/inspection.ts";
import type { Away, Scan } from "../../ports/scanner.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { errorText } from "../../runtime/log.ts";
import { Trouble, type Exchange } from "./exchange.ts";
import type { Server } from "./server.ts";

/** Bodies announced as larger than this go to the server while they arrive, in octets. */
const LIVE_FROM = 256 * 1024;
/** Longest time that a body may take to arrive while a server listens, in ms. */
const LIVE_TIME = 10_000;
/** Longest time that a server which listens may hold a sender back, in ms. */
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

  /** Until when one of `attempts` may take, in elapsed time as `until` is. */
  #share(until: number, attempts: number): number {
    const now = this.#parts.clock.elapsed();
    return now + Math.max(0, until - now) / attempts;
  }

  #goLive(): void {
    const { servers, settings, clock, connect } = this.#parts;
    // Half of the places are kept for those whose body is complete.
    const places = Math.floor(settings.connections / 2);
    const server = servers.find((one) => one.takeNow(places));
    if (server === undefined) return;
    const timer = clock.after(LIVE_TIME, () => this.#endLive());
    this.#live = { server, exchange: connect(server), timer };
  }

  /** The body is read again later. */
  #endLive(): void {
    const live = this.#live;
    if (live === undefined) return;
    this.#live = undefined;
    live.timer.cancel();
    live.exchange.abort();
    live.server.giveBack();
  }

  /** It is shown nothing more. */
  #endCurrent(): void {
    this.#current?.abort();
    this.#current = undefined;
  }

  async #ask(server: Server, body: WholeBody, until: number): Promise<R | Trouble> {
    if (!(await server.take(this.#parts.settings.connections, until))) {
      server.undecided();
      return new Trouble("has no free connection");
    }
    // Nobody waits any more: the place is for the next in line.
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

  /** Hears a server out; its place is free afterwards. */
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
      // Our own disk did not give the body, and would not for the next server either.
      if (ours && !this.#aborted) throw error;
      return new Trouble(why);
    } finally {
      timer.cancel();
      this.#endCurrent();
      server.giveBack();
    }
  }
}
