/** What is the same with every peer. Times in ms. */
import type { Clock } from "../../runtime/clock.ts";
import type { Environment } from "../../runtime/secrets.ts";

export interface ConversationSettings {
  /** For the peer to take some octets of the body. */
  readonly block: number;
  /** For the reply to the final dot. */
  readonly final: number;
  /** Our EHLO name. */
  readonly hostname: string;
}

export interface SmtpClientSettings extends ConversationSettings {
  /** Moves the waits for replies; connecting, greeting and TLS are timed by the system. */
  readonly clock: Clock;
  /** For the TCP connection. */
  readonly connect: number;
  /** For the greeting and for each reply up to the last EHLO. */
  readonly greeting: number;
  /** Trust anchors in PEM for level `verify`; absent: the system's. */
  readonly ca?: string;
  /** Where `login.passwordEnv` is looked for; absent: nowhere. */
  readonly environment?: Environment;
}

/** RFC 5321 §4.5.3.2. */
export const CLIENT_TIMEOUTS = {
  connect: 30_000,
  greeting: 5 * 60_000,
  block: 3 * 60_000,
  final: 10 * 60_000,
} as const;
