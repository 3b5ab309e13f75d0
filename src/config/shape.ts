import type { CheckSettings } from "../ports/checks.ts";
import type { DeclaredDomain } from "../ports/directory.ts";
import type { NoticeSettings } from "../ports/dsn.ts";
import type { SmtpLimits, SmtpRates, SmtpStress } from "../ports/smtp-limits.ts";
import type { LogLevel } from "../runtime/log.ts";

/** The operator's configuration, checked, with defaults filled in; deep frozen. Times in ms, sizes in bytes. */
export interface Config {
  /** Absolute path of the configuration file. */
  readonly file: string;
  /** A-labels, lower case. */
  readonly hostname: string;
  /** Address that gets the mail for `<postmaster>` and postmaster@hostname. */
  readonly postmaster?: string;
  readonly storage: Storage;
  readonly smtp: SmtpConfig;
  readonly admin: AdminConfig;
  /** `address:port` each, IPv6 in brackets; if empty, the system's servers are used. */
  readonly dns: { readonly servers: readonly string[] };
  readonly store: { readonly reserve: Reserve };
  readonly retention: Retention;
  readonly delivery: DeliveryConfig;
  readonly notices: NoticeSettings;
  readonly alerts: AlertsConfig;
  /** Without a file, the log goes to standard output. */
  readonly log: { readonly level: LogLevel; readonly file?: string };
  readonly checks: Checks;
  readonly domains: readonly DeclaredDomain[];
}

interface Storage {
  readonly kind: "sqlite";
  /** Absolute path. */
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
  /** Replaces the names in the certificate; lower case; `*.` stands for one label. */
  readonly names?: readonly string[];
}

export interface SmtpConfig {
  readonly listen: readonly Listener[];
  /** The first is shown to clients that request none of the names. */
  readonly tls?: readonly CertificateFiles[];
  readonly threads: number;
  readonly maxMessageSize: number;
  readonly greetDelay: number;
  /** Networks that are greeted without delay. */
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
  /** Most connections to one primary. */
  readonly connections: number;
  readonly mailsPerConnection: number;
  readonly connectTimeout: number;
}

export interface AlertsConfig {
  readonly webhook?: string;
  /** Program and arguments, run without a shell. */
  readonly command?: readonly string[];
  /** Ms; waiting mail of this age raises an alert. */
  readonly oldest: number;
}

export type Checks = CheckSettings & { readonly trace: boolean };
