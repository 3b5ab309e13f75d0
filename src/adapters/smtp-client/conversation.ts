import type { Readable } from "node:stream";
import type { Outcome } from "../../mail/outcome.ts";
import { outcomeOf } from "../../mail/outcome.ts";
import type { Reply } from "../../mail/reply.ts";
import { reply } from "../../mail/reply.ts";
import type { Identity } from "../../ports/directory.ts";
import type { ClaimedMail } from "../../ports/queue.ts";
import { DestinationTrouble } from "../../ports/smtp-client.ts";
import type { Capabilities, Conversation, SendResult, Verification } from "../../ports/smtp-client.ts";
import { DotStuffer } from "./dot-stuffing.ts";
import { Closing, sendEnvelope, whileOpen, wireSize } from "./envelope.ts";
import { sameClient, xclientLine } from "./identity.ts";
import { verify } from "./verify.ts";
import type { Wire } from "./wire.ts";
import { ConnectionLost } from "./wire.ts";

export interface ConversationLimits {
  /** Milliseconds for the peer to take some octets of the body; RFC 5321 §4.5.3.2: 3 min. */
  readonly block: number;
  /** Milliseconds for the reply to the final dot; RFC 5321 §4.5.3.2: 10 min. */
  readonly final: number;
  /** Our EHLO name. */
  readonly hostname: string;
  readonly identity?: Identity;
}

const QUIT_TIMEOUT = 2000;

/** Our own disk's trouble while a body was read; the peer is not to blame. */
class BodyUnreadable extends Error {}

/** Mails over one connection, one after another. */
export class WireConversation implements Conversation {
  readonly capabilities: Capabilities;
  readonly #wire: Wire;
  readonly #limits: ConversationLimits;
  #phase: Conversation["phase"] = "idle";
  /** The kernel took the octets of the present body up to the final dot. */
  #flushed = false;
  #refusedAt: SendResult["refusedAt"];
  /** The mail whose client the last XCLIENT named. */
  #introduced: ClaimedMail | undefined;
  /** The peer takes another XCLIENT in this session. */
  #anew = false;
  #refusesXclient = false;

  constructor(wire: Wire, capabilities: Capabilities, limits: ConversationLimits) {
    this.#wire = wire;
    this.capabilities = capabilities;
    this.#limits = limits;
  }

  get phase(): Conversation["phase"] {
    const quiet = this.#wire.lost === undefined && this.#wire.early() === undefined;
    return this.#phase === "idle" && !quiet ? "over" : this.#phase;
  }

  takes(mail: ClaimedMail): boolean {
    return this.#introduced === undefined || this.#anew || sameClient(this.#introduced, mail);
  }

  async send(mail: ClaimedMail): Promise<SendResult> {
    const begun = performance.now();
    const outcomes = new Map<number, Outcome>();
    const unfit = this.#unfit(mail);
    if (unfit !== undefined) return { outcomes: allWith(mail, outcomes, unfit), refusedAt: "here", took: 0 };
    if (this.phase !== "idle") return this.#notBegun(mail, outcomes);
    this.#refusedAt = undefined;
    const trouble = await this.#transact(mail, outcomes);
    const refusedAt = this.#refusedAt;
    return {
      outcomes,
      took: performance.now() - begun,
      ...(trouble !== undefined && { trouble }),
      ...(refusedAt !== undefined && { refusedAt }),
    };
  }

