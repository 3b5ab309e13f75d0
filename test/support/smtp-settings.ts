/** Settings of the SMTP side for tests: no limit that an ordinary session meets. */
import type { SmtpSettings } from "../../src/endpoints/smtp/smtp.ts";
import type { SmtpLimits, SmtpStress } from "../../src/ports/smtp-limits.ts";
import { domainSettings } from "./domain-settings.ts";

export const LIMITS: SmtpLimits = {
  commandTimeout: 300_000,
  handshakeTimeout: 60_000,
  proxyTimeout: 10_000,
  commandLine: 4096,
  dataTimeout: 180_000,
  minDataRate: 500,
  commands: 1000,
  commandsWithoutMail: 100,
  refusedRecipients: 10,
  recipients: 1000,
  connections: 10_000,
  connectionsPerClient: 10_000,
  mailsPerConnection: 1000,
  headerSize: 1024 * 1024,
  headerFields: 5000,
  received: 100,
  ownReceived: 5,
  errors: 20,
  bodyMemory: 64 * 1024 * 1024,
  memory: 2 ** 40,
};

/** For walks that no limit is to end. */
export const NO_LIMITS = {
  errors: 1e9,
  commands: 1e9,
  commandsWithoutMail: 1e9,
  refusedRecipients: 1e9,
  mailsPerConnection: 1e9,
};

export const STRESS: SmtpStress = {
  begins: 0.8,
  ends: 0.7,
  commandTimeout: 10_000,
  dataTimeout: 30_000,
  commandsWithoutMail: 20,
  refusedRecipients: 3,
  errors: 3,
  networkShare: 0.05,
};

export const SETTINGS: SmtpSettings = {
  hostname: "mx.us",
  postmaster: "admin@our.test",
  listeners: [{ address: "127.0.0.1", port: 0, tls: "starttls" }],
  maxMessageSize: 1024 * 1024,
  limits: LIMITS,
  stress: STRESS,
  longLines: "accept",
  reusePort: false,
  rates: { period: 600_000 },
  greetDelay: 0,
  greetAtOnce: [],
  traced: true,
};

export const DOMAIN = domainSettings({
  host: "127.0.0.1",
  port: 2526,
  tls: "opportunistic",
  preference: 10,
});
