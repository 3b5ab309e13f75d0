import { isPositive, type Reply } from "../../mail/reply.ts";
import type { Wire } from "./wire.ts";

export const RSET = "RSET\r\n";

/** RFC 5321 §4.5.3.2 names none for it; that of MAIL, in ms. */
export const RSET_TIMEOUT = 5 * 60_000;

/** The peer's replies are not those to what it was asked, one for each: none that follows can be believed. */
export class OutOfStep extends Error {
  /** The reply that fits nothing. */
  constructor({ code, text }: Reply) {
    super(`its replies are out of step with what it was asked: ${code} ${text}`);
  }
}

/**
 * Where mails follow each other without waiting, nothing but their number tells which reply is whose, and a peer that
 * says one 250 too many has the 250 to a recipient read as that to a body. So RSET stands behind each body as a mark:
 * the body is delivered when the reply in the mark's place has the words in which this peer answers RSET, and the one
 * in the body's place has not. Those words are learned from an RSET before the first mail and the one behind it.
 *
 * `unknown` until a first body was taken; `clear`; `vague`: it says the same to everything, or RSET in changing words.
 * Then marks show nothing and no mail may follow another unanswered; whether the first was answered at all is seen by
 * EHLO, whose answer is like no other.
 */
export class Marks {
  readonly #wire: Wire;
  readonly #hostname: string;
  #state: "unknown" | "clear" | "vague" = "unknown";
  #words = "";

  /** `hostname`: our EHLO name. */
  constructor(wire: Wire, hostname: string) {
    this.#wire = wire;
    this.#hostname = hostname;
  }

  get state(): "unknown" | "clear" | "vague" {
    return this.#state;
  }

  /** Learns the reply to an RSET, sent when no other command was unanswered. */
  learn(answer: Reply): void {
    if (!isPositive(answer)) this.#state = "vague";
    else this.#words = wordsOf(answer);
  }

  /** Reads the mark behind a body with this reply. Throws OutOfStep. The reply counts if the session has ended. */
  async read(body: Reply): Promise<void> {
    const mark = await this.#next();
    if (mark === undefined) return;
    this.#look(body, mark);
    if (this.#state !== "vague") return;
    this.#wire.write([`EHLO ${this.#hostname}\r\n`]);
    const greeting = await this.#next();
    if (greeting !== undefined && !/\bCHUNKING\b/i.test(greeting.text)) throw new OutOfStep(greeting);
  }

  #look(body: Reply, mark: Reply): void {
    if (this.#state === "vague") return;
    if (!isPositive(mark)) throw new OutOfStep(mark);
    const words = wordsOf(mark);
    const fits = words === this.#words && wordsOf(body) !== words;
    if (this.#state === "clear") {
      if (!fits) throw new OutOfStep(mark);
    } else if (isPositive(body)) this.#state = fits ? "clear" : "vague";
  }

  /** Returns the next reply; undefined if the session has ended. */
  async #next(): Promise<Reply | undefined> {
    try {
      const answer = await this.#wire.reply(RSET_TIMEOUT);
      if (answer.code !== 421) return answer;
      // The next reader must see it.
      this.#wire.unread(answer);
    } catch {}
    return undefined;
  }
}

/** Returns a reply without its variable words: ids, times and addresses contain digits or angle brackets. */
function wordsOf({ code, enhanced = "", text }: Reply): string {
  const words = text.split(" ").filter((word) => !/[\d<]/.test(word));
  return `${code} ${enhanced} ${words.join(" ")}`;
}
