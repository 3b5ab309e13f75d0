/** What a client has used up of our patience: commands, errors, refused recipients, octets of refused chunks. */
import type { SmtpLimits } from "../../ports/smtp-limits.ts";
import type { Reply } from "../../mail/reply.ts";
import { closing, type Answer } from "./answer.ts";

/** Commands that may bring a mail forward: free while they succeed. */
const SERVING: ReadonlySet<string> = new Set(["MAIL", "RCPT", "DATA", "BDAT"]);
/**
 * Recipients that we put off to another mail are free, too, up to this many times the number that one mail may have: a
 * client that was cut off over them would lose the mail under way, and come again with all of them.
 */
const PUT_OFFS = 10;
/** Replies to what is unknown, malformed or out of place. */
const MISUSE: ReadonlySet<number> = new Set([500, 501, 502, 503, 504, 555]);

const TOO_MANY_COMMANDS = closing(421, "4.7.0", "Too many commands");
const TOO_MANY_ERRORS = closing(421, "4.7.0", "Too many errors");
const TOO_MANY_REFUSED = closing(421, "4.7.1", "Too many refused recipients");

export class Patience {
  #commands = 0;
  #sinceMail = 0;
  #errors = 0;
  #refused = 0;
  #putOff = 0;
  #discarded = 0;

  /** Why no further command is served. */
  spent({ commands, commandsWithoutMail }: SmtpLimits): Answer | undefined {
    const spent = this.#commands >= commands || this.#sinceMail >= commandsWithoutMail;
    return spent ? TOO_MANY_COMMANDS : undefined;
  }

  /** Counts an answered command. */
  count(verb: string, answer: Answer, { recipients }: SmtpLimits): void {
    const { code } = answer.reply;
    if (code < 400 && answer.idle !== true && SERVING.has(verb)) return;
    if (isPutOff(verb, answer.reply) && this.#putOff++ < PUT_OFFS * recipients) return;
    this.#commands += 1;
    this.#sinceMail += 1;
  }

  /** Counts a refusal; the answer to those who have gone too far. */
  refused(verb: string, { reply, about }: Answer, limits: SmtpLimits): Answer | undefined {
    if (MISUSE.has(reply.code)) this.#errors += 1;
    else if (isRefusedRecipient(verb, reply.code)) this.#refused += 1;
    const whom = about === undefined ? {} : { about };
    if (this.#refused > limits.refusedRecipients) return { ...TOO_MANY_REFUSED, ...whom };
    return this.#errors > limits.errors ? { ...TOO_MANY_ERRORS, ...whom } : undefined;
  }

  /** Counts octets of a chunk that nobody wants; all of them since the last mail. */
  discard(octets: number): number {
    this.#discarded += octets;
    return this.#discarded;
  }

  /** A mail was taken. */
  restore(): void {
    this.#sinceMail = 0;
    this.#putOff = 0;
    this.#discarded = 0;
  }
}

/** RFC 5321 §4.5.3.1.10: to be sent again in another mail. */
function isPutOff(verb: string, { code, enhanced }: Reply): boolean {
  return verb === "RCPT" && code === 452 && enhanced === "4.5.3";
}

/** For good, and not because the command itself was wrong. */
export function isRefusedRecipient(verb: string, code: number): boolean {
  return verb === "RCPT" && code >= 500 && !MISUSE.has(code);
}
