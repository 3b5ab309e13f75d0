import { isDeepStrictEqual } from "node:util";
import { defined } from "./defined.ts";
import type { Config, SmtpConfig } from "./shape.ts";

/** Keys that are read only when the daemon starts. All others take effect at a reload. */
export const RESTART_KEYS: Readonly<Record<string, (config: Config) => unknown>> = {
  hostname: (config) => config.hostname,
  storage: (config) => config.storage,
  "smtp.listen": (config) => config.smtp.listen,
  "smtp.threads": (config) => config.smtp.threads,
  "smtp.limits.bodyMemory": (config) => config.smtp.limits.bodyMemory,
  admin: (config) => config.admin,
  dns: (config) => config.dns,
  "delivery.connectTimeout": (config) => config.delivery.connectTimeout,
  alerts: (config) => config.alerts,
  log: (config) => config.log,
};

/** Returns the keys that changed but cannot take effect at a reload. */
export function restartKeys(before: Config, after: Config): readonly string[] {
  const changed = Object.entries(RESTART_KEYS)
    .filter(([, pick]) => !isDeepStrictEqual(pick(before), pick(after)))
    .map(([key]) => key);
  return tlsInForce(before.smtp, after.smtp) === after.smtp.tls ? changed : [...changed, "smtp.tls"];
}

/** A listener with implicit TLS stays open until the restart, and cannot do without a certificate. */
function tlsInForce(current: SmtpConfig, next: SmtpConfig): SmtpConfig["tls"] {
  return current.listen.some(({ tls }) => tls === "implicit") ? (next.tls ?? current.tls) : next.tls;
}

/** Returns `next`, but with the values of `current` for the keys that cannot take effect at a reload. */
export function keepStarted(current: Config, next: Config): Config {
  const { hostname, storage, admin, dns, alerts, log, smtp, delivery } = current;
  const limits = Object.freeze({ ...next.smtp.limits, bodyMemory: smtp.limits.bodyMemory });
  return Object.freeze({
    ...next,
    hostname,
    storage,
    admin,
    dns,
    alerts,
    log,
    smtp: Object.freeze(
      defined({
        ...next.smtp,
        limits,
        listen: smtp.listen,
        threads: smtp.threads,
        tls: tlsInForce(smtp, next.smtp),
      }),
    ),
    delivery: Object.freeze({ ...next.delivery, connectTimeout: delivery.connectTimeout }),
  });
}
