import type { Conversation } from "../../ports/smtp-client.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";

/** How long it is kept for mail that is being claimed, in ms. */
const LINGER = 2000;

/**
 * The conversation that a probe began, for the first mail: a primary that takes one connection of a client at a time
 * may still count the probe's when the mail's comes.
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

  /** For whoever asks first, where it is still open. */
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
