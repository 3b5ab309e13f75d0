import type { Clock } from "../../runtime/clock.ts";
import type { Rated, RateTable } from "../../runtime/rates.ts";
import type { Answer } from "./answer.ts";
import { part, say } from "./answer.ts";
import type { SmtpSettings } from "./settings.ts";

const CONNECTIONS = part(421, "4.7.0", "Too many connections from your network, try again later");
const MAILS = say(451, "4.7.1", "Too many mails from your network, try again later");
const RECIPIENTS = say(451, "4.7.1", "Too many recipients from your network, try again later");
const REFUSED = say(451, "4.7.1", "Too many refused recipients from your network, try again later");
const OCTETS = say(451, "4.7.1", "Too much mail from your network, try again later");

export interface RateParts {
  readonly table: RateTable;
  readonly clock: Clock;
  readonly settings: () => SmtpSettings;
  /** Only looks: nothing is counted. */
  readonly dry?: boolean;
}

/** What one client network may do in a period; nothing is counted that has no cap. */
export class ClientRates {
  readonly #parts: RateParts;

  constructor(parts: RateParts) {
    this.#parts = parts;
  }

  connection(network: string): Answer | undefined {
    return this.#take(network, "connections", 1) ? undefined : CONNECTIONS;
  }

  mail(network: string): Answer | undefined {
    if (!this.#take(network, "kibibytes", 0)) return OCTETS;
    return this.#take(network, "mails", 1) ? undefined : MAILS;
  }

  recipient(network: string): Answer | undefined {
    if (!this.#take(network, "refusedRecipients", 0)) return REFUSED;
    return this.#take(network, "recipients", 1) ? undefined : RECIPIENTS;
  }

  recipientRefused(network: string): void {
    this.#count(network, "refusedRecipients", 1);
  }

  /** Octets of a body that came in whole, taken or not. */
  body(network: string, octets: number): void {
    this.#count(network, "kibibytes", Math.ceil(octets / 1024));
  }

  /** With an amount of 0: whether the cap is not reached yet. */
  #take(network: string, what: Rated, amount: number): boolean {
    const { rates } = this.#parts.settings();
    const most = rates?.[what];
    if (rates === undefined || most === undefined) return true;
    const cap = amount === 0 ? most - 1 : most;
    const period = this.#period(rates.period);
    const { table, dry } = this.#parts;
    if (dry === true) return table.count({ network, what, period }) + amount <= cap;
    return table.take({ network, what, amount, cap, period });
  }

  #count(network: string, what: Rated, amount: number): void {
    const { rates } = this.#parts.settings();
    if (rates?.[what] === undefined || this.#parts.dry === true) return;
    this.#parts.table.take({ network, what, amount, cap: Infinity, period: this.#period(rates.period) });
  }

  #period(length: number): number {
    return Math.floor(this.#parts.clock.now() / length);
  }
}
