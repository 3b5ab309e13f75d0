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

/** For greeting and EHLO, in ms. */
const GREETING_TIMEOUT = 60_000;
/** A connection that ends without a greeting before this, in ms, is a broken server's, not a slow one's. */
const SILENCE = 50_000;
/** A greeting that hangs must not hide a server that came back meanwhile: in ms, and how many may hang. */
const GREETING_OVERLAP = 5000;
const MOST_GREETINGS = 3;

const CROWDED =
  "it accepts connections but does not greet, like hundreds of other primaries at the same time";

/** A greeting that is awaited. */
interface Awaited {
  readonly connection: Connection;
  /** Nobody listened since it was asked for: a server that came back may know nothing of its connection. */
  stale: boolean;
  /** Greetings of others needed its place. */
  crowdedOut: boolean;
}

interface ProberParts extends ReachParts {
  readonly room: GreetingRoom;
}

/** Whether an address is to be greeted; `best`: it is the one that greeted last. */
type Wanted = (best: boolean) => boolean;

/** What a primary said to a probe. */
export interface Greeted {
  readonly conversation: Conversation;
  /** Milliseconds from connecting to the end of EHLO. */
  readonly took: number;
}

/** Asks one primary over the network: whether it takes a connection, and where that is not enough, what it greets with. */
export class Prober {
  readonly #destination: Destination;
  readonly #parts: ProberParts;
  readonly #silent: (took: number) => void;
  readonly #addresses = new Addresses();
  /** The oldest first. */
  readonly #greetings = new Set<Awaited>();
  #lastGreeting = 0;
  /** It took a connection and did not greet within a probe's patience: the next probe has more. */
  #isSilent = false;

  /** `silent` runs when it took a connection and said nothing in so many ms. */
  constructor(destination: Destination, parts: ProberParts, silent: (took: number) => void) {
    this.#destination = destination;
    this.#parts = parts;
    this.#silent = silent;
  }

  /** The address to connect to: the one that greeted last, else the first. Rejects with DestinationTrouble. */
  async target(): Promise<Target> {
    const targets = await targetsOf(this.#destination, this.#parts);
    return targets.find((target) => this.#addresses.isBest(target)) ?? (targets[0] as Target);
  }

  /**
   * Connects to its addresses in turn and greets on that connection, so that one is all that a probe asks for, until
   * one of them greets. An address that is not `wanted` is only connected to. Undefined: earlier greetings hang, and
   * nothing new is known. Rejects with DestinationTrouble.
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
      // One connection too many beside the one that it lets wait.
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

  /** It has greeted, a probe or a conversation with mail: others that are awaited tell nothing more. */
  greeted(): void {
    this.#isSilent = false;
    for (const greeting of this.#greetings) this.#giveUp(greeting);
  }

  #failed(target: Target, trouble: DestinationTrouble): void {
    this.#addresses.failed(target, trouble, this.#parts.clock.now());
    if (trouble.stage !== "connect") return;
    for (const greeting of this.#greetings)
      if (greeting.connection.target.ip === target.ip) greeting.stale = true;
  }

  /** Greetings that may come yet, of one address or of all. */
  #awaited(target?: Target): number {
    const isOf = ({ connection }: Awaited): boolean =>
      target === undefined || connection.target.ip === target.ip;
    return [...this.#greetings].filter((greeting) => !greeting.stale && isOf(greeting)).length;
  }

  /**
   * For one more greeting. Stale ones give way no sooner than they are in its way: a server that takes so many
   * connections of a client refuses the next while those wait for their banner.
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

  /** A banner may take minutes, RFC 5321 §4.5.3.2.1; a server that is half dead should be asked anew sooner. */
  #patience(): number {
    return this.#isSilent ? 5 * GREETING_TIMEOUT : GREETING_TIMEOUT;
  }

  #lookAtSilence({ stage, reply }: DestinationTrouble, took: number): void {
    if (stage !== "greeting" || reply !== undefined || took < SILENCE) return;
    this.#isSilent = true;
    this.#silent(took);
  }
}
