import type { Socket } from "node:net";
import {
  DestinationTrouble,
  type Connection,
  type Conversation,
  type Target,
} from "../../ports/smtp-client.ts";
import { WireConversation, type ConversationOptions } from "./conversation.ts";
import { dial, hangUp } from "./dial.ts";
import { handshake, type Greeted } from "./handshake.ts";
import type { LockStep } from "./lock-step.ts";
import type { SmtpClientSettings } from "./settings.ts";
import { Wire } from "./wire.ts";

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
  /** The socket of the session. */
  #socket: Socket;
  readonly #parts: ConnectionParts;
  #closed = false;

  constructor(socket: Socket, target: Target, took: number, parts: ConnectionParts) {
    this.target = target;
    this.took = took;
    this.#socket = harmless(socket);
    this.#parts = parts;
    // Octets that arrive before the session begins wait in the kernel.
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
      this.#socket = harmless(await dial(target, settings.connect));
      if (!this.#closed) return attempt(this.#socket, true);
      hangUp(this.#socket);
      throw error;
    }
  }
}

/** Adds a listener so that a socket error does not end the process; the reader of the socket handles it as well. */
function harmless(socket: Socket): Socket {
  return socket.on("error", () => {});
}
