/** Selects the part of the configuration that each room gets. */
import type { Config, Endpoint } from "../config/config.ts";
import type { CheckSettings } from "../ports/checks.ts";
import { hostPort, isUnspecified } from "../mail/network.ts";
import { connectionsWithin } from "../runtime/open-files.ts";
import { interfaceAddresses } from "../runtime/interfaces.ts";
import type { SmtpSettings } from "../endpoints/smtp/smtp.ts";
import type { DeliverySettings } from "../services/delivery/delivery.ts";

export function smtpSettings(config: Config, tls: SmtpSettings["tls"]): SmtpSettings {
  const { limits } = config.smtp;
  return {
    hostname: config.hostname,
    ...postmasterOf(config),
    listeners: config.smtp.listen,
    maxMessageSize: config.smtp.maxMessageSize,
    limits: { ...limits, connections: connectionsWithin(limits.connections) },
    stress: config.smtp.stress,
    longLines: config.smtp.longLines,
    rates: config.smtp.rates,
    ...(config.checks.contact !== undefined && { contact: config.checks.contact }),
    reusePort: config.smtp.threads > 1,
    greetDelay: config.smtp.greetDelay,
    greetAtOnce: config.smtp.greetAtOnce,
    traced: config.checks.trace,
    ...(tls !== undefined && { tls }),
  };
}

export function deliverySettings(config: Config): DeliverySettings {
  return {
    hostname: config.hostname,
    ownAddresses: config.smtp.listen.flatMap(endpointsOf),
    connections: config.delivery.connections,
    mailsPerConnection: config.delivery.mailsPerConnection,
    retention: config.retention,
    alertsOldest: config.alerts.oldest,
    notices: config.notices,
  };
}

/** Describes the route of notices to senders, for people. */
export function noticeRoute({ notices: { route } }: Config): string {
  return route.kind === "host" ? hostPort(route.host, route.port) : route.kind;
}

/** Returns the lists that count against clients. */
export function badClientZones(config: Config): readonly string[] {
  const { dnsbl } = config.checks;
  const lists = dnsbl === "off" ? [] : dnsbl.lists;
  return lists.filter(({ weight, action }) => weight > 0 || action !== undefined).map(({ zone }) => zone);
}

/** Returns every list of clients that any domain uses. */
export function listZones({ checks, domains }: Config): readonly string[] {
  return zonesOf([checks.dnsbl, ...domains.map(({ settings }) => settings.checks?.dnsbl)]);
}

export function zonesOf(used: readonly (CheckSettings["dnsbl"] | undefined)[]): readonly string[] {
  const lists = used.flatMap((dnsbl) => (dnsbl === undefined || dnsbl === "off" ? [] : dnsbl.lists));
  return [...new Set(lists.map(({ zone }) => zone))];
}

/** A listener on all addresses is reachable at each address of this machine. */
function endpointsOf({ address, port }: Endpoint): readonly Endpoint[] {
  if (!isUnspecified(address)) return [{ address, port }];
  return [{ address, port }, ...interfaceAddresses().map((own) => ({ address: own.address, port }))];
}

/**
 * `<postmaster>` must always be accepted (RFC 5321 §4.5.1), and we relay only to declared domains: if the configured
 * address is in another domain, or missing, the postmaster of the first declared domain is used.
 */
function postmasterOf({ postmaster, domains }: Config): { readonly postmaster?: string } {
  const names = domains.map(({ name }) => name);
  if (postmaster !== undefined && names.includes(postmaster.split("@").at(-1) ?? "")) return { postmaster };
  return names[0] === undefined ? {} : { postmaster: `postmaster@${names[0]}` };
}
