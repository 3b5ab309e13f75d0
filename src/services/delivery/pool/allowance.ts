import { type Clock, steadyClock, type Timer } from "../../../runtime/clock.ts";
import type { Destination } from "../../health/health.ts";
import type { PoolSettings } from "../ground/parts.ts";
import { depthOf } from "./capacity.ts";
import { Pace } from "./pace.ts";
import { Ramp, type Passed } from "./ramp.ts";

/** How much mail one primary gets at present: limited by the settings, by its own limits, and by its load. */
export class Allowance {
  readonly #ramp = new Ramp();
  readonly #destination: Destination;
  readonly #settings: () => PoolSettings;
  readonly #clock: Clock;
  readonly #pace = new Pace();
  readonly #goOn: () => void;
  /** Set while the pace does not allow another mail; ends when it does. */
  #pause: Timer | undefined;
  /** How many mails the latest connection accepts at once. */
  window = 1;

  /** `goOn` is called when the pace allows a mail again. */
  constructor(destination: Destination, settings: () => PoolSettings, clock: Clock, goOn: () => void) {
    this.#destination = destination;
    this.#settings = settings;
    this.#clock = steadyClock(clock);
    this.#goOn = goOn;
  }

  /** Whether the next mail goes alone: none has been answered since the start or the last outage. */
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

  /** How many mails may be in flight on a connection that accepts `window` at once. */
  depth(window = this.window): number {
    return depthOf(window, this.limit);
  }

  /** How many mails may be claimed ahead: those of two seconds at the primary's pace. */
  get ahead(): number {
    return 2 * (this.#destination.mailsPerSecond ?? Infinity);
  }

  /** Whether the primary's `mailsPerSecond` allows one more mail to begin. */
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

  /** Called when the primary went away: it starts again with one mail. */
  reset(): void {
    this.#ramp.reset();
  }

  /** Called when one mail was answered without trouble for the destination. */
  pass(passed: Passed): void {
    this.#ramp.pass(this.#most, passed, this.#clock.now());
  }

  /** Called when the primary ended a session with 421: halves its connections. */
  halve(): void {
    this.#ramp.halve(this.#most, this.#clock.now());
  }

  /** Called when the primary refused one more connection while `open` others worked: limits it to these. */
  cap(open: number): void {
    this.#ramp.cap(open, this.#clock.now());
  }

  get #most(): number {
    return this.#destination.connections ?? this.#settings().connections;
  }
}
