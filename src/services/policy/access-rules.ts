import type { Network } from "../../mail/network.ts";
import { reply } from "../../mail/reply.ts";
import type { Verdict } from "../../mail/verdict.ts";
import { networkHas, parseNetwork } from "../../mail/network.ts";
import type { AccessRule } from "../../ports/checks.ts";
import type { RcptSubject } from "./check.ts";

interface Compiled {
  readonly rule: AccessRule;
  readonly network: Network | undefined;
}

/** The operator's rules, read once for each list of them. */
export class AccessRules {
  #source: readonly AccessRule[] | undefined;
  #compiled: readonly Compiled[] = [];

  /** The first rule of `rules` that fits and is not over at `now`. */
  find(rules: readonly AccessRule[], subject: RcptSubject, now: number): AccessRule | undefined {
    if (rules !== this.#source) {
      this.#compiled = rules.map((rule) => ({ rule, network: parseNetwork(rule.network ?? "") }));
      this.#source = rules;
    }
    return this.#compiled.find((compiled) => fits(compiled, subject, now))?.rule;
  }
}

function fits({ rule, network }: Compiled, subject: RcptSubject, now: number): boolean {
  if (rule.until !== undefined && now >= rule.until) return false;
  if (rule.network !== undefined && (network === undefined || !networkHas(network, subject.ip))) return false;
  if (rule.helo !== undefined && !heloFits(rule.helo, subject.helo.toLowerCase())) return false;
  if (rule.sender !== undefined && !addressFits(rule.sender, subject.sender || "<>")) return false;
  return rule.recipient === undefined || addressFits(rule.recipient, subject.recipient.text);
}

function heloFits(pattern: string, helo: string): boolean {
  return pattern.startsWith("*.") ? helo.endsWith(pattern.slice(1)) : helo === pattern;
}

function addressFits(pattern: string, address: string): boolean {
  const plain = address.toLowerCase();
  return pattern.startsWith("@") ? plain.endsWith(pattern) : plain === pattern;
}

/** The note stays with the operator: it may say more than a spammer should know. */
export function blocked({ until, note }: AccessRule, contact: string | undefined): Verdict {
  const words = ["Refused by the operator of this host", contact].filter(Boolean).join("; ");
  const seen = { note: `blocked by the operator${note === undefined ? "" : ` (${note})`}` };
  // A rule with an end is a matter of time, and the client may come again after it.
  return until === undefined
    ? { kind: "reject", reply: reply(554, "5.7.1", words), ...seen }
    : { kind: "defer", reply: reply(451, "4.7.1", words), ...seen };
}
