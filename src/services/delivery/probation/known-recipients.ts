import { hasForeignCapitals, parseAddress } from "../../../mail/address.ts";
import type { DirectoryReader, DomainRecord } from "../../../ports/directory.ts";
import { refusedSingly, type SendResult } from "../../../ports/smtp-client.ts";
import type { ClaimedMail, WorkStore } from "../../../ports/work-store.ts";
import type { Clock } from "../../../runtime/clock.ts";
import { errorText, type Logger } from "../../../runtime/log.ts";
import { ACCEPTED_FOR, isListedByName } from "../../recipients/recipients.ts";

export interface KnownRecipientsParts {
  readonly store: Pick<WorkStore, "accepted">;
  readonly directory: Pick<DirectoryReader, "recipient">;
  readonly log: Logger;
  readonly clock: Clock;
}

const NOBODY: ReadonlySet<number> = new Set();

/**
 * The recipients that certainly exist, in the given spelling: listed by name, or accepted by the domain's primary
 * within 31 days.
 */
export class KnownRecipients {
  readonly #parts: KnownRecipientsParts;

  constructor(parts: KnownRecipientsParts) {
    this.#parts = parts;
  }

  /** Which of these addresses exist. Rejects if the store fails. */
  async among(record: DomainRecord | undefined, addresses: readonly string[]): Promise<ReadonlySet<string>> {
    const plain = addresses.filter((address) => !hasForeignCapitals(address));
    const known = new Set(plain.filter((address) => this.#isListed(record, address)));
    const unlisted = plain.filter((address) => !known.has(address));
    if (unlisted.length === 0) return known;
    const { store, clock } = this.#parts;
    const from = clock.now() - ACCEPTED_FOR;
    for (const [address, at] of await store.accepted(unlisted)) if (at >= from) known.add(address);
    return known;
  }

  /**
   * Which of the recipients that were refused singly exist. If the lookup fails, all count as existing: their mail is
   * then held, and not lost.
   */
  async refused(
    record: DomainRecord | undefined,
    mail: ClaimedMail,
    result: SendResult,
  ): Promise<ReadonlySet<number>> {
    const singly = refusedSingly(result);
    const refused = mail.recipients.filter(({ n }) => singly.has(n));
    if (refused.length === 0) return NOBODY;
    const addresses = refused.map(({ address }) => address);
    try {
      const known = await this.among(record, addresses);
      return new Set(refused.filter(({ address }) => known.has(address)).map(({ n }) => n));
    } catch (error) {
      this.#parts.log.warn("accepted addresses could not be looked up", { error: errorText(error) });
      return new Set(refused.map(({ n }) => n));
    }
  }

  #isListed(record: DomainRecord | undefined, text: string): boolean {
    const address = parseAddress(text);
    if (record === undefined || address === undefined) return false;
    return isListedByName(this.#parts.directory, record, address);
  }
}
