import type { Alert } from "../../ports/alerts.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { familyOf } from "./folding.ts";

/** Alerts of one family that are sent individually within one window. */
const ONE_BY_ONE = 20;
/** Length of a window, in ms. */
const WINDOW = 600_000;
/** How long further alerts are collected before they are sent as one, in ms. */
const GATHER = 60_000;
/** Most subjects that are collected, and most of them that are listed in the facts. */
const MAX_GATHERED = 10_000;
const NAMED = 100;
/** Subjects named in the sentence. */
const IN_WORDS = 3;

interface Burst {
  sent: number;
  /** The last alert about each subject, if it was not sent yet. */
  more: Map<string, Alert>;
  /** All timers of this window, including those that have fired. */
  readonly timers: Timer[];
}

type Send = (alert: Alert, repeated: number) => void;

/**
 * Limits alerts when one cause concerns many subjects: a broken uplink makes thousands of primaries unreachable, an
 * outage makes the mail of thousands of domains old. The first alerts of a family are sent individually, all others
 * together once a minute.
 */
export class Bursts {
  readonly #clock: Clock;
  readonly #send: Send;
  readonly #bursts = new Map<string, Burst>();

  constructor(clock: Clock, send: Send) {
    this.#clock = clock;
    this.#send = send;
  }

  add(alert: Alert, repeated: number): void {
    const burst = this.#burstOf(familyOf(alert.name));
    if (burst.sent < ONE_BY_ONE) {
      burst.sent += 1;
      return this.#send(alert, repeated);
    }
    if (burst.more.size === 0) this.#after(GATHER, burst, () => this.#tell(burst));
    if (burst.more.size < MAX_GATHERED || burst.more.has(alert.subject)) burst.more.set(alert.subject, alert);
  }

  clear(): void {
    for (const { timers } of this.#bursts.values()) for (const timer of timers) timer.cancel();
    this.#bursts.clear();
  }

  #burstOf(family: string): Burst {
    const known = this.#bursts.get(family);
    if (known !== undefined) return known;
    const burst: Burst = { sent: 0, more: new Map(), timers: [] };
    this.#bursts.set(family, burst);
    this.#after(WINDOW, burst, () => this.#end(family, burst));
    return burst;
  }

  #after(delay: number, { timers }: Burst, act: () => void): void {
    timers.push(this.#clock.after(delay, act));
  }

  #end(family: string, burst: Burst): void {
    this.#bursts.delete(family);
    for (const timer of burst.timers) timer.cancel();
    this.#tell(burst);
  }

  #tell(burst: Burst): void {
    const byName = Map.groupBy(burst.more.values(), ({ name }) => name);
    burst.more = new Map();
    for (const alerts of byName.values()) this.#send(together(alerts, this.#clock.now()), 0);
  }
}

/** Quotes the first alert in full, so that the sentence alone says what happened to the others, too. */
function together(alerts: readonly Alert[], at: number): Alert {
  const [first, ...others] = alerts as readonly [Alert, ...Alert[]];
  if (others.length === 0) return first;
  const rest = others.length > IN_WORDS ? ` and ${others.length - IN_WORDS} more` : "";
  const named = others.slice(0, IN_WORDS).map(({ subject }) => subject);
  return {
    name: first.name,
    subject: `${alerts.length} others`,
    text: `${first.text} The same of ${named.join(", ")}${rest}, as many came at once; the log has each.`,
    at,
    facts: { count: alerts.length, subjects: alerts.slice(0, NAMED).map(({ subject }) => subject) },
  };
}
