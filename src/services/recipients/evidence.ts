import { isPermanent, type Reply } from "../../mail/reply.ts";
import { needsSmtpUtf8, parseAddress } from "../../mail/address.ts";
import type { Journal } from "../../ports/journal.ts";
import type { RecipientMemory } from "../../ports/recipient-memory.ts";
import type { Clock } from "../../runtime/clock.ts";
import { ACCEPTED_FOR } from "./ages.ts";
import type { CalloutWay } from "./callout-line.ts";

interface EvidenceParts {
  readonly memory: RecipientMemory;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: () => number;
}

/** For how long the acceptance of a known recipient makes refusals credible, in ms. */
const WITNESS_FOR = 5 * 60_000;
/** For how long the result of an invented address is valid, in ms. */
const TRIED_FOR = 24 * 3_600_000;

/** What is known of one domain at one primary since the primary last came up. In elapsed time. */
interface Standing {
  readonly epoch: number;
  /** When a known recipient was last accepted. */
  witnessedAt: number;
  /** When an invented address was last tried. */
  triedAt: number;
  takesAll: boolean;
}

/** Knows whether the replies of primaries about mailboxes are credible. After an outage, nothing is known. */
export class Evidence {
  readonly #parts: EvidenceParts;
  readonly #standings = new Map<string, Map<string, Standing>>();

  constructor(parts: EvidenceParts) {
    this.#parts = parts;
  }

  witnessed(domain: string, way: CalloutWay): void {
    this.#of(domain, way).witnessedAt = this.#parts.clock.elapsed();
  }

  /** Returns whether a known recipient was accepted recently. */
  fresh(domain: string, way: CalloutWay): boolean {
    return this.#parts.clock.elapsed() - this.#of(domain, way).witnessedAt <= WITNESS_FOR;
  }

  /** Returns a recipient that must exist: the last accepted one, or postmaster. Undefined while `fresh`. */
  witness(domain: string, way: CalloutWay): string | undefined {
    if (this.fresh(domain, way)) return undefined;
    const { memory, clock } = this.#parts;
    const key = memory.lastAccepted(domain, clock.now() - ACCEPTED_FOR) ?? "";
    const address = parseAddress(key);
    const usable = address !== undefined && !needsSmtpUtf8(key);
    return usable ? address.text : `postmaster@${domain}`;
  }

  accepted(key: string): boolean {
    const { memory, clock } = this.#parts;
    const at = memory.find(key).accepted?.at ?? -Infinity;
    return clock.now() - at <= ACCEPTED_FOR;
  }

  takesAll(domain: string, way: CalloutWay): boolean {
    return this.#counts(this.#of(domain, way));
  }

  /** The domains for which the primary accepts every address. */
  acceptAll({ name, epoch }: Pick<CalloutWay, "name" | "epoch">): readonly string[] {
    const found = [...(this.#standings.get(name) ?? [])];
    return found.flatMap(([domain, standing]) =>
      standing.epoch === epoch && this.#counts(standing) ? [domain] : [],
    );
  }

  /** Returns a random address that does not exist, to see if the primary accepts it. Undefined if that is known. */
  invented(domain: string, way: CalloutWay): string | undefined {
    const { random, clock } = this.#parts;
    if (clock.elapsed() - this.#of(domain, way).triedAt < TRIED_FOR) return undefined;
    const letters = Array.from({ length: 20 }, () => Math.floor(random() * 36).toString(36));
    return `${letters.join("")}@${domain}`;
  }

  /** Notes the reply of the primary to an invented address. */
  tried(domain: string, way: CalloutWay, said: Reply | undefined): void {
    if (said === undefined || (said.code >= 400 && !isPermanent(said))) return;
    const standing = this.#of(domain, way);
    const takesAll = said.code < 300;
    if (takesAll && !standing.takesAll)
      this.#parts.journal.record({ kind: "primary.acceptAll", destination: way.name, domain });
    Object.assign(standing, { takesAll, triedAt: this.#parts.clock.elapsed() });
  }

  #counts({ takesAll, triedAt }: Standing): boolean {
    return takesAll && this.#parts.clock.elapsed() - triedAt < TRIED_FOR;
  }

  #of(domain: string, { name, epoch }: CalloutWay): Standing {
    const standings = this.#standings.get(name) ?? new Map<string, Standing>();
    this.#standings.set(name, standings);
    const known = standings.get(domain);
    if (known?.epoch === epoch) return known;
    const fresh = { epoch, witnessedAt: -Infinity, triedAt: -Infinity, takesAll: false };
    standings.set(domain, fresh);
    return fresh;
  }
}
