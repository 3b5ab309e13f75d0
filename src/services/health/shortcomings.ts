import type { Journal } from "../../ports/journal.ts";
import type { Capabilities } from "../../ports/smtp-client.ts";
import { destinationName, type Destination } from "./reach.ts";

interface ShortcomingParts {
  readonly journal: Journal;
  readonly domains: () => readonly string[];
  /** It spoke TLS when an earlier process knew it; undefined while that is not known. */
  readonly wasEncrypted: () => boolean | undefined;
}

/** A greeting that takes SLOW_GREETING ms or longer is a tarpit's; one that takes less than QUICK_GREETING is not. */
const SLOW_GREETING = 10_000;
const QUICK_GREETING = 3000;
/** The same for a mail of up to ORDINARY_SIZE octets. */
const SLOW_MAIL = 30_000;
const QUICK_MAIL = 10_000;
const ORDINARY_SIZE = 1_000_000;

/** What a primary lacks although it takes mail; each is told once, and again when it was mended meanwhile. */
export class Shortcomings {
  readonly #destination: Destination;
  readonly #parts: ShortcomingParts;
  /** The last conversation was encrypted; undefined before the first. */
  #encrypted: boolean | undefined;
  /** The last conversation offered no way to tell of clients, though it should. */
  #anonymous = false;
  #slow: { readonly since: number; readonly why: string } | undefined;

  constructor(destination: Destination, parts: ShortcomingParts) {
    this.#destination = destination;
    this.#parts = parts;
  }

  /** It keeps us waiting, as tarpits do; since when, and how that showed. */
  get slow(): { readonly since: number; readonly why: string } | undefined {
    return this.#slow;
  }

  /** True: what is remembered of its TLS has changed. */
  look(capabilities: Capabilities): boolean {
    const before = this.#encrypted ?? this.#parts.wasEncrypted();
    this.#lookAtTls(capabilities, before);
    this.#lookAtIdentity(capabilities);
    return this.#encrypted !== undefined && this.#encrypted !== (before ?? false);
  }

  /** Milliseconds from connecting to the end of EHLO. */
  greeted(took: number, now: number): void {
    if (took >= SLOW_GREETING) this.#becameSlow(`its greeting took ${seconds(took)}`, now);
    else if (took < QUICK_GREETING) this.#slow = undefined;
  }

  /** It takes connections, and said nothing for as long as a probe waits, in ms. */
  silent(took: number, now: number): void {
    this.#becameSlow(`it accepts connections but did not greet within ${seconds(took)}`, now);
  }

  /** Milliseconds from MAIL to the last reply of a mail of so many octets. */
  answered(took: number, size: number, now: number): void {
    if (size > ORDINARY_SIZE) return;
    if (took >= SLOW_MAIL) this.#becameSlow(`a mail of ${size} octets took ${seconds(took)}`, now);
    else if (took < QUICK_MAIL && this.#slow?.why.startsWith("a mail") === true) this.#slow = undefined;
  }

  /** A primary that spoke TLS and offers none any more is served, where the level allows it, and told of. */
  #lookAtTls({ tls }: Capabilities, before: boolean | undefined): void {
    // While what was before is not known, the next conversation is looked at again.
    this.#encrypted = tls === undefined && before === undefined ? undefined : tls !== undefined;
    if (tls === undefined && before === true)
      this.#tell("primary.weakened", "it offered TLS before but no longer does; mail is sent unencrypted");
  }

  /** The operator counts on it; told once. */
  #lookAtIdentity({ attributes = {} }: Capabilities): void {
    const { identity = "headers" } = this.#destination;
    const missing = identity !== "headers" && attributes[identity.toUpperCase()] === undefined;
    if (missing && !this.#anonymous)
      this.#tell(
        "primary.weakened",
        `it does not offer us ${identity.toUpperCase()}; it learns about clients from header fields only`,
      );
    this.#anonymous = missing;
  }

  #becameSlow(why: string, now: number): void {
    if (this.#slow === undefined) this.#tell("primary.slow", why);
    this.#slow = { since: this.#slow?.since ?? now, why };
  }

  #tell(kind: "primary.weakened" | "primary.slow", why: string): void {
    const destination = destinationName(this.#destination);
    this.#parts.journal.record({ kind, destination, domains: this.#parts.domains(), why });
  }
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 1000)} s`;
}
