import { foldCase, mailboxText } from "../../mail/address.ts";
import { normaliseDomain } from "../../mail/domain.ts";
import { networkKey, parseNetwork, prefixKey, type Network } from "../../mail/network.ts";
import { reply } from "../../mail/reply.ts";
import type { Verdict } from "../../mail/verdict.ts";
import type { AccessRule } from "../../ports/checks.ts";
import { spellings } from "../recipients/recipients.ts";
import type { RcptSubject } from "./check.ts";

/**
 * Finds the operator's rule for a client and recipient. A list of rules is indexed once: each rule under one of the
 * values that it names, so that a search among thousands costs a few look-ups. Of several matching rules, the first in
 * the list wins.
 */
export class AccessRules {
  /** The list that is indexed. */
  #source: readonly AccessRule[] = [];
  /** The positions in the list of the rules under each key, in ascending order. */
  #places = new Map<string, number[]>();
  /** The prefix lengths that occur in the list. */
  #lengths: readonly number[] = [];

  /** The first rule of `rules` that matches and has not expired at `now` (ms since 1970). */
  find(rules: readonly AccessRule[], subject: RcptSubject, now: number): AccessRule | undefined {
    if (rules !== this.#source) this.#read(rules);
    const places = keysOf(subject, this.#lengths).flatMap((key) => this.#places.get(key) ?? []);
    for (const place of places.toSorted((a, b) => a - b)) {
      const rule = rules[place];
      if (rule !== undefined && fits(rule, subject, now)) return rule;
    }
    return undefined;
  }

  #read(rules: readonly AccessRule[]): void {
    this.#source = rules;
    this.#places = new Map();
    const lengths = new Set<number>();
    for (const [place, rule] of rules.entries()) {
      const network = parseNetwork(rule.network ?? "");
      // A rule for a malformed network matches no client.
      if (rule.network !== undefined && network === undefined) continue;
      if (network !== undefined) lengths.add(network.bits);
      const key = keyOf(rule, network);
      const known = this.#places.get(key);
      if (known === undefined) this.#places.set(key, [place]);
      else known.push(place);
    }
    this.#lengths = [...lengths];
  }
}

/** The key under which a rule is indexed. */
function keyOf({ sender, recipient, helo }: AccessRule, network: Network | undefined): string {
  if (network !== undefined) return `network ${networkKey(network)}`;
  if (sender !== undefined) return `sender ${sender}`;
  return recipient === undefined ? `helo ${helo}` : `recipient ${recipient}`;
}

/** All keys under which there may be rules for this subject. */
function keysOf(subject: RcptSubject, lengths: readonly number[]): readonly string[] {
  const labels = heloName(subject).split(".");
  return [
    ...lengths.map((bits) => `network ${prefixKey(subject.ip, bits)}`),
    ...senderPatterns(subject).map((pattern) => `sender ${pattern}`),
    ...recipientPatterns(subject).map((pattern) => `recipient ${pattern}`),
    `helo ${labels.join(".")}`,
    ...labels.slice(1).map((_, at) => `helo *.${labels.slice(at + 1).join(".")}`),
  ];
}

function senderPatterns({ sender }: RcptSubject): readonly string[] {
  const plain = foldCase(sender || "<>");
  return [plain, plain.slice(plain.lastIndexOf("@"))];
}

/** A rule for a mailbox applies to all of its tagged forms as well. */
function recipientPatterns({ recipient, domain: record }: RcptSubject): readonly string[] {
  const { local, domain } = recipient;
  const locals = spellings(local, record?.settings.tagSeparator ?? "");
  return [...locals.map((each) => mailboxText({ local: each, domain })), `@${domain}`];
}

/** Whether a rule that was found under a key matches. Its network is not checked: the key was that network. */
function fits(rule: AccessRule, subject: RcptSubject, now: number): boolean {
  if (rule.until !== undefined && now >= rule.until) return false;
  if (rule.domain !== undefined && rule.domain !== subject.recipient.domain) return false;
  if (rule.helo !== undefined && !heloFits(rule.helo, heloName(subject))) return false;
  if (rule.sender !== undefined && !senderPatterns(subject).includes(rule.sender)) return false;
  return rule.recipient === undefined || recipientPatterns(subject).includes(rule.recipient);
}

/** The HELO name in the spelling of rules. Text that is no domain name is only put in lower case. */
function heloName({ helo }: RcptSubject): string {
  return normaliseDomain(helo) ?? helo.toLowerCase();
}

function heloFits(pattern: string, helo: string): boolean {
  return pattern.startsWith("*.") ? helo.endsWith(pattern.slice(1)) : helo === pattern;
}

/** The verdict of a blocking rule. Its note is for the operator only: it may say more than a spammer should know. */
export function blocked({ until, note }: AccessRule, contact: string | undefined): Verdict {
  const words = ["Refused by the operator of this host", contact].filter(Boolean).join("; ");
  const seen = { note: `blocked by the operator${note === undefined ? "" : ` (${note})`}` };
  // If the rule expires, the client may return after that, so the refusal is temporary.
  return until === undefined
    ? { kind: "reject", reply: reply(554, "5.7.1", words), ...seen }
    : { kind: "defer", reply: reply(451, "4.7.1", words), ...seen };
}
