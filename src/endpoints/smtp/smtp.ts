/**
 * The SMTP server of one thread: listens, speaks SMTP with strangers, and passes their mail to the queue.
 *
 * A connection is `greeting`, `command`, `busy`, `body`, `handshake` or `closing` (connection.ts). Its session has
 * at most one transaction; policy decides about each recipient and each body; the queue stores.
 *
 * Invariants: 250 to the final dot is written only after the queue answered `accepted`. Only CRLF "." CRLF ends a
 * body. Our own failures are 421, 451 or 452, never 5xx. Time, commands, errors, recipients, sizes and connections
 * are all capped. Mail for `<postmaster>` and postmaster@hostname goes to the configured postmaster; the reply is
 * 550 5.1.1 if that address is in no domain that we serve, because this server relays for nobody, not even for itself.
 *
 * `apply` sets the settings for new commands and new transactions; an open transaction keeps its own.
 * `stop` closes the listeners, sends 421 4.3.2 to idle clients at once, and gives bodies in progress `graceMs`.
 */
import type { Explanation, ExplainRequest } from "../../ports/explanation.ts";
import type { PrimaryOffers } from "../../ports/health.ts";
import type { ClientTables } from "../../runtime/client-tables.ts";
import type { Timer } from "../../runtime/clock.ts";
import { ConnectionTable } from "../../runtime/connection-table.ts";
import { RateTable } from "../../runtime/rate-table.ts";
import type { Policy } from "../../services/policy/policy.ts";
import { ClientRates } from "./client-rates.ts";
import { Flushes } from "./etrn.ts";
import { explain } from "./explain.ts";
import type { Connection } from "./connection.ts";
import { Greeting } from "./greeting.ts";
import type { SessionParts } from "./session-state.ts";
import { Listener } from "./listener.ts";
import { checkTls } from "./server-names.ts";
import type { SmtpListener, SmtpSettings } from "./settings.ts";
import { Stress } from "./stress.ts";

export type { SmtpSettings } from "./settings.ts";

/** `policy` must use the same directory as `directory`. */
interface SmtpParts extends Pick<
  SessionParts,
  "directory" | "policy" | "acceptor" | "journal" | "log" | "clock"
> {
  readonly settings: SmtpSettings;
  /** The policy for `explain`: like `policy`, but its memories are read-only. */
  readonly sandbox: Policy;
  /** Tables of clients in memory shared by all threads. */
  readonly clients: ClientTables;
  /** The number of this thread, from 0. */
  readonly thread: number;
  /** Makes all waiting mail of one of our domains due at once. */
  readonly flush: (domain: string) => void;
}

export interface SmtpEndpoint {
  /** The listening addresses, with the ports that were bound. */
  readonly addresses: readonly SmtpListener[];
  /** Throws if these settings cannot be used. */
  check(settings: SmtpSettings): void;
  /** Sets the settings for new commands and transactions. Listeners stay open as they are. */
  apply(settings: SmtpSettings): void;
  /** Sets what the primaries of each domain accept. A domain that is not named accepts everything. */
  learned(offers: readonly (readonly [string, PrimaryOffers])[]): void;
  /** Says which replies a client would get, and why. Nothing is counted, remembered or journalled. */
  explain(request: ExplainRequest): Promise<Explanation>;
  /** Resolves when the last client is gone, and shortly after `graceMs` at the latest. */
  stop(graceMs: number): Promise<void>;
}

/** Interval of the sweep over open connections, in ms. */
const SWEEP = 1000;
/**
 * Most time that one sweep adds to the clients' waiting time, in ms. If the process was suspended for longer, no client
 * could be heard during that time and none may be cut off for it.
 */
const LONGEST_STEP = 2 * SWEEP;
/** How often `stop` checks whether bodies in progress are complete, in ms. */
const POLL = 20;

/** Binds every listener. Rejects if an address cannot be bound (the error names it), and then leaves none open. */
export async function startSmtp(parts: SmtpParts): Promise<SmtpEndpoint> {
  const endpoint = new Endpoint(parts);
  await endpoint.listen();
  return endpoint;
}

