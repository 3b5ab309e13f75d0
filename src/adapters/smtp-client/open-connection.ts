import type { Socket } from "node:net";
import type { Connection, Conversation, Target } from "../../ports/smtp-client.ts";
import { DestinationTrouble } from "../../ports/smtp-client.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ConversationOptions, ConversationSettings } from "./conversation.ts";
import { WireConversation } from "./conversation.ts";
import { dial, hangUp } from "./dial.ts";
import type { Greeted } from "./handshake.ts";
import { handshake } from "./handshake.ts";
import type { LockStep } from "./lock-step.ts";
import type { Environment } from "../../runtime/secrets.ts";
import { Wire } from "./wire.ts";

/** Times in ms. */
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

interface ConnectionParts {
  readonly settings: SmtpClientSettings;
  readonly lockStep: LockStep;
}

/** Connects within `timeout` ms. Rejects with DestinationTrouble of stage `connect`. */
export async function openConnection(
  target: Target,
  timeout: number,
  parts: ConnectionParts,
): Promise<Connection> {
  const begun = performance.now();
  const socket = await dial(target, timeout);
  return new OpenConnection(socket, target, performance.now() - begun, parts);
}

class OpenConnection implements Connection {
  readonly target: Target;
  readonly took: number;
  readonly #socket: Socket;
  readonly #parts: ConnectionParts;
  #closed = false;

  constructor(socket: Socket, target: Target, took: number, parts: ConnectionParts) {
    this.target = target;
    this.took = took;
    this.#socket = socket;
    this.#parts = parts;
    // Whoever reads tells of it, too.
    socket.on("error", () => {});
    // What the peer says before anybody listens waits in the kernel.
    socket.pause();
  }

  async converse(greetingTimeout?: number): Promise<Conversation> {
    const { settings, lockStep } = this.#parts;
    const { target } = this;
    const greeting = greetingTimeout ?? settings.greeting;
    const { socket, capabilities } = await this.#greet({ ...settings, greeting });
    const options: ConversationOptions = {
      ...settings,
      ...target,
      ...(lockStep.holds(target) && { pipelining: "none" }),
      outOfStep: () => lockStep.remember(target),
    };
    return new WireConversation(new Wire(socket, settings.clock), capabilities, options);
  }

  close(): void {
    this.#closed = true;
    hangUp(this.#socket);
  }

  async #greet(settings: SmtpClientSettings): Promise<Greeted> {
    const { target } = this;
    const { greeting: timeout, environment = {} } = settings;
    const attempt = (socket: Socket, clear: boolean): Promise<Greeted> =>
      handshake(socket, target, { ...settings, timeout, environment, clear });
    try {
      return await attempt(this.#socket, false);
    } catch (error) {
      const failedTls = error instanceof DestinationTrouble && error.stage === "tls";
      if (!failedTls || target.tls !== "opportunistic" || this.#closed) throw error;
      return attempt(await dial(target, settings.connect), true);
    }
  }
}
