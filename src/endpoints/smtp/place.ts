/** One connection's entry in the process-wide count of connections, and the client address that it counts for. */
import { clientNetwork, normaliseIp } from "../../mail/network.ts";
import type { SmtpLimits } from "../../ports/smtp-limits.ts";
import type { ConnectionTable, Ticket } from "../../runtime/connection-table.ts";
import { closing, type Answer } from "./answer.ts";

/** The refusal for each cap that may be reached. */
const REFUSALS = {
  total: closing(421, "4.7.0", "Too many connections, try again later"),
  client: closing(421, "4.7.0", "Too many connections from your network, try again later"),
  address: closing(421, "4.7.0", "Too many connections from your address, try again later"),
};

export class Place {
  /** The address of the client: the peer, or the client that a trusted peer has named. */
  ip: string;
  /** The peer may name its clients and has not named one yet, so that limits for a single client do not apply. */
  trusted = false;
  readonly #table: ConnectionTable;
  #ticket: Ticket | undefined;

  constructor(table: ConnectionTable, ip: string) {
    this.#table = table;
    this.ip = ip;
  }

  /** Counts the connection for `ip` from now on. Returns a refusal, and counts nothing, if a cap is reached. */
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

  /** Releases the entry. Does nothing if there is none. */
  giveBack(): void {
    if (this.#ticket !== undefined) this.#table.release(this.#ticket);
    this.#ticket = undefined;
  }
}
