/**
 * Checks whether senders can find this server (its name, port and certificate, the MX records of each domain) and
 * whether this server can find the primaries. A rehearsal (services/delivery) tests the primaries themselves.
 *
 * Invariants: it only queries the DNS, opens no other connection and changes nothing. A query without an answer is a
 * warning, never a failure, because it reveals nothing about the record. The number of queries for one call is bounded,
 * whatever the DNS answers. If a record would correct a problem, the result contains that record.
 */
import type { DirectoryReader } from "../../ports/directory.ts";
import type { RecordSource, Resolver } from "../../ports/resolver.ts";
import type { Clock } from "../../runtime/clock.ts";
import { mxFindings } from "./mx-records.ts";
import type { Finding } from "./finding.ts";
import { primaryFindings } from "./primaries.ts";
import { certificateFindings, portFindings, transportPolicyFindings } from "./own-door.ts";
import { nameFindings } from "./own-name.ts";
import { recipientFindings } from "./recipients.ts";
import type { Self } from "./self.ts";

export type { Finding } from "./finding.ts";
export type { Self } from "./self.ts";

interface DoctorParts {
  /** Returns a resolver with an empty cache, so that an operator sees a corrected record at once. */
  readonly dns: () => Resolver & RecordSource;
  readonly self: () => Self;
  readonly clock: Clock;
  readonly directory: Pick<DirectoryReader, "generation" | "domain">;
  /** Whether any list of the domain has an entry. */
  readonly hasRecipients: (domain: string) => Promise<boolean>;
}

export class Doctor {
  readonly #parts: DoctorParts;

  constructor(parts: DoctorParts) {
    this.#parts = parts;
  }

  /** Checks how others see this server. */
  async server(): Promise<readonly Finding[]> {
    const { dns, clock } = this.#parts;
    const self = this.#parts.self();
    return [
      ...(await nameFindings(self, dns())),
      ...portFindings(self),
      ...certificateFindings(self, clock.now()),
    ];
  }

  /** Checks whether mail for a domain arrives here, is accepted and finds its primary; undefined if it is not ours. */
  async domain(name: string): Promise<readonly Finding[] | undefined> {
    const { directory, hasRecipients } = this.#parts;
    const record = directory.domain(name, directory.generation());
    if (record === undefined) return undefined;
    const [self, dns] = [this.#parts.self(), this.#parts.dns()];
    const [exchanges, primaries, policy, listed] = await Promise.all([
      mxFindings(record, self, dns),
      primaryFindings(record, self, dns),
      transportPolicyFindings(name, self, dns),
      hasRecipients(name),
    ]);
    return [...exchanges, ...primaries, ...recipientFindings(record, listed), ...policy];
  }
}
