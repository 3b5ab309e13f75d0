/**
 * Alerts the operator out of band, by webhook and by command.
 *
 * Alerts wait in a bounded queue for each channel and are sent one at a time, in order. An alert that is repeated for
 * the same subject within ten minutes is counted instead of sent. A change (down, up) is sent at once, up to four
 * times in ten minutes. At the end of the ten minutes, the last alert that was only counted is sent with the count, so
 * that the operator's last alert shows the present state. Of each kind, twenty subjects in ten minutes are sent
 * individually, all others together.
 *
 * Invariants: raising an alert never throws and never waits; a channel's failure is logged and affects nothing else;
 * all state is bounded.
 */
import type { Alert, Alerter } from "../../ports/alerts.ts";
import type { Clock } from "../../runtime/clock.ts";
import { fetchTrouble } from "../../runtime/fetch-trouble.ts";
import type { Logger } from "../../runtime/log.ts";
import { Bursts } from "./bursts.ts";
import { Folding } from "./folding.ts";
import { command, webhook, type Channel, type Message } from "./channels.ts";

export { alertFor } from "./alert-for.ts";

interface AlertOptions {
  /** http or https URL. */
  readonly webhook?: string;
  /** A program and its arguments, started without a shell. */
  readonly command?: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}

/** Alerts that may wait for one slow channel; beyond that the oldest is dropped and logged. */
const MAX_WAITING = 100;
/** How long `stop` waits for messages that are being sent, in ms. */
const GRACE = 2000;

/** Starts the configured channels. Without a channel, alerts go nowhere. */
export function startAlerts(options: AlertOptions): Alerts {
  return new Alerts(options);
}

class Alerts implements Alerter {
  readonly #clock: Clock;
  readonly #outlets: readonly Outlet[];
  readonly #bursts: Bursts;
  readonly #folding: Folding;

  constructor({ webhook: url, command: argv, clock, log }: AlertOptions) {
    this.#clock = clock;
    this.#bursts = new Bursts(clock, (alert, repeated) => this.#send(alert, repeated));
    this.#folding = new Folding(clock, (alert, repeated) => this.#bursts.add(alert, repeated));
    this.#outlets = [
      ...(url === undefined ? [] : [new Outlet("webhook", webhook(url, clock), log)]),
      ...(argv === undefined ? [] : [new Outlet("command", command(argv, clock), log)]),
    ];
  }

  raise(alert: Alert): void {
    this.#folding.add(alert);
  }

  /** Discards the alerts that wait; resolves when no message is being sent any more, after 2 s at the latest. */
  async stop(): Promise<void> {
    this.#folding.clear();
    this.#bursts.clear();
    const patience = Promise.withResolvers<void>();
    const timer = this.#clock.after(GRACE, patience.resolve);
    await Promise.race([patience.promise, Promise.all(this.#outlets.map((outlet) => outlet.stop()))]);
    timer.cancel();
  }

  #send({ name, subject, text, at, facts }: Alert, repeated: number): void {
    const time = new Date(at).toISOString();
    const message: Message = {
      alert: name,
      subject,
      text,
      at: time,
      facts,
      ...(repeated > 0 && { repeated }),
    };
    for (const outlet of this.#outlets) outlet.add(message);
  }
}

/** One channel and the messages that wait for it. */
class Outlet {
  readonly #name: string;
  readonly #channel: Channel;
  readonly #log: Logger;
  #waiting: Message[] = [];
  #sending: Promise<void> | undefined;

  constructor(name: string, channel: Channel, log: Logger) {
    this.#name = name;
    this.#channel = channel;
    this.#log = log;
  }

  add(message: Message): void {
    this.#waiting.push(message);
    if (this.#waiting.length > MAX_WAITING) this.#failed(this.#waiting.shift(), "too many alerts wait");
    this.#sending ??= this.#work();
  }

  async stop(): Promise<void> {
    this.#waiting = [];
    await this.#sending;
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        await this.#channel(next);
      } catch (error) {
        this.#failed(next, fetchTrouble(error));
      }
    }
    this.#sending = undefined;
  }

  #failed(message: Message | undefined, error: string): void {
    this.#log.warn("alert not sent", {
      channel: this.#name,
      alert: message?.alert,
      subject: message?.subject,
      error,
    });
  }
}
