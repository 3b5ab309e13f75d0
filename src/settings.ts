/** What each room gets of the configuration. */
import type { Config } from "./config/config.ts";
import type { SmtpSettings } from "./endpoints/smtp/smtp.ts";
import type { DeliverySettings } from "./services/delivery/delivery.ts";

export type TlsMaterial = NonNullable<SmtpSettings["tls"]>;

export function smtpSettings(config: Config, tls: TlsMaterial | undefined): SmtpSettings {
  return {
    hostname: config.hostname,
    ...(config.postmaster !== undefined && { postmaster: config.postmaster }),
    listeners: config.smtp.listen,
    maxMessageSize: config.smtp.maxMessageSize,
    limits: config.smtp.limits,
    reusePort: config.smtp.threads > 1,
    greetDelay: config.smtp.greetDelay,
    ...(tls !== undefined && { tls }),
  };
}

export function deliverySettings(config: Config): DeliverySettings {
  return {
    hostname: config.hostname,
    ownAddresses: config.smtp.listen,
    connections: config.delivery.connections,
    mailsPerConnection: config.delivery.mailsPerConnection,
    retention: config.retention,
    alertsOldest: config.alerts.oldest,
  };
}
