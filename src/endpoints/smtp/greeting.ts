/**
 * How long a client must wait for the greeting without sending anything, RFC 5321 §4.3.1: junk senders send at once.
 * Clients that waited and then delivered a mail, and networks that the operator names, are greeted at once.
 */
import { networkSet } from "../../mail/network.ts";
import type { Clock } from "../../runtime/clock.ts";
import { KnownClients } from "../../runtime/known-clients.ts";
import type { ConnectSubject } from "../../services/policy/policy.ts";
import type { SmtpSettings } from "./settings.ts";

/** How long a client is remembered, in ms: 7 days. */
const REMEMBERED = 7 * 86_400_000;

export class Greeting {
  readonly #known: KnownClients;
  readonly #clock: Clock;
  readonly #settings: () => SmtpSettings;
  #networks: readonly string[] = [];
  #exempt = networkSet([]);

  /** `memory` comes from `knownClientsMemory` and serves all threads. */
  constructor(memory: SharedArrayBuffer, clock: Clock, settings: () => SmtpSettings) {
    this.#known = new KnownClients(memory, REMEMBERED);
    this.#clock = clock;
    this.#settings = settings;
  }

  /** Time that this client must wait for the greeting, in ms. */
  delay({ ip, network }: ConnectSubject): number {
    const { greetDelay, greetAtOnce } = this.#settings();
    if (greetDelay === 0 || this.#known.knows(network, this.#clock.now())) return 0;
    return this.#isExempt(ip, greetAtOnce) ? 0 : greetDelay;
  }

  /** Remembers that the client has delivered a mail. */
  delivered({ network }: ConnectSubject): void {
    // If the wait is off, the client has not waited.
    if (this.#settings().greetDelay > 0) this.#known.remember(network, this.#clock.now());
  }

  #isExempt(ip: string, networks: readonly string[]): boolean {
    if (networks.length === 0) return false;
    if (networks !== this.#networks) {
      this.#networks = networks;
      this.#exempt = networkSet(networks);
    }
    return this.#exempt(ip);
  }
}
