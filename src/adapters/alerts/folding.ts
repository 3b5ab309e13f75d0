import type { Alert } from "../../ports/alerts.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";

/** How long further alerts of the same family and subject are only counted, in ms. */
const FOLD = 600_000;
/** Changes of state that are sent at once within one fold. */
const MAX_CHANGES = 4;
/** Folds remembered at a time; beyond that alerts are sent without folding. */
const MAX_FOLDS = 1000;

/** The ten minutes after an alert about one subject was sent. */
interface Fold {
  last: Alert;
  /** Alerts raised since the last one that was sent. */
  count: number;
  changes: number;
  readonly timer: Timer;
}

/** `repeated`: how many alerts about the subject were not sent before this one. */
type Send = (alert: Alert, repeated: number) => void;

/** Decides which alerts are sent at once and which are only counted for a while. */
export class Folding {
  readonly #clock: Clock;
  readonly #send: Send;
  readonly #folds = new Map<string, Fold>();

  constructor(clock: Clock, send: Send) {
    this.#clock = clock;
    this.#send = send;
  }

  add(alert: Alert): void {
    const key = JSON.stringify([familyOf(alert.name), alert.subject]);
    const fold = this.#folds.get(key);
    if (fold === undefined) {
      if (this.#folds.size < MAX_FOLDS) this.#begin(key, alert);
      return this.#send(alert, 0);
    }
    const changed = alert.name !== fold.last.name && fold.changes < MAX_CHANGES;
    fold.last = alert;
    fold.count = changed ? 0 : fold.count + 1;
    if (!changed) return;
    fold.changes += 1;
    this.#send(alert, 0);
  }

  clear(): void {
    for (const { timer } of this.#folds.values()) timer.cancel();
    this.#folds.clear();
  }

  #begin(key: string, alert: Alert): void {
    const timer = this.#clock.after(FOLD, () => this.#end(key));
    this.#folds.set(key, { last: alert, count: 0, changes: 0, timer });
  }

  #end(key: string): void {
    const { last, count } = this.#folds.get(key) as Fold;
    this.#folds.delete(key);
    if (count === 0) return;
    this.#begin(key, last);
    this.#send(last, count);
  }
}

/** Alerts that report the state of a subject: a later one replaces the earlier ones of the same family. */
const STATES =
  /^(?:primary\.(?:down|up|loop)|store\.(?:ok|full|sick|ballast|stuck)|(?:probation|scanner|quota|thread)\.)/;

/** Returns the common prefix of alerts that report one state (`primary.`); any other name is its own family. */
export function familyOf(name: string): string {
  return STATES.test(name) ? name.slice(0, name.indexOf(".") + 1) : name;
}