  async verify(addresses: readonly string[]): Promise<Verification> {
    this.#phase = "envelope";
    try {
      const verification = await verify(this.#wire, addresses, this.capabilities);
      this.#phase = "idle";
      return verification;
    } catch (error) {
      const why = (error as Error).message;
      this.#close(why);
      return { answers: new Map(), trouble: new DestinationTrouble("session", why) };
    }
  }

  async quit(): Promise<void> {
    if (this.phase === "idle") {
      this.#wire.write(["QUIT\r\n"]);
      await this.#wire.reply(QUIT_TIMEOUT).catch(() => {});
    }
    this.#close("we ended the session");
  }

  abort(): void {
    this.#wire.lose("we gave the connection up");
  }

  /** Answers the trouble that ended the connection, if any. */
  async #transact(
    mail: ClaimedMail,
    outcomes: Map<number, Outcome>,
  ): Promise<DestinationTrouble | undefined> {
    this.#phase = "envelope";
    this.#flushed = false;
    try {
      await this.#introduce(mail);
      const { taken, open, refusedAt } = await sendEnvelope(this.#wire, mail, this.capabilities, outcomes);
      this.#refusedAt = refusedAt;
      if (open) await this.#body(mail, taken, outcomes);
      else if (outcomes.size > 0) await this.#reset();
      this.#phase = "idle";
      return undefined;
    } catch (error) {
      return this.#broken(mail, outcomes, error);
    }
  }

  /** XCLIENT once for all mails of one client; a primary that refuses it goes on with us as the client. */
  async #introduce(mail: ClaimedMail): Promise<void> {
    if (this.#limits.identity !== "xclient") return;
    if (this.#refusesXclient || (this.#introduced !== undefined && sameClient(this.#introduced, mail)))
      return;
    const line = xclientLine(mail, this.capabilities);
    if (line === undefined) return;
    const before = this.#introduced;
    this.#wire.write([line]);
    const answer = whileOpen(await this.#wire.reply(this.#limits.block));
    // The client before must not get the blame for this mail.
    if (answer.code !== 220 && before !== undefined) throw new Closing(answer);
    this.#refusesXclient = answer.code !== 220;
    if (this.#refusesXclient) return;
    this.#introduced = mail;
    // The session begins anew with the greeting; many a peer takes one XCLIENT a session.
    this.#wire.write([`EHLO ${this.#limits.hostname}\r\n`]);
    const greeted = whileOpen(await this.#wire.reply(this.#limits.block));
    this.#anew = /\bXCLIENT\b/i.test(greeted.text);
  }

  async #body(mail: ClaimedMail, taken: readonly number[], outcomes: Map<number, Outcome>): Promise<void> {
    this.#phase = "body";
    // RFC 2920 §3.1: a peer that took DATA without a recipient gets an empty body.
    if (taken.length === 0) this.#finish([".\r\n"]);
    else await this.#sendBody(mail);
    const answer = whileOpen(await this.#wire.reply(this.#limits.final));
    for (const n of taken) outcomes.set(n, outcomeOf(answer.code < 300 ? answer : noFinal(answer)));
    if (taken.length > 0 && answer.code >= 300) this.#refusedAt = "body";
  }

  async #sendBody(mail: ClaimedMail): Promise<void> {
    const stuffer = new DotStuffer();
    const top = stuffer.push(Buffer.from(mail.topFields));
    const source = this.#read(mail);
    if (Buffer.isBuffer(source)) {
      this.#finish([...top, ...stuffer.push(source), stuffer.end()]);
      return;
    }
    this.#wire.write(top);
    await this.#pump(source, stuffer);
    this.#finish([stuffer.end()]);
  }

  async #pump(source: Readable, stuffer: DotStuffer): Promise<void> {
    try {
      for await (const chunk of source) {
        this.#wire.write(stuffer.push(chunk as Buffer));
        await this.#wire.drain(this.#limits.block);
        // A peer that answers within the body has made up its mind, RFC 5321 §3.8.
        const early = this.#wire.early();
        if (early !== undefined) throw new Closing(early);
      }
    } catch (error) {
      source.destroy();
      throw error instanceof ConnectionLost || error instanceof Closing ? error : unreadable(error);
    }
  }

  #read(mail: ClaimedMail): Buffer | Readable {
    try {
      return mail.body.read();
    } catch (error) {
      throw unreadable(error);
    }
  }

  /** Hands the last octets with the final dot to the socket. */
  #finish(parts: readonly (Buffer | string)[]): void {
    if (this.#wire.lost !== undefined) throw this.#wire.lost;
    this.#phase = "dot";
    this.#wire.write(parts, () => {
      this.#flushed = true;
    });
  }

  /** After a refused envelope: some peers keep the sender, so the next MAIL starts clean. */
  async #reset(): Promise<void> {
    this.#wire.write(["RSET\r\n"]);
    whileOpen(await this.#wire.reply(this.#limits.block));
  }

  #broken(mail: ClaimedMail, outcomes: Map<number, Outcome>, error: unknown): DestinationTrouble | undefined {
    const outcome = this.#outcomeOf(error);
    for (const { n } of mail.recipients) {
      if (!outcomes.has(n)) outcomes.set(n, outcome);
    }
    const why = (error as Error).message;
    this.#close(why);
    if (error instanceof BodyUnreadable) return undefined;
    return new DestinationTrouble("session", why, error instanceof Closing ? error.reply : undefined);
  }

  #outcomeOf(error: unknown): Outcome {
    const why = (error as Error).message;
    if (error instanceof Closing) return { kind: "deferred", reply: closing(error.reply) };
    if (error instanceof BodyUnreadable) return { kind: "deferred", reply: reply(451, "4.3.0", why) };
    return this.#mayHaveArrived()
      ? { kind: "unconfirmed", why }
      : { kind: "deferred", reply: reply(421, "4.4.2", why) };
  }

  /**
   * The dot is the last octet, so it can have arrived only when the kernel took all of them. Below TLS that is
   * not known exactly; there the moment of writing counts.
   */
  #mayHaveArrived(): boolean {
    return this.#phase === "dot" && (this.#flushed || this.#wire.encrypted);
  }

  #notBegun(mail: ClaimedMail, outcomes: Map<number, Outcome>): SendResult {
    const why = this.#wire.lost?.message ?? this.#wire.early()?.text ?? "the conversation is over";
    this.#close(why);
    const trouble = new DestinationTrouble("session", why, this.#wire.early());
    return { outcomes: allWith(mail, outcomes, { kind: "released" }), trouble, took: 0 };
  }

  /** What cannot be handed to this peer at all, in our words. */
  #unfit(mail: ClaimedMail): Outcome | undefined {
    const { size, extensions } = this.capabilities;
    if (mail.smtpUtf8 && !extensions.includes("SMTPUTF8"))
      return { kind: "refused", reply: reply(550, "5.6.7", "The primary offers no SMTPUTF8") };
    if (size !== undefined && wireSize(mail) > size)
      return { kind: "refused", reply: reply(552, "5.3.4", `The primary takes at most ${size} octets`) };
    return undefined;
  }

  #close(why: string): void {
    this.#phase = "over";
    this.#wire.lose(why);
  }
}

function allWith(mail: ClaimedMail, outcomes: Map<number, Outcome>, outcome: Outcome): Map<number, Outcome> {
  for (const { n } of mail.recipients) outcomes.set(n, outcome);
  return outcomes;
}

function unreadable(error: unknown): BodyUnreadable {
  return new BodyUnreadable(`the stored body could not be read: ${(error as Error).message}`);
}

/** A 3xx to the final dot is no final word. */
function noFinal(answer: Reply): Reply {
  return answer.code < 400 ? { code: 451, text: `the body was answered with ${answer.code}` } : answer;
}

/** Any early answer ends the session for this mail as a 421 does. */
function closing(answer: Reply): Reply {
  return answer.code === 421 ? answer : { ...answer, code: 421 };
}
