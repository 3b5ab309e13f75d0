/**
 * Which recipients exist in a domain: not a plain list, but knowledge with an origin and an age. Asked at every RCPT.
 *
 * `Known` looks an address up on the caller's own thread, in this order: `postmaster` always exists; a refusal by the
 * primary within 2 h, which overrides the lists; the local part as given (exact, then `prefix-*`) in the declared, the
 * fetched and the API list; the local part without its tag; an acceptance by the primary within 31 d, if the domain has
 * callouts; the catch-all. `Recipients` decides: an unknown address is refused if the lists are complete. If the domain
 * has callouts, its primary is asked, and while that gives no result, `unknownDuringOutage` decides.
 *
 * `Callouts` asks and `learn`s on the delivery thread, for all threads.
 *
 * Invariants: an answer never changes the address; local parts are compared without case; a mailbox that is listed or
 * was accepted recently gets 4xx in the first day of refusals, so that a half-restored primary costs nobody mail; no
 * question waits longer than LONGEST_WAIT; if the result is not known in time, the answer is 4xx or the operator's
 * choice, never 5xx by default.
 */
import type { Address } from "../../mail/address.ts";
import type { DirectoryReader, DomainRecord } from "../../ports/directory.ts";
import type { Later } from "../../runtime/at-once.ts";
import { admit, type Admission, type RecipientParts } from "./admission.ts";
import { Known } from "./known.ts";

export type { Admission, RecipientParts } from "./admission.ts";
export { ACCEPTED_FOR } from "./ages.ts";
export { Callouts } from "./callouts.ts";
export type { CalloutWay } from "./callout-line.ts";
export { Fetches } from "./fetches.ts";
export type { FetchStatus } from "./fetches.ts";
export { isListedByName, Known, spellings } from "./known.ts";
export { takeStranger } from "./strangers.ts";

export class Recipients {
  readonly #known: Known;
  readonly #parts: RecipientParts;

  constructor(directory: Pick<DirectoryReader, "recipient">, parts: RecipientParts) {
    this.#known = new Known(directory, parts);
    this.#parts = parts;
  }

  /** Decides on a recipient that a client names. Synchronous unless the primary must be asked. */
  admit(domain: DomainRecord, address: Address, network: string): Later<Admission> {
    return admit({ domain, address, network, found: this.#known.find(domain, address) }, this.#parts);
  }
}
