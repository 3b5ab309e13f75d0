import type { ClaimedMail } from "../../ports/queue.ts";
import type { Capabilities } from "../../ports/smtp-client.ts";
import { Closing, whileOpen } from "./envelope.ts";
import { sameClient, xclientLine } from "./identity.ts";
import type { Turn } from "./turn.ts";
import type { Wire } from "./wire.ts";

export interface Introducing {
  /** For each reply, ms. */
  readonly block: number;
  /** Our EHLO name. */
  readonly hostname: string;
}

/** XCLIENT once for all mails of one client; a primary that refuses it goes on with us as the client. */
export class Introduction {
  readonly #wire: Wire;
  readonly #capabilities: Capabilities;
  readonly #settings: Introducing;
  /** The mail whose client the last XCLIENT named. */
  #introduced: ClaimedMail | undefined;
  /** The peer takes another XCLIENT in this session. */
  #anew = false;
  #refused = false;

  constructor(wire: Wire, capabilities: Capabilities, settings: Introducing) {
    this.#wire = wire;
    this.#capabilities = capabilities;
    this.#settings = settings;
  }

  /** The session stands for this mail's client, or can. */
  takes(mail: ClaimedMail): boolean {
    return this.#introduced === undefined || this.#anew || sameClient(this.#introduced, mail);
  }

  /** Says what has to be said before this mail, with nothing else in flight. True: the session began anew. */
  async make(mail: ClaimedMail, turn: Turn): Promise<boolean> {
    const known = this.#introduced !== undefined && sameClient(this.#introduced, mail);
    const line = this.#refused || known ? undefined : xclientLine(mail, this.#capabilities);
    if (line === undefined) return false;
    await turn.mayRead();
    if (this.#wire.lost !== undefined) throw this.#wire.lost;
    this.#wire.write([line]);
    const answer = whileOpen(await this.#wire.reply(this.#settings.block));
    // The client before must not get the blame for this mail.
    if (answer.code !== 220 && this.#introduced !== undefined) throw new Closing(answer);
    this.#refused = answer.code !== 220;
    if (this.#refused) return false;
    this.#introduced = mail;
    // The session begins anew with the greeting; many a peer takes one XCLIENT a session.
    this.#wire.write([`EHLO ${this.#settings.hostname}\r\n`]);
    const greeted = whileOpen(await this.#wire.reply(this.#settings.block));
    this.#anew = /\bXCLIENT\b/i.test(greeted.text);
    return true;
  }
}
