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
  #greetings = 0;
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
    const connection = await firstToAnswer(await targetsOf(this.#destination, this.#parts), this.#parts);
    this.#preferred = connection.target.ip;
    return connection;
  }

  /**
   * Begins a session on what a knock opened, so that one connection is all that a probe asks for; undefined where
   * earlier ones hang. Rejects with DestinationTrouble.
   */
  async greet(connection: Connection): Promise<Greeted | undefined> {
    const { clock } = this.#parts;
    const begun = clock.now();
    const busy = this.#greetings > 0 && begun - this.#lastGreeting < GREETING_OVERLAP;
    if (busy || this.#greetings >= MOST_GREETINGS) {
      connection.close();
      return undefined;
    }
    this.#greetings += 1;
    this.#lastGreeting = begun;
    try {
      const conversation = await connection.converse(this.#patience());
      return { conversation, took: clock.now() - begun };
    } catch (error) {
      const trouble = asTrouble(error);
      // One connection too many beside the one that it lets wait.
      if (refusesUs(trouble) && this.#greetings > 1) return undefined;
      this.#lookAtSilence(trouble, clock.now() - begun);
      throw trouble;
    } finally {
      this.#greetings -= 1;
    }
  }

  /** It has greeted, a probe or a conversation with mail. */
  greeted(): void {
    this.#isSilent = false;
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
