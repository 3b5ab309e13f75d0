/** What an operator sets for the SMTP side; frozen values, a transaction keeps those that it began with. */
import type { SmtpLimits, SmtpRates, SmtpStress } from "../../ports/smtp-limits.ts";

export interface SmtpListener {
  readonly address: string;
  readonly port: number;
  readonly tls: "starttls" | "implicit";
  /** Networks that put a PROXY header before each connection; others are turned away. Empty: nobody does. */
  readonly proxy?: readonly string[];
  /** Networks that may send XCLIENT. */
  readonly xclient?: readonly string[];
}

/** Certificate chain and key in PEM. */
export interface TlsMaterial {
  readonly certificate: string;
  readonly key: string;
  /** Whom it is shown to: names in lower case, `*.example.net` for one label more. */
  readonly names: readonly string[];
}

export interface SmtpSettings {
  /** Our name in A-labels, lower case. */
  readonly hostname: string;
  /** Where `<postmaster>` and `postmaster@hostname` go; works only in a domain of ours. */
  readonly postmaster?: string;
  readonly listeners: readonly SmtpListener[];
  /** Octets. */
  readonly maxMessageSize: number;
  readonly limits: SmtpLimits;
  readonly stress: SmtpStress;
  /** Lines of a body above 1,000 octets. */
  readonly longLines: "accept" | "reject";
  readonly rates: SmtpRates;
  /** Where clients can turn to that a rate refuses: ends the reply. */
  readonly contact?: string;
  /** Other threads listen on the same addresses. */
  readonly reusePort: boolean;
  /** How long a new client must hold its tongue before the greeting, in ms. */
  readonly greetDelay: number;
  /** Networks (`10.0.0.0/8`, `2001:db8::/32`, or one address) that never wait for it. */
  readonly greetAtOnce: readonly string[];
  /** The first is for clients that ask for none of the names. */
  readonly tls?: readonly TlsMaterial[];
  /** What checks said is told to the journal. */
  readonly traced: boolean;
}
