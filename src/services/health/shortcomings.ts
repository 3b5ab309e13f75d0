import type { Journal } from "../../ports/journal.ts";
import type { Capabilities } from "../../ports/smtp-client.ts";
import { destinationName, type Destination } from "./reach.ts";

interface ShortcomingParts {
  readonly journal: Journal;
  readonly domains: () => readonly string[];
  /** Whether it offered TLS in its latest conversation, perhaps of an earlier process; undefined if not known yet. */
  readonly wasEncrypted: () => boolean | undefined;
}

/** A greeting of SLOW_GREETING ms or more makes a primary slow; one of less than QUICK_GREETING ms ends that. */
const SLOW_GREETING = 10_000;
const QUICK_GREETING = 3000;
/** The same limits for a mail of at most ORDINARY_SIZE octets. */
const SLOW_MAIL = 30_000;
const QUICK_MAIL = 10_000;
const ORDINARY_SIZE = 1_000_000;

/** Defects of a primary that accepts mail. Each is reported once, and again only if it had been mended meanwhile. */
export class Shortcomings {
  readonly #destination: Destination;
  readonly #parts: ShortcomingParts;
  /** Whether the last conversation was encrypted; undefined while neither that nor the past is known. */
  #encrypted: boolean | undefined;
  /** The last conversation did not offer the configured XFORWARD or XCLIENT. */
  #anonymous = false;
  #slow: { readonly since: number; readonly why: string } | undefined;

  constructor(destination: Destination, parts: ShortcomingParts) {
    this.#destination = destination;
    this.#parts = parts;
  }

  /** Since when the primary has been slow (ms since 1970), and the last observation of it; undefined if it is not. */
  get slow(): { readonly since: number; readonly why: string } | undefined {
    return this.#slow;
  }

  /** Checks what EHLO offered. Returns true if the remembered TLS history must be updated. */
  look(capabilities: Capabilities): boolean {
    const before = this.#encrypted ?? this.#parts.wasEncrypted();
    this.#lookAtTls(capabilities, before);
    this.#lookAtIdentity(capabilities);
    return this.#encrypted !== before;
  }

  /** `took`: ms from connecting to the end of EHLO. */
  greeted(took: number, now: number): void {
    if (took >= SLOW_GREETING) this.#becameSlow(`its greeting took ${seconds(took)}`, now);
    else if (took < QUICK_GREETING) this.#slow = undefined;
  }

  /** It accepted a connection and sent no greeting for `took` ms, the patience of a probe. */
  silent(took: number, now: number): void {
    this.#becameSlow(`it accepts connections but did not greet within ${seconds(took)}`, now);
  }

  /** `took`: ms from MAIL to the last reply of a mail of `size` octets. */
  answered(took: number, size: number, now: number): void {
    if (size > ORDINARY_SIZE) return;
    if (took >= SLOW_MAIL) this.#becameSlow(`a mail of ${size} octets took ${seconds(took)}`, now);
    else if (took < QUICK_MAIL && this.#slow?.why.startsWith("a mail") === true) this.#slow = undefined;
  }

  /** A primary that no longer offers TLS still gets mail if its `tls` setting allows that, but it is reported. */
  #lookAtTls({ tls, extensions }: Capabilities, before: boolean | undefined): void {
    // While the past is not known, the next conversation is checked again.
    this.#encrypted = tls === undefined && before === undefined ? undefined : tls !== undefined;
    if (tls !== undefined || before !== true) return;
    const why = extensions.includes("STARTTLS")
      ? "it offers TLS, but a TLS session can no longer be opened"
      : "it offered TLS before but no longer does";
    this.#tell("primary.weakened", `${why}; mail is sent unencrypted`);
  }

  /** The operator configured XFORWARD or XCLIENT, so a primary that does not offer it is reported, once. */
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
