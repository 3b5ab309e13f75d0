import { isPositive } from "../../mail/reply.ts";
import type { Capabilities } from "../../ports/smtp-client.ts";
import type { ClaimedMail } from "../../ports/work-store.ts";
import { Closing, whileOpen } from "./envelope.ts";
import { sameClient, xclientLine } from "./identity.ts";
import { OutOfStep, RSET, RSET_TIMEOUT } from "./marks.ts";
import type { ConversationSettings } from "./settings.ts";
import type { Turn } from "./turn.ts";
import type { Wire } from "./wire.ts";

/** `block`: for each reply, ms. */
type ClientOverrideSettings = Pick<ConversationSettings, "block" | "hostname">;

/**
 * Sends XCLIENT, so that the session stands for the client of a mail instead of for us; once for all mails of one
 * client. If a primary refuses it, the session goes on with us as the client.
 */
export class ClientOverride {
  readonly #wire: Wire;
  readonly #capabilities: Capabilities;
  readonly #settings: ClientOverrideSettings;
  /** The mail whose client the last XCLIENT named. */
  #named: ClaimedMail | undefined;
  /** The peer accepts another XCLIENT in this session. */
  #anew = false;
  #refused = false;

  constructor(wire: Wire, capabilities: Capabilities, settings: ClientOverrideSettings) {
    this.#wire = wire;
    this.#capabilities = capabilities;
    this.#settings = settings;
  }

  /** Whether the session stands for this mail's client, or can be made to. */
  takes(mail: ClaimedMail): boolean {
    return this.#named === undefined || this.#anew || sameClient(this.#named, mail);
  }

  /**
   * Sends XCLIENT before this mail if that is needed, with nothing else in flight. `leftOpen`: a transaction may be
   * open, in which Postfix accepts no XCLIENT. Resolves to true if the session began anew.
   */
  async prepare(mail: ClaimedMail, turn: Turn, leftOpen: boolean): Promise<boolean> {
    const known = this.#named !== undefined && sameClient(this.#named, mail);
    const line = this.#refused || known ? undefined : xclientLine(mail, this.#capabilities);
    if (line === undefined) return false;
    await turn.mayRead();
    if (this.#wire.lost !== undefined) throw this.#wire.lost;
    if (leftOpen) await this.#reset();
    this.#wire.write([line]);
    const answer = whileOpen(await this.#wire.reply(this.#settings.block));
    // Otherwise this mail would be attributed to the previous client.
    if (answer.code !== 220 && this.#named !== undefined) throw new Closing(answer);
    this.#refused = answer.code !== 220;
    if (this.#refused) return false;
    this.#named = mail;
    // The session begins anew with the greeting; many peers accept only one XCLIENT in a session.
    this.#wire.write([`EHLO ${this.#settings.hostname}\r\n`]);
    const greeted = whileOpen(await this.#wire.reply(this.#settings.block));
    // Otherwise MAIL would be refused because EHLO is missing, and that would count against the mail.
    if (!isPositive(greeted)) throw new Closing(greeted);
    this.#anew = /\bXCLIENT\b/i.test(greeted.text);
    return true;
  }

  async #reset(): Promise<void> {
    this.#wire.write([RSET]);
    const answer = whileOpen(await this.#wire.reply(RSET_TIMEOUT));
    if (!isPositive(answer)) throw new OutOfStep(answer);
  }
}
