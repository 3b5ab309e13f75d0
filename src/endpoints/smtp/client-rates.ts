import type { Clock } from "../../runtime/clock.ts";
import type { Rated, RateRequest, RateTable } from "../../runtime/rate-table.ts";
import type { ConnectSubject } from "../../services/policy/policy.ts";
import { closing, say, type Answer } from "./answer.ts";
import type { SmtpSettings } from "./settings.ts";

const CONNECTIONS = closing(421, "4.7.0", "Too many connections from your network, try again later");
const MAILS = say(451, "4.7.1", "Too many mails from your network, try again later");
const RECIPIENTS = say(451, "4.7.1", "Too many recipients from your network, try again later");
const REFUSED = say(451, "4.7.1", "Too many refused recipients from your network, try again later");
const OCTETS = say(451, "4.7.1", "Too much mail from your network, try again later");

interface RateParts {
  readonly table: RateTable;
  readonly clock: Clock;
  readonly settings: () => SmtpSettings;
  /** Rates are checked, but nothing is counted. */
  readonly dry?: boolean;
}

/** Limits what one client address, and its network, may do in a period. What has no cap is not counted. */
export class ClientRates {
  readonly #parts: RateParts;

  constructor(parts: RateParts) {
    this.#parts = parts;
  }

  connection(client: ConnectSubject): Answer | undefined {
    return this.#take(client, "connections", 1) ? undefined : this.#refusal(CONNECTIONS);
  }

  mail(client: ConnectSubject): Answer | undefined {
    if (!this.#take(client, "kibibytes", 0)) return this.#refusal(OCTETS);
    return this.#take(client, "mails", 1) ? undefined : this.#refusal(MAILS);
  }

  recipient(client: ConnectSubject): Answer | undefined {
    if (!this.#take(client, "refusedRecipients", 0)) return this.#refusal(REFUSED);
    return this.#take(client, "recipients", 1) ? undefined : this.#refusal(RECIPIENTS);
  }

  recipientRefused(client: ConnectSubject): void {
    this.#count(client, "refusedRecipients", 1);
  }

  /** Counts the octets of a body that arrived completely, accepted or not. */
  body(client: ConnectSubject, octets: number): void {
    this.#count(client, "kibibytes", Math.ceil(octets / 1024));
  }

  /** Counts `amount`. Returns false if a cap is exceeded; with an amount of 0, if a cap is reached. */
  #take(client: ConnectSubject, what: Rated, amount: number): boolean {
    const requests = this.#requests(client, what, amount);
    if (requests === undefined) return true;
    const { table, dry } = this.#parts;
    if (dry !== true) return table.take(...requests);
    return requests.every((request) => table.count(request) + request.amount <= request.cap);
  }

  #count(client: ConnectSubject, what: Rated, amount: number): void {
    if (this.#parts.dry === true) return;
    const requests = this.#requests(client, what, amount);
    if (requests === undefined) return;
    this.#parts.table.take(...requests.map((request) => Object.assign(request, { cap: Infinity })));
  }

  /** The counters of the network and of the address. Undefined if neither has a cap. */
  #requests(client: ConnectSubject, what: Rated, amount: number): readonly RateRequest[] | undefined {
    const { rates } = this.#parts.settings();
    const [ofNetwork, ofAddress] = [rates[what], rates.address?.[what]];
    if ((ofNetwork ?? ofAddress) === undefined) return undefined;
    const period = Math.floor(this.#parts.clock.now() / rates.period);
    const request = (network: string, most: number): RateRequest => {
      return { network, what, amount, cap: amount === 0 ? most - 1 : most, period };
    };
    return [
      ...(ofNetwork === undefined ? [] : [request(client.network, ofNetwork)]),
      ...(ofAddress === undefined ? [] : [request(client.ip, ofAddress)]),
    ];
  }

  #refusal(answer: Answer): Answer {
    const { contact } = this.#parts.settings();
    if (contact === undefined) return answer;
    return { ...answer, reply: { ...answer.reply, text: `${answer.reply.text}; ${contact}` } };
  }
}
