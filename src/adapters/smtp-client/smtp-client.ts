/**
 * The SMTP client: TCP, greeting, EHLO and STARTTLS (by nodemailer), then mails one after another over our own
 * small transaction engine, because it must be known exactly whether a final dot had left when a connection broke.
 *
 * TLS levels: `none` never; `opportunistic` STARTTLS when offered, unverified, and when the handshake fails the
 * session is dialled again in clear; `require` TLS, unverified; `verify` TLS with a certificate that fits the name;
 * `pin` TLS with a certificate or key that is named. AUTH goes over TLS only, after the pins were compared.
 *
 * Invariants: the body goes out as it is stored, only dots are doubled, and CRLF is added where it does not end
 * with one. Eight-bit bodies are sent as they are to peers without 8BITMIME, because converting would break
 * signatures. Each reply is bounded in octets and in time. A 421 is trouble of the destination, whatever it answers.
 */
import type { Conversation, SmtpClient, Target } from "../../ports/smtp-client.ts";
import { DestinationTrouble } from "../../ports/smtp-client.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ConversationLimits } from "./conversation.ts";
import { WireConversation } from "./conversation.ts";
import { dial, knock } from "./dial.ts";
import type { Greeted } from "./handshake.ts";
import { handshake } from "./handshake.ts";
import { LockStep } from "./lock-step.ts";
import type { Environment } from "./login.ts";
import { Wire } from "./wire.ts";

export { dsnComposer } from "./compose-dsn.ts";

/** Times in ms. */
interface SmtpClientSettings extends ConversationLimits {
  /** Moves the waits for replies; connecting, greeting and TLS are timed by the system. */
  readonly clock: Clock;
  /** Our EHLO name. */
  readonly hostname: string;
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
const CLIENT_TIMEOUTS = {
  connect: 30_000,
  greeting: 5 * 60_000,
  block: 3 * 60_000,
  final: 10 * 60_000,
} as const;

/** Makes a client that introduces itself as `hostname`. */
export function smtpClient(
  settings: Partial<SmtpClientSettings> & Pick<SmtpClientSettings, "hostname" | "clock">,
): SmtpClient {
  const all: SmtpClientSettings = { ...CLIENT_TIMEOUTS, ...settings };
  const lockStep = new LockStep(all.clock);
  return {
    knock,
    converse: (target, greeting = all.greeting) => {
      const outOfStep = (): void => lockStep.remember(target);
      const asked = lockStep.holds(target) ? { ...target, pipelining: "none" as const } : target;
      return converse(asked, { ...all, greeting, outOfStep });
    },
  };
}

async function converse(target: Target, settings: SmtpClientSettings): Promise<Conversation> {
  const { socket, capabilities } = await greet(target, settings);
  const { identity, pipelining, chunking } = target;
  const limits = {
    ...settings,
    ...(identity !== undefined && { identity }),
    ...(pipelining !== undefined && { pipelining }),
    ...(chunking !== undefined && { chunking }),
  };
  return new WireConversation(new Wire(socket, settings.clock), capabilities, limits);
}

async function greet(target: Target, settings: SmtpClientSettings): Promise<Greeted> {
  const attempt = async (clear: boolean): Promise<Greeted> => {
    const socket = await dial(target, settings.connect);
    const { greeting: timeout, environment = {} } = settings;
    return handshake(socket, target, { ...settings, timeout, environment, clear });
  };
  try {
    return await attempt(false);
  } catch (error) {
    const failedTls = error instanceof DestinationTrouble && error.stage === "tls";
    if (!failedTls || target.tls !== "opportunistic") throw error;
    return attempt(true);
  }
}
