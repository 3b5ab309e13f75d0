/** Settings that are the same for every peer. Times in ms. */
import type { Clock } from "../../runtime/clock.ts";
import type { Environment } from "../../runtime/secrets.ts";

export interface ConversationSettings {
  /** Longest wait until the peer takes some octets of the body. */
  readonly block: number;
  /** Longest wait for the reply to the final dot. */
  readonly final: number;
  /** Our EHLO name. */
  readonly hostname: string;
}

export interface SmtpClientSettings extends ConversationSettings {
  /** The clock for waits for replies; connecting, greeting and TLS use the system's timers. */
  readonly clock: Clock;
  /** Longest wait for the TCP connection. */
  readonly connect: number;
  /** Longest wait for the greeting, and for each reply up to the last EHLO. */
  readonly greeting: number;
  /** Trust anchors in PEM for level `verify`; absent: the system's. */
  readonly ca?: string;
  /** The environment that contains `login.passwordEnv`; absent: empty. */
  readonly environment?: Environment;
}

/** RFC 5321 §4.5.3.2. */
export const CLIENT_TIMEOUTS = {
  connect: 30_000,
  greeting: 5 * 60_000,
  block: 3 * 60_000,
  final: 10 * 60_000,
} as const;
