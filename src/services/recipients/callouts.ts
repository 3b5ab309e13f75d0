import { foldCase, hasForeignCapitals, mailboxKey, parseAddress, type Address } from "../../mail/address.ts";
import { formatReply } from "../../mail/reply.ts";
import type { CalloutAnswer, CalloutQuestion } from "../../ports/callout.ts";
import type { DirectoryReader, DomainRecord } from "../../ports/directory.ts";
import type { Journal } from "../../ports/journal.ts";
import type { RecipientNotes } from "../../ports/recipient-memory.ts";
import type { Clock } from "../../runtime/clock.ts";
import { errorText } from "../../runtime/log.ts";
import { CalloutLine, type CalloutWay, type Inquiry } from "./callout-line.ts";
import { Evidence } from "./evidence.ts";
import { lessonsOf, saysNoSuchMailbox, type Attempted, type Lessons } from "./lessons.ts";
import { isListedByName, Known, type RecipientKnowledge } from "./known.ts";

interface CalloutParts {
  readonly directory: Pick<DirectoryReader, "recipient" | "domain" | "generation">;
  readonly memory: RecipientNotes;
  /** The way to the primary that would get the domain's mail now; undefined if none is up. */
  readonly way: (domain: string) => CalloutWay | undefined;
  readonly journal: Journal;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
}

/** A question that is being asked. */
interface Asked {
  readonly record: DomainRecord;
  readonly address: Address;
  readonly way: CalloutWay;
}

/**
 * Asks primaries for all threads, and learns from their replies to callouts and to mail. For each address, one question
 * is open at a time. A primary is asked at most 5 times a second, and only while it is up.
 *
 * A refusal is believed only outside probation, and only if the same primary accepts a known recipient: in the same
 * transaction, or within 5 min. A primary that accepts a random address is `accept-all`: for a day, or until its next
 * outage, nothing is learned from its replies. Nothing is ever learned from temporary replies.
 */
export class Callouts {
  readonly #parts: CalloutParts;
  readonly #known: Known;
  readonly #evidence: Evidence;
  readonly #open = new Map<string, Promise<CalloutAnswer>>();
  readonly #lines = new Map<string, CalloutLine>();

  constructor(parts: CalloutParts) {
    this.#parts = parts;
    this.#known = new Known(parts.directory, parts);
    this.#evidence = new Evidence(parts);
  }

  /** Never rejects. Callers that ask about the same address while a question is open share its answer. */
  ask(question: CalloutQuestion): Promise<CalloutAnswer> {
    return this.#once(question, false);
  }

  /** `doubted`: mail for it was just refused, so an earlier acceptance or a list entry does not answer the question. */
  #once(question: CalloutQuestion, doubted: boolean): Promise<CalloutAnswer> {
    const { address: text } = question;
    const address = parseAddress(hasForeignCapitals(text) ? foldCase(text) : text);
    if (address === undefined) return Promise.resolve({ kind: "mute", why: "this is not an address" });
    const key = mailboxKey(address);
    const open = this.#open.get(key);
    if (open !== undefined) return open;
    const answer = this.#ask(question, address, doubted)
      .catch((error: unknown): CalloutAnswer => ({ kind: "mute", why: errorText(error) }))
      .finally(() => this.#open.delete(key));
    this.#open.set(key, answer);
    return answer;
  }

