import { isPositive } from "../../mail/reply.ts";
import type { Capabilities } from "../../ports/smtp-client.ts";
import type { ClaimedMail } from "../../ports/work-store.ts";
import { Closing, whileOpen } from "./envelope.ts";
import { sameClient, xclientLine } from "./identity.ts";
import { OutOfStep, RSET, RSET_TIMEOUT } from "./marks.ts";
import type { Turn } from "./turn.ts";
import type { Wire } from "./wire.ts";

interface ClientOverrideSettings {
  /** For each reply, ms. */
  readonly block: number;
  /** Our EHLO name. */
  readonly hostname: string;
}

/**
 * The session stands for the client of a mail instead of for us: XCLIENT, once for all mails of one client. A primary
 * that refuses it goes on with us as the client.
 */
export class ClientOverride {
  readonly #wire: Wire;
  readonly #capabilities: Capabilities;
  readonly #settings: ClientOverrideSettings;
  /** The mail whose client the last XCLIENT named. */
  #named: ClaimedMail | undefined;
  /** The peer takes another XCLIENT in this session. */
  #anew = false;
  #refused = false;

  constructor(wire: Wire, capabilities: Capabilities, settings: ClientOverrideSettings) {
    this.#wire = wire;
    this.#capabilities = capabilities;
    this.#settings = settings;
  }

  /** The session stands for this mail's client, or can. */
  takes(mail: ClaimedMail): boolean {
    return this.#named === undefined || this.#anew || sameClient(this.#named, mail);
  }

  /**
   * Says what has to be said before this mail, with nothing else in flight; `leftOpen`: a transaction may stand open, in
   * which Postfix takes no XCLIENT. True: the session began anew.
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
    // The client before must not get the blame for this mail.
    if (answer.code !== 220 && this.#named !== undefined) throw new Closing(answer);
    this.#refused = answer.code !== 220;
    if (this.#refused) return false;
    this.#named = mail;
    // The session begins anew with the greeting; many a peer takes one XCLIENT a session.
    this.#wire.write([`EHLO ${this.#settings.hostname}\r\n`]);
    const greeted = whileOpen(await this.#wire.reply(this.#settings.block));
    // Else MAIL would be refused for want of it, and the mail be to blame.
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
