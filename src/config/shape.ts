import type { CheckSettings } from "../ports/checks.ts";
import type { DeclaredDomain } from "../ports/directory.ts";
import type { NoticeSettings } from "../ports/dsn.ts";
import type { SmtpLimits, SmtpRates, SmtpStress } from "../ports/smtp-limits.ts";
import type { LogLevel } from "../runtime/log.ts";

/** What the operator wrote, checked, with defaults filled in; deep frozen. Times in ms, sizes in bytes. */
export interface Config {
  /** Absolute path that it was read from. */
  readonly file: string;
  /** A-labels, lower case. */
  readonly hostname: string;
  /** Address that `<postmaster>` and postmaster@hostname go to. */
  readonly postmaster?: string;
  readonly storage: Storage;
  readonly smtp: SmtpConfig;
  readonly admin: AdminConfig;
  /** `address:port` each, IPv6 in brackets; empty: the system's. */
  readonly dns: { readonly servers: readonly string[] };
  readonly store: { readonly reserve: Reserve };
  readonly retention: Retention;
  readonly delivery: DeliveryConfig;
  readonly notices: NoticeSettings;
  readonly alerts: AlertsConfig;
  /** No file: standard output. */
  readonly log: { readonly level: LogLevel; readonly file?: string };
  readonly checks: Checks;
  readonly domains: readonly DeclaredDomain[];
}

interface Storage {
  readonly kind: "sqlite";
  /** Absolute. */
  readonly folder: string;
}

export interface Endpoint {
  /** IP address without brackets, as the system writes it. */
  readonly address: string;
  readonly port: number;
}

interface Listener extends Endpoint {
  readonly tls: "starttls" | "implicit";
  /** Networks that send PROXY headers, as `address/prefix`. */
  readonly proxy: readonly string[];
  /** Networks that may send XCLIENT. */
  readonly xclient: readonly string[];
}

/** Absolute paths of PEM files. */
interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
  /** Instead of those in the certificate; lower case, `*.example.net` for one label more. */
  readonly names?: readonly string[];
}

export interface SmtpConfig {
  readonly listen: readonly Listener[];
  /** The first is for clients that ask for none of the names. */
  readonly tls?: readonly CertificateFiles[];
  readonly threads: number;
  readonly maxMessageSize: number;
  readonly greetDelay: number;
  /** Networks that never wait for the greeting. */
  readonly greetAtOnce: readonly string[];
  readonly limits: SmtpLimits;
  readonly stress: SmtpStress;
  readonly longLines: "accept" | "reject";
  readonly rates: SmtpRates;
}

export interface AdminConfig {
  readonly listen?: Endpoint;
  /** Absolute path of the Unix socket. */
  readonly socket: string;
}

export type Reserve = { readonly percent: number } | { readonly bytes: number };

interface Retention {
  readonly waiting: number;
  readonly parked: number;
  readonly refusedContent: number;
  readonly quarantine: number;
  readonly ledger: number;
  readonly trace: number;
  readonly traceSize: number;
}

interface DeliveryConfig {
  /** At most, to one primary. */
  readonly connections: number;
  readonly mailsPerConnection: number;
  readonly connectTimeout: number;
}

export interface AlertsConfig {
  readonly webhook?: string;
  /** Program and arguments, run without a shell. */
  readonly command?: readonly string[];
  /** Age of waiting mail from which it is worth an alert. */
  readonly oldest: number;
}

export type Checks = CheckSettings & { readonly trace: boolean };
