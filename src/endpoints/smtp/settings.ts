/** The operator's settings of the SMTP server. They are never modified; a transaction keeps those it began with. */
import type { SmtpLimits, SmtpRates, SmtpStress } from "../../ports/smtp-limits.ts";

export interface SmtpListener {
  readonly address: string;
  readonly port: number;
  readonly tls: "starttls" | "implicit";
  /** Networks that send a PROXY header at the start of each connection; all others are refused. Empty: no proxy. */
  readonly proxy?: readonly string[];
  /** Networks that may send XCLIENT. */
  readonly xclient?: readonly string[];
}

/** Certificate chain and key in PEM. */
export interface TlsMaterial {
  readonly certificate: string;
  readonly key: string;
  /** The server names that it is for, in lower case. `*.example.net` stands for one label more. */
  readonly names: readonly string[];
}

export interface SmtpSettings {
  /** The name of this server in A-labels, lower case. */
  readonly hostname: string;
  /** The recipient of mail for `<postmaster>` and `postmaster@hostname`. It must be in one of our domains. */
  readonly postmaster?: string;
  readonly listeners: readonly SmtpListener[];
  /** Octets. */
  readonly maxMessageSize: number;
  readonly limits: SmtpLimits;
  readonly stress: SmtpStress;
  /** Lines of a body above 1,000 octets. */
  readonly longLines: "accept" | "reject";
  readonly rates: SmtpRates;
  /** Contact for clients that are refused because of a rate. It is put at the end of the reply. */
  readonly contact?: string;
  /** Other threads listen on the same addresses. */
  readonly reusePort: boolean;
  /** How long a new client must wait for the greeting without sending anything, in ms. */
  readonly greetDelay: number;
  /** Networks (`10.0.0.0/8`, `2001:db8::/32`, or one address) that are greeted without delay. */
  readonly greetAtOnce: readonly string[];
  /** The first one is for clients that ask for none of the names. */
  readonly tls?: readonly TlsMaterial[];
  /** Results of the checks are journalled. */
  readonly traced: boolean;
}
