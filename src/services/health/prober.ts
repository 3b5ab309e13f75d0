import {
  DestinationTrouble,
  type Connection,
  type Conversation,
  type Target,
} from "../../ports/smtp-client.ts";
import { Addresses } from "./addresses.ts";
import type { GreetingRoom } from "./greeting-room.ts";
import { asTrouble, firstToGreet, targetsOf, type Destination, type ReachParts } from "./reach.ts";
import { refusesUs } from "./state.ts";

/** Timeout for greeting and EHLO, in ms. */
const GREETING_TIMEOUT = 60_000;
/** If a connection ends without a greeting earlier than this, in ms, the server is broken, not slow. */
const SILENCE = 50_000;
/**
 * While a greeting hangs, the server may have restarted. After GREETING_OVERLAP ms another one is requested; at most
 * MOST_GREETINGS are awaited.
 */
const GREETING_OVERLAP = 5000;
const MOST_GREETINGS = 3;

const CROWDED =
  "it accepts connections but does not greet, like hundreds of other primaries at the same time";

/** A connection on which a greeting is awaited. */
interface Awaited {
  readonly connection: Connection;
  /** A later connection to the same address failed: if the server restarted, it does not know this connection. */
  stale: boolean;
  /** Another primary's greeting took its place in the greeting room. */
  crowdedOut: boolean;
}

interface ProberParts extends ReachParts {
  readonly room: GreetingRoom;
}

/** Whether a connection is to be greeted, not only opened; `best`: its address is the one that greeted last. */
type Wanted = (best: boolean) => boolean;

/** The result of a probe that was greeted. */
export interface Greeted {
  readonly conversation: Conversation;
  /** Milliseconds from connecting to the end of EHLO. */
  readonly took: number;
}

/** Probes one primary: opens a TCP connection and, if the caller wants more, waits for greeting and EHLO. */
export class Prober {
  readonly #destination: Destination;
  readonly #parts: ProberParts;
  readonly #silent: (took: number) => void;
  readonly #addresses = new Addresses();
  /** The oldest first. */
  readonly #greetings = new Set<Awaited>();
  #lastGreeting = 0;
  /** A probe's greeting timeout expired, so the next probe gets a longer one. */
  #isSilent = false;

  /** `silent` is called when the primary accepted a connection and sent no greeting for `took` ms. */
  constructor(destination: Destination, parts: ProberParts, silent: (took: number) => void) {
    this.#destination = destination;
    this.#parts = parts;
    this.#silent = silent;
  }

  /** Returns the address to connect to: the one that greeted last, or the first. Rejects with DestinationTrouble. */
  async target(): Promise<Target> {
    const targets = await targetsOf(this.#destination, this.#parts);
    return targets.find((target) => this.#addresses.isBest(target)) ?? (targets[0] as Target);
  }

  /**
   * Connects to the addresses in turn until one of them greets. The greeting is awaited on the same connection, so that
   * a probe needs only one. If the address is not `wanted`, the connection alone is enough. Returns undefined if
   * nothing new is known because earlier greetings hang. Rejects with DestinationTrouble.
   */
  async ask(wanted: Wanted): Promise<Greeted | "knocked" | undefined> {
    const { clock } = this.#parts;
    const targets = await targetsOf(this.#destination, this.#parts);
    const inTurn = this.#addresses.inTurn(targets, clock.now(), (target) => this.#awaited(target) > 0);
    const troubles = new Map<Target, DestinationTrouble>();
    const failed = (target: Target, trouble: DestinationTrouble): void => {
      troubles.set(target, trouble);
      this.#failed(target, trouble);
    };
    const greet = (connection: Connection): Promise<Greeted | "knocked" | undefined> =>
      this.#hear(connection, wanted);
    try {
      return await firstToGreet(inTurn, this.#parts, { greet, failed });
    } catch (error) {
      throw this.#addresses.decisive(troubles) ?? error;
    }
  }

  async #hear(connection: Connection, wanted: Wanted): Promise<Greeted | "knocked" | undefined> {
    const { target } = connection;
    if (wanted(this.#addresses.isBest(target))) return this.#greet(connection);
    connection.close();
    return "knocked";
  }

  async #greet(connection: Connection): Promise<Greeted | undefined> {
    const { clock, room } = this.#parts;
    const begun = clock.now();
    const greeting: Awaited = { connection, stale: false, crowdedOut: false };
    const giveWay = (): void => {
      greeting.crowdedOut = true;
      connection.close();
    };
    if (!this.#makeRoom(begun) || !room.enter(greeting, begun, giveWay)) {
      connection.close();
      return undefined;
    }
    this.#greetings.add(greeting);
    this.#lastGreeting = begun;
    try {
      const conversation = await connection.converse(this.#patience());
      this.#addresses.greeted(connection.target);
      return { conversation, took: clock.now() - begun };
    } catch (error) {
      const trouble = asTrouble(error);
      const givenUp = !this.#greetings.has(greeting);
      // The primary may have refused this connection only because it keeps another one of ours waiting.
      const oneTooMany = greeting.crowdedOut || refusesUs(trouble);
      if (givenUp || (oneTooMany && this.#awaited(connection.target) > 1)) return undefined;
      if (greeting.crowdedOut) throw new DestinationTrouble("greeting", CROWDED);
      this.#lookAtSilence(trouble, clock.now() - begun);
      throw trouble;
    } finally {
      this.#greetings.delete(greeting);
      room.leave(greeting);
    }
  }

  /** The primary has greeted a probe or a conversation with mail, so other greetings need not be awaited. */
  greeted(): void {
    this.#isSilent = false;
    this.stop();
  }

  /** Gives up the greetings that are awaited; nothing is reported of them. */
  stop(): void {
    for (const greeting of this.#greetings) this.#giveUp(greeting);
  }

  #failed(target: Target, trouble: DestinationTrouble): void {
    this.#addresses.failed(target, trouble, this.#parts.clock.now());
    if (trouble.stage !== "connect") return;
    for (const greeting of this.#greetings)
      if (greeting.connection.target.ip === target.ip) greeting.stale = true;
  }

  /** Counts the greetings, of one address or of all, that may still arrive. */
  #awaited(target?: Target): number {
    const isOf = ({ connection }: Awaited): boolean =>
      target === undefined || connection.target.ip === target.ip;
    return [...this.#greetings].filter((greeting) => !greeting.stale && isOf(greeting)).length;
  }

  /**
   * Makes room for one more greeting; returns false if there is none. Stale greetings are given up only if there is no
   * room otherwise: a server with a limit of connections per client may still be about to answer one of them.
   */
  #makeRoom(now: number): boolean {
    const fresh = this.#awaited();
    if (fresh > 0 && now - this.#lastGreeting < GREETING_OVERLAP) return false;
    if (fresh >= MOST_GREETINGS) return false;
    const [oldest] = this.#greetings;
    if (oldest !== undefined && this.#greetings.size >= MOST_GREETINGS) this.#giveUp(oldest);
    return true;
  }

  #giveUp(greeting: Awaited): void {
    this.#greetings.delete(greeting);
    greeting.connection.close();
  }

  /** A greeting may take 5 min, RFC 5321 §4.5.3.2.1, but a server that hangs should be probed again sooner. In ms. */
  #patience(): number {
    return this.#isSilent ? 5 * GREETING_TIMEOUT : GREETING_TIMEOUT;
  }

  #lookAtSilence({ stage, reply }: DestinationTrouble, took: number): void {
    if (stage !== "greeting" || reply !== undefined || took < SILENCE) return;
    this.#isSilent = true;
    this.#silent(took);
  }
}
