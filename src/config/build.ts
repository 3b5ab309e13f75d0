/** The configuration as the rest of Holdfast gets it: paths absolute, computed defaults filled in, frozen. */
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { dnsblSettings } from "./dnsbl-schema.ts";
import { clamavSettings, rspamdSettings } from "./scanner-schema.ts";
import { declare } from "./domains.ts";
import { socketPath } from "./locate.ts";
import type { Parsed, ParsedDomain } from "./schema.ts";
import type { AdminConfig, AlertsConfig, Checks, Config, SmtpConfig } from "./shape.ts";
import type { SmtpRates } from "../ports/smtp-limits.ts";

export function buildConfig(
  file: string,
  parsed: Parsed,
  recipients: ReadonlyMap<string, readonly string[]>,
): Config {
  const folder = dirname(file);
  const domains = Object.entries(parsed.domains).map(([name, settings]) =>
    declare(name, withPaths(settings, folder), { recipients: recipients.get(name), checks: parsed.checks }),
  );
  return deepFreeze({
    file,
    hostname: parsed.hostname,
    ...present("postmaster", parsed.postmaster),
    storage: { kind: "sqlite", folder: resolve(parsed.storage) },
    smtp: smtpConfig(parsed.smtp, folder),
    admin: adminConfig(parsed),
    dns: parsed.dns,
    store: parsed.store,
    retention: parsed.retention,
    delivery: parsed.delivery,
    alerts: alertsConfig(parsed.alerts, folder),
    log: { level: parsed.log.level, ...present("file", parsed.log.file && resolve(parsed.log.file)) },
    checks: checksConfig(parsed),
    domains,
  });
}

/** Files of passwords start from the folder of the configuration. */
function withPaths(settings: ParsedDomain, folder: string): ParsedDomain {
  const primary = settings.primary.map((one) => {
    const { login } = one;
    if (login?.passwordFile === undefined) return one;
    return Object.assign(one, { login: { ...login, passwordFile: resolve(folder, login.passwordFile) } });
  });
  return { ...settings, primary };
}

/** A key that is left out when it has no value. */
function present<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };
}

function smtpConfig(smtp: Parsed["smtp"], folder: string): SmtpConfig {
  const { tls } = smtp;
  const files = tls && { certificate: resolve(folder, tls.certificate), key: resolve(folder, tls.key) };
  return {
    listen: smtp.listen,
    ...present("tls", files),
    threads: smtp.threads ?? Math.min(4, Math.max(1, availableParallelism() - 1)),
    maxMessageSize: smtp.maxMessageSize,
    greetDelay: smtp.greetDelay,
    greetAtOnce: smtp.greetAtOnce,
    limits: smtp.limits,
    rates: ratesConfig(smtp.rates),
  };
}

function checksConfig({ checks: { contact, access, dnsbl, clamav, rspamd, ...rest } }: Parsed): Checks {
  return {
    ...present("contact", contact),
    ...present("access", access),
    dnsbl: dnsblSettings(dnsbl),
    clamav: clamavSettings(clamav),
    rspamd: rspamdSettings(rspamd),
    ...rest,
  };
}

function ratesConfig({ period, size, ...caps }: Parsed["smtp"]["rates"]): SmtpRates {
  const given = Object.entries(caps).filter(([, cap]) => cap !== "off");
  const kibibytes = size === "off" ? undefined : Math.ceil(size / 1024);
  return { period, ...Object.fromEntries(given), ...present("kibibytes", kibibytes) };
}

function adminConfig({ admin, storage }: Parsed): AdminConfig {
  return { ...present("listen", admin.listen), socket: socketPath(storage, admin.socket) };
}

/** A bare program name is looked for in PATH, a path starts from the folder of the configuration. */
function alertsConfig({ webhook, command, oldest }: Parsed["alerts"], folder: string): AlertsConfig {
  const [program = "", ...rest] = command ?? [];
  const argv = command && [program.includes("/") ? resolve(folder, program) : program, ...rest];
  return { ...present("webhook", webhook), ...present("command", argv), oldest };
}

/** Lists of texts are frozen as a whole: looking at each of a million recipients would take seconds. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  if (Array.isArray(value) && typeof value[0] === "string") return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
}
