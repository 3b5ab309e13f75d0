/** One connection's place in the process-wide count, and the address that it counts for. */
import { clientNetwork, normaliseIp } from "../../mail/network.ts";
import type { SmtpLimits } from "../../ports/smtp-limits.ts";
import type { ConnectionTable, Ticket } from "../../runtime/connection-table.ts";
import { closing, type Answer } from "./answer.ts";

/** By the cap that was reached. */
const REFUSALS = {
  total: closing(421, "4.7.0", "Too many connections, try again later"),
  client: closing(421, "4.7.0", "Too many connections from your network, try again later"),
  address: closing(421, "4.7.0", "Too many connections from your address, try again later"),
};

export class Place {
  /** Who is served: the peer, or whom a trusted peer has named. */
  ip: string;
  /** That is a peer which may speak for others, and has named nobody: what it does is no single client's doing. */
  trusted = false;
  readonly #table: ConnectionTable;
  #ticket: Ticket | undefined;

  constructor(table: ConnectionTable, ip: string) {
    this.#table = table;
    this.ip = ip;
  }

  /** Counts the connection for `ip` from here on; the refusal when a cap is reached, and then it is not counted. */
  take(ip: string, limits: SmtpLimits, trusted = false): Answer | undefined {
    this.giveBack();
    this.ip = ip;
    this.trusted = trusted;
    const { connections } = limits;
    const caps = trusted ? { connections, connectionsPerClient: connections } : limits;
    const admission = this.#table.admit(clientNetwork(ip), caps, normaliseIp(ip));
    if (admission.kind === "refused") return REFUSALS[admission.why];
    this.#ticket = admission.ticket;
    return undefined;
  }

  /** Harmless when there is nothing to give back. */
  giveBack(): void {
    if (this.#ticket !== undefined) this.#table.release(this.#ticket);
    this.#ticket = undefined;
  }
}
