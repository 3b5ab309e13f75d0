import type { Connection, Conversation, DestinationTrouble, Target } from "../../ports/smtp-client.ts";
import type { Destination, ReachParts } from "./reach.ts";
import { asTrouble, firstToAnswer, targetsOf } from "./reach.ts";
import { refusesUs } from "./state.ts";

/** For greeting and EHLO, in ms. */
const GREETING_TIMEOUT = 60_000;
/** A connection that ends without a greeting before this, in ms, is a broken server's, not a slow one's. */
const SILENCE = 50_000;
/** A greeting that hangs must not hide a server that came back meanwhile: in ms, and how many may hang. */
const GREETING_OVERLAP = 5000;
const MOST_GREETINGS = 3;

/** A greeting that is awaited. */
interface Awaited {
  readonly connection: Connection;
  /** Nobody listened since it was asked for: a server that came back may know nothing of its connection. */
  stale: boolean;
}

/** What a primary said to a probe. */
interface Greeted {
  readonly conversation: Conversation;
  /** Milliseconds from connecting to the end of EHLO. */
  readonly took: number;
}

/** Asks one primary over the network: whether it takes a connection, and where that is not enough, what it greets with. */
export class Prober {
  readonly #destination: Destination;
  readonly #parts: ReachParts;
  readonly #silent: (took: number) => void;
  /** The address that answered last. */
  #preferred: string | undefined;
  /** The oldest first. */
  readonly #greetings = new Set<Awaited>();
  #lastGreeting = 0;
  /** It took a connection and did not greet within a probe's patience: the next probe has more. */
  #isSilent = false;

  /** `silent` runs when it took a connection and said nothing in so many ms. */
  constructor(destination: Destination, parts: ReachParts, silent: (took: number) => void) {
    this.#destination = destination;
    this.#parts = parts;
    this.#silent = silent;
  }

  /** The address to connect to: the one that answered last, else the first. Rejects with DestinationTrouble. */
  async target(): Promise<Target> {
    const targets = await targetsOf(this.#destination, this.#parts);
    return targets.find(({ ip }) => ip === this.#preferred) ?? (targets[0] as Target);
  }

  /** A connection to the first of its addresses that takes one. Rejects with the trouble of the last one. */
  async knock(): Promise<Connection> {
    const targets = await targetsOf(this.#destination, this.#parts);
    try {
      const connection = await firstToAnswer(targets, this.#parts);
      this.#preferred = connection.target.ip;
      return connection;
    } catch (error) {
      for (const greeting of this.#greetings) greeting.stale = true;
      throw error;
    }
  }

  /**
   * Begins a session on what a knock opened, so that one connection is all that a probe asks for; undefined where
   * earlier ones hang. Rejects with DestinationTrouble.
   */
  async greet(connection: Connection): Promise<Greeted | undefined> {
    const { clock } = this.#parts;
    const begun = clock.now();
    if (!this.#makeRoom(begun)) {
      connection.close();
      return undefined;
    }
    const greeting: Awaited = { connection, stale: false };
    this.#greetings.add(greeting);
    this.#lastGreeting = begun;
    try {
      const conversation = await connection.converse(this.#patience());
      return { conversation, took: clock.now() - begun };
    } catch (error) {
      const trouble = asTrouble(error);
      const givenUp = !this.#greetings.has(greeting);
      // One connection too many beside the one that it lets wait.
      if (givenUp || (refusesUs(trouble) && this.#fresh > 1)) return undefined;
      this.#lookAtSilence(trouble, clock.now() - begun);
      throw trouble;
    } finally {
      this.#greetings.delete(greeting);
    }
  }

  /** It has greeted, a probe or a conversation with mail: others that are awaited tell nothing more. */
  greeted(): void {
    this.#isSilent = false;
    for (const greeting of this.#greetings) this.#giveUp(greeting);
  }

  get #fresh(): number {
    return [...this.#greetings].filter(({ stale }) => !stale).length;
  }

  /**
   * For one more greeting. Stale ones give way no sooner than they are in its way: a server that takes so many
   * connections of a client refuses the next while those wait for their banner.
   */
  #makeRoom(now: number): boolean {
    const fresh = this.#fresh;
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
