import type { Network } from "../../mail/network.ts";
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
