/** Builds the configuration that the rest of Holdfast gets: with absolute paths and computed defaults, frozen. */
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { defined } from "./defined.ts";
import { dnsblSettings } from "./dnsbl-schema.ts";
import { clamavSettings, rspamdSettings } from "./scanner-schema.ts";
import { declare } from "./domains.ts";
import { socketPath } from "./locate.ts";
import type { ListedRecipients } from "./read-list.ts";
import type { RecipientSource } from "./recipients-schema.ts";
import type { Parsed, ParsedDomain } from "./schema.ts";
import type { AdminConfig, AlertsConfig, Checks, Config, SmtpConfig } from "./shape.ts";
import type { Transport } from "../ports/directory.ts";
import type { NoticeSettings } from "../ports/dsn.ts";
import type { SmtpLimits, SmtpRateCaps, SmtpRates } from "../ports/smtp-limits.ts";

export function buildConfig(
  file: string,
  parsed: Parsed,
  listed: ReadonlyMap<string, ListedRecipients>,
): Config {
  const folder = dirname(file);
  const domains = Object.entries(parsed.domains).map(([name, settings]) =>
    declare(name, withPaths(settings, folder), { listed: listed.get(name), checks: parsed.checks }),
  );
  const config = defined({
    file,
    hostname: parsed.hostname,
    postmaster: parsed.postmaster,
    storage: { kind: "sqlite" as const, folder: resolve(parsed.storage) },
    smtp: smtpConfig(parsed.smtp, folder),
    admin: adminConfig(parsed),
    dns: parsed.dns,
    store: parsed.store,
    retention: parsed.retention,
    delivery: parsed.delivery,
    notices: noticesConfig(parsed.notices, folder),
    alerts: alertsConfig(parsed.alerts, folder),
    log: defined({ level: parsed.log.level, file: parsed.log.file && resolve(parsed.log.file) }),
    checks: checksConfig(parsed),
    domains,
  });
  return deepFreeze(config);
}

/** Makes the paths of secret files absolute; relative ones start from the folder of the configuration. */
function withPaths(settings: ParsedDomain, folder: string): ParsedDomain {
  const { recipients } = settings;
  const primary = settings.primary.map((one) => withPasswordFile(one, folder));
  return { ...settings, primary, recipients: recipients && withListPaths(recipients, folder) };
}

function withPasswordFile<T extends Pick<Transport, "login">>(one: T, folder: string): T {
  const { login } = one;
  if (login?.passwordFile === undefined) return one;
  return { ...one, login: { ...login, passwordFile: resolve(folder, login.passwordFile) } };
}

function noticesConfig({ route, ...rest }: Parsed["notices"], folder: string): NoticeSettings {
  const way = route.kind === "host" ? withPasswordFile(route, folder) : route;
  return defined({ ...rest, route: way });
}

function withListPaths(source: RecipientSource, folder: string): RecipientSource {
  const { fetched } = source;
  const secret = fetched?.authorizationFile;
  return {
    ...source,
    fetched: fetched && defined({ ...fetched, authorizationFile: secret && resolve(folder, secret) }),
  };
}

function smtpConfig(smtp: Parsed["smtp"], folder: string): SmtpConfig {
  const files = smtp.tls?.map(({ certificate, key, names }) =>
    defined({ certificate: resolve(folder, certificate), key: resolve(folder, key), names }),
  );
  return defined({
    ...smtp,
    tls: files,
    threads: smtp.threads ?? Math.min(4, Math.max(1, availableParallelism() - 1)),
    limits: limitsConfig(smtp.limits),
    rates: ratesConfig(smtp.rates),
  });
}

function checksConfig({ checks }: Parsed): Checks {
  return defined({
    ...checks,
    dnsbl: dnsblSettings(checks.dnsbl),
    clamav: clamavSettings(checks.clamav),
    rspamd: rspamdSettings(checks.rspamd),
  });
}

function ratesConfig({ period, address, ...caps }: Parsed["smtp"]["rates"]): SmtpRates {
  const ofAddress = capsOf(address);
  const own = Object.keys(ofAddress).length === 0 ? undefined : ofAddress;
  return { period, ...capsOf(caps), ...defined({ address: own }) };
}

type Caps = Parsed["smtp"]["rates"]["address"];

function capsOf({ size, ...caps }: Caps): SmtpRateCaps {
  const given = Object.entries(caps).filter(([, cap]) => cap !== "off");
  const kibibytes = size === "off" ? undefined : Math.ceil(size / 1024);
  return { ...Object.fromEntries(given), ...defined({ kibibytes }) };
}

function limitsConfig({ connectionsPerAddress, ...limits }: Parsed["smtp"]["limits"]): SmtpLimits {
  return connectionsPerAddress === "off" ? limits : { ...limits, connectionsPerAddress };
}

function adminConfig({ admin, storage }: Parsed): AdminConfig {
  return defined({ listen: admin.listen, socket: socketPath(storage, admin.socket) });
}

/** A program name without a slash is searched in PATH; a relative path starts from the folder of the configuration. */
function alertsConfig({ command, ...rest }: Parsed["alerts"], folder: string): AlertsConfig {
  const [program = "", ...words] = command ?? [];
  const argv = command && [program.includes("/") ? resolve(folder, program) : program, ...words];
  return defined({ ...rest, command: argv });
}

/** Lists of texts are frozen without visiting their elements: visiting a million recipients would take seconds. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  if (Array.isArray(value) && typeof value[0] === "string") return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
}
