/** Alerts to the operator, out of band: what happened, in one sentence, with numbers. */

export interface Alert {
  /** Stable name such as `primary.down`. */
  readonly name: string;
  /** The destination, the domain or the store that the alert concerns. */
  readonly subject: string;
  readonly text: string;
  /** Ms since 1970. */
  readonly at: number;
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface Alerter {
  /** Never throws, never waits; failures to alert are logged. */
  raise(alert: Alert): void;
}
