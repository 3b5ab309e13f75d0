/** The budgets that one connection has used up: commands, errors, refused recipients, octets of refused chunks. */
import type { SmtpLimits } from "../../ports/smtp-limits.ts";
import type { Reply } from "../../mail/reply.ts";
import { closing, type Answer } from "./answer.ts";

/** Commands that advance a mail. They are not counted if they succeed. */
const SERVING: ReadonlySet<string> = new Set(["MAIL", "RCPT", "DATA", "BDAT"]);
/**
 * Recipients that are deferred to another transaction are not counted either, up to this many times the number of
 * recipients that one mail may have. A client that is cut off because of them would lose its mail in progress, and
 * return with all of them.
 */
const PUT_OFFS = 10;
/** Reply codes for commands that are unknown, malformed or out of sequence. */
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

  /** Returns the refusal of all further commands, if a budget of commands is used up. */
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

  /** Counts a refusal. Returns an answer that closes the connection if a budget is exceeded. */
  refused(verb: string, { reply, about }: Answer, limits: SmtpLimits): Answer | undefined {
    if (MISUSE.has(reply.code)) this.#errors += 1;
    else if (isRefusedRecipient(verb, reply.code)) this.#refused += 1;
    const whom = about === undefined ? {} : { about };
    if (this.#refused > limits.refusedRecipients) return { ...TOO_MANY_REFUSED, ...whom };
    return this.#errors > limits.errors ? { ...TOO_MANY_ERRORS, ...whom } : undefined;
  }

  /** Counts octets of a refused chunk. Returns the sum since the last accepted mail. */
  discard(octets: number): number {
    this.#discarded += octets;
    return this.#discarded;
  }

  /** Resets the budgets that are per mail, because a mail was accepted. */
  restore(): void {
    this.#sinceMail = 0;
    this.#putOff = 0;
    this.#discarded = 0;
  }
}

/** Whether the recipient must be sent again in another transaction, RFC 5321 §4.5.3.1.10. */
function isPutOff(verb: string, { code, enhanced }: Reply): boolean {
  return verb === "RCPT" && code === 452 && enhanced === "4.5.3";
}

/** Whether a recipient was refused permanently, and not because the command itself was wrong. */
export function isRefusedRecipient(verb: string, code: number): boolean {
  return verb === "RCPT" && code >= 500 && !MISUSE.has(code);
}