class Endpoint implements SmtpEndpoint {
  addresses: readonly SmtpListener[] = [];
  #settings: SmtpSettings;
  readonly #parts: SmtpParts;
  readonly #listeners: readonly Listener[];
  #ticks = 0;
  readonly #stress = new Stress();
  readonly #connections: ConnectionTable;
  #offers: ReadonlyMap<string, PrimaryOffers> = new Map();
  #lastSweep: number;
  #sweeper: Timer;
  readonly #dry: SessionParts;

  constructor(parts: SmtpParts) {
    this.#parts = parts;
    this.#settings = parts.settings;
    const connections = new ConnectionTable(parts.clients.connections, parts.thread);
    this.#connections = connections;
    const settings = (): SmtpSettings => this.#stress.settingsOf(this.#settings);
    const table = new RateTable(parts.clients.rates, parts.thread);
    const rates = new ClientRates({ table, clock: parts.clock, settings });
    const shared = {
      ...parts,
      connections,
      rates,
      greeting: new Greeting(parts.clients.known, parts.clock, settings),
      settings,
      ticks: () => this.#ticks,
      offers: (domain: string) => this.#offers.get(domain),
      flushes: new Flushes(parts.clock, parts.flush),
    };
    this.#dry = {
      ...shared,
      policy: parts.sandbox,
      rates: new ClientRates({ table, clock: parts.clock, settings, dry: true }),
      greeting: { delay: (client) => shared.greeting.delay(client), delivered: () => undefined },
    };
    this.#listeners = parts.settings.listeners.map((listener) => new Listener(listener, shared));
    this.#lastSweep = parts.clock.elapsed();
    this.#sweeper = parts.clock.after(SWEEP, () => this.#sweep());
  }

  async listen(): Promise<void> {
    try {
      const bound: SmtpListener[] = [];
      for (const listener of this.#listeners) {
        bound.push({ ...listener.at, ...(await listener.start(this.#settings.reusePort)) });
      }
      this.addresses = bound;
    } catch (error) {
      await this.stop(0);
      throw error;
    }
  }

  check(settings: SmtpSettings): void {
    if (settings.tls !== undefined) checkTls(settings.tls);
  }

  apply(settings: SmtpSettings): void {
    const renewed = settings.tls !== this.#settings.tls;
    this.#settings = settings;
    if (renewed) for (const listener of this.#listeners) listener.renew(settings.tls);
  }

  learned(offers: readonly (readonly [string, PrimaryOffers])[]): void {
    this.#offers = new Map(offers);
  }

  explain(request: ExplainRequest): Promise<Explanation> {
    return explain(request, this.#dry);
  }

  async stop(graceMs: number): Promise<void> {
    for (const listener of this.#listeners) listener.stopListening();
    for (const connection of this.#open()) connection.stop();
    const { clock } = this.#parts;
    const end = clock.elapsed() + graceMs;
    while (this.#open().some((connection) => connection.working) && clock.elapsed() < end) {
      await new Promise<void>((resolve) => void clock.after(POLL, resolve));
    }
    this.#sweeper.cancel();
    for (const connection of this.#open()) connection.end();
  }

  #sweep(): void {
    const now = this.#parts.clock.elapsed();
    this.#ticks += Math.min(now - this.#lastSweep, LONGEST_STEP);
    this.#lastSweep = now;
    this.#lookAtStress();
    for (const listener of this.#listeners) listener.tick(this.#ticks);
    this.#sweeper = this.#parts.clock.after(SWEEP, () => this.#sweep());
  }

  #lookAtStress(): void {
    const load = { open: this.#connections.total(), memory: memoryInUse() };
    const { limits } = this.#settings;
    if (!this.#stress.look(load, this.#settings)) return;
    const facts = { ...load, places: limits.connections, most: limits.memory };
    if (this.#stress.on) this.#parts.log.warn("smtp.stress.began", facts);
    else this.#parts.log.info("smtp.stress.ended", facts);
  }

  #open(): readonly Connection[] {
    return this.#listeners.flatMap((listener) => listener.open());
  }
}

/** The memory of the process in octets. Reading it fails if no file can be opened any more, which is stress as well. */
function memoryInUse(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return Infinity;
  }
}
