import type { Alert } from "../../ports/alerts.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";

/** How long alerts of one subject are folded, in ms. */
const FOLD = 600_000;
/** Changes of one subject sent at once within a fold. */
const MAX_CHANGES = 4;
/** Subjects remembered; beyond it alerts are sent without folding. */
const MAX_FOLDS = 1000;

/** Ten minutes of one subject. */
interface Fold {
  last: Alert;
  /** Raised and not sent since the last that was. */
  count: number;
  changes: number;
  readonly timer: Timer;
}

/** `repeated` is how often it was raised and not sent. */
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

/** Those that tell the state of a subject: only the last of them is true. */
const STATES =
  /^(?:primary\.(?:down|up|loop)|store\.(?:ok|full|sick|ballast|stuck)|(?:probation|scanner|quota|thread)\.)/;

/** Alerts that tell one state of one subject; each other name stands for itself. */
export function familyOf(name: string): string {
  return STATES.test(name) ? name.slice(0, name.indexOf(".") + 1) : name;
}
