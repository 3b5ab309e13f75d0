import type { Conversation } from "../../ports/smtp-client.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";

/** How long the conversation stays open for mail that is being claimed, in ms. */
const LINGER = 2000;

/**
 * Keeps the conversation that a probe opened for the first mail. A primary that allows one connection per client may
 * still count a closed one of the probe, and would reject a new one.
 */
export class SpareConversation {
  readonly #clock: Clock;
  #conversation: Conversation | undefined;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  keep(conversation: Conversation): void {
    this.end();
    this.#conversation = conversation;
    this.#timer = this.#clock.after(LINGER, () => this.end());
  }

  /** Returns the conversation if it is still open, and keeps it no longer. */
  take(): Conversation | undefined {
    if (this.#conversation?.phase !== "idle") this.end();
    const taken = this.#conversation;
    this.#forget();
    return taken;
  }

  end(): void {
    void this.#conversation?.quit();
    this.#forget();
  }

  #forget(): void {
    this.#timer?.cancel();
    this.#conversation = undefined;
  }
}