  /** Learns from an attempt to deliver a mail. */
  learn(attempted: Attempted): void {
    const { domain, way } = attempted;
    const { taken, refused } = lessonsOf(attempted);
    for (const text of taken) {
      if (this.#evidence.fresh(domain, way)) break;
      const address = parseAddress(text);
      if (address !== undefined && this.#existed(address)) this.#evidence.witnessed(domain, way);
    }
    if (refused.length === 0 || way.inProbation()) return;
    for (const lesson of refused) this.#refused(lesson, domain, way);
  }

  /**
   * Learns from a refused recipient. If no known recipient was accepted recently, or if the primary may not have known
   * the spelling, it is asked again together with a known recipient, provided that the domain uses callouts.
   */
  #refused({ address, reply }: Lessons["refused"][number], domain: string, way: CalloutWay): void {
    const { memory, clock, directory } = this.#parts;
    const note = { kind: "refused", at: clock.now(), origin: "delivery", reply: formatReply(reply) } as const;
    const believed = this.#evidence.fresh(domain, way) && !hasForeignCapitals(address.text);
    if (believed) return memory.note(mailboxKey(address), note);
    const record = directory.domain(domain, directory.generation());
    if (record?.settings.callout === true) void this.#once({ domain, address: address.text }, true);
  }

  /** Domains for which the primary accepts every address. */
  acceptAll(way: Pick<CalloutWay, "name" | "epoch">): readonly string[] {
    return this.#evidence.acceptAll(way);
  }

  stop(): void {
    for (const line of this.#lines.values()) line.stop();
  }

  async #ask(
    { domain, refresh = false }: CalloutQuestion,
    address: Address,
    doubted: boolean,
  ): Promise<CalloutAnswer> {
    const { directory } = this.#parts;
    const record = directory.domain(domain, directory.generation());
    if (record === undefined) return { kind: "mute", why: `${domain} is not one of our domains` };
    const known = this.#known.find(record, address);
    const stale = "stale" in known && known.stale;
    const answered = doubted && known.kind !== "refused" ? undefined : answerOf(known);
    if (answered !== undefined && !(refresh && stale)) return answered;
    const way = this.#parts.way(domain);
    if (way === undefined) return { kind: "away" };
    if (this.#evidence.takesAll(domain, way)) return { kind: "acceptAll" };
    return this.#inquire({ record, address, way });
  }

  async #inquire(asked: Asked): Promise<CalloutAnswer> {
    const { record, address, way } = asked;
    const invented = this.#evidence.invented(record.name, way);
    const witness = this.#evidence.witness(record.name, way);
    const others = [invented, witness].filter((text) => text !== undefined && text !== address.text);
    const inquiry = await this.#line(way).put(way, [address.text, ...(others as string[])]);
    if (inquiry === "busy") return { kind: "busy" };
    const answer = this.#judge(asked, inquiry, { invented, witness });
    this.#record(asked, answer, inquiry);
    return answer;
  }

  #judge(
    { record, address, way }: Asked,
    { answers, why = "it gave no answer" }: Inquiry,
    { invented, witness }: { readonly invented: string | undefined; readonly witness: string | undefined },
  ): CalloutAnswer {
    const { memory, clock } = this.#parts;
    const [said, at] = [answers.get(address.text), clock.now()];
    if (invented !== undefined) this.#evidence.tried(record.name, way, answers.get(invented));
    if (this.#evidence.takesAll(record.name, way)) return { kind: "acceptAll" };
    if (witness !== undefined && isTaken(answers.get(witness))) this.#evidence.witnessed(record.name, way);
    if (said === undefined) return { kind: "mute", why };
    const key = mailboxKey(address);
    if (isTaken(said)) {
      if (this.#existed(address)) this.#evidence.witnessed(record.name, way);
      memory.note(key, { kind: "accepted", at, origin: "callout" });
      return { kind: "accepted" };
    }
    if (!saysNoSuchMailbox(said)) return { kind: "mute", why: formatReply(said) };
    if (way.inProbation()) return { kind: "mute", why: "its refusals are not trusted yet after its outage" };
    if (!this.#evidence.fresh(record.name, way)) return { kind: "mute", why: doubtOf(address, witness) };
    memory.note(key, { kind: "refused", at, origin: "callout", reply: formatReply(said) });
    return answerOf(this.#known.find(record, address)) ?? { kind: "refused", doubted: false };
  }

  /** Returns whether its primary accepted it within 31 days, or it is in a list itself. */
  #existed(address: Address): boolean {
    const { directory } = this.#parts;
    const record = directory.domain(address.domain, directory.generation());
    if (record === undefined) return false;
    return isListedByName(directory, record, address) || this.#evidence.accepted(mailboxKey(address));
  }

  #line({ name }: CalloutWay): CalloutLine {
    const line = this.#lines.get(name) ?? new CalloutLine(this.#parts.clock);
    this.#lines.set(name, line);
    return line;
  }

  #record({ record, address, way }: Asked, answer: CalloutAnswer, { answers }: Inquiry): void {
    const reply = answers.get(address.text);
    this.#parts.journal.record({
      kind: "recipient.asked",
      recipient: address.text,
      domain: record.name,
      destination: way.name,
      result: answer.kind,
      ...(reply !== undefined && { reply }),
      ...("why" in answer && { why: answer.why }),
    });
  }
}

function isTaken(said: { readonly code: number } | undefined): boolean {
  return said !== undefined && said.code >= 200 && said.code < 300;
}

/** Says why a refusal is not believed if no known recipient was accepted. */
function doubtOf({ text }: Address, witness: string | undefined): string {
  return witness === undefined || witness === text
    ? "its refusal is not trusted, because no known address could confirm that it accepts mail"
    : `it refuses ${witness}, too, although that address exists`;
}

/** Converts what is known already to an answer; undefined if nothing is known. */
function answerOf(known: RecipientKnowledge): CalloutAnswer | undefined {
  if (known.kind === "refused") return { kind: "refused", doubted: known.doubted };
  return known.kind === "unknown" ? undefined : { kind: "accepted" };
}
