import { type Clock, steadyClock, type Timer } from "../../../runtime/clock.ts";
import type { Destination } from "../../health/health.ts";
import type { PoolSettings } from "../ground/parts.ts";
import { depthOf } from "./capacity.ts";
import { Pace } from "./pace.ts";
import { Ramp, type Passed } from "./ramp.ts";

/** How much one primary gets at present: by the settings, by its own limits, and by what it has borne so far. */
export class Allowance {
  readonly #ramp = new Ramp();
  readonly #destination: Destination;
  readonly #settings: () => PoolSettings;
  readonly #clock: Clock;
  readonly #pace = new Pace();
  readonly #goOn: () => void;
  /** Runs out when the pace allows the next mail. */
  #pause: Timer | undefined;
  /** Mails that a connection took at once, last time. */
  window = 1;

  /** `goOn` runs when a mail may begin that might not before. */
  constructor(destination: Destination, settings: () => PoolSettings, clock: Clock, goOn: () => void) {
    this.#destination = destination;
    this.#settings = settings;
    this.#clock = steadyClock(clock);
    this.#goOn = goOn;
  }

  /** The next mail goes alone: none has passed since the start or the last outage. */
  get canary(): boolean {
    return this.#ramp.canary;
  }

  /** Connections allowed. */
  get limit(): number {
    return this.#ramp.limit(this.#most, this.#clock.now());
  }

  get mailsPerConnection(): number {
    return this.#destination.mailsPerConnection ?? this.#settings().mailsPerConnection;
  }

  /** Mails in flight on a connection that takes `window`. */
  depth(window = this.window): number {
    return depthOf(window, this.limit);
  }

  /** Mails that may be claimed ahead without lying about for long. */
  get ahead(): number {
    return 2 * (this.#destination.mailsPerSecond ?? Infinity);
  }

  /** Whether the pace that the primary bears allows one more mail to begin. */
  mayBegin(): boolean {
    const { mailsPerSecond } = this.#destination;
    if (mailsPerSecond === undefined) return true;
    if (this.#pause !== undefined) return false;
    const wait = this.#pace.take(mailsPerSecond, this.#clock.now());
    if (wait === 0) return true;
    this.#pause = this.#clock.after(wait, () => {
      this.#pause = undefined;
      this.#goOn();
    });
    return false;
  }

  /** It went away: it is to prove itself from the beginning. */
  reset(): void {
    this.#ramp.reset();
  }

  /** One mail passed without trouble for the destination. */
  pass(passed: Passed): void {
    this.#ramp.pass(this.#most, passed, this.#clock.now());
  }

  /** It ended a session by 421: it gets half of what it had. */
  halve(): void {
    this.#ramp.halve(this.#most, this.#clock.now());
  }

  /** It refused one more connection while `open` others worked: that is what it bears. */
  cap(open: number): void {
    this.#ramp.cap(open, this.#clock.now());
  }

  get #most(): number {
    return this.#destination.connections ?? this.#settings().connections;
  }
}
