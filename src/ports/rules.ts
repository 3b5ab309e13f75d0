/** Access rules that operators add and remove while the daemon runs, in addition to those of the configuration. */
import type { AccessRule } from "./checks.ts";

export interface StoredRule {
  readonly id: string;
  readonly rule: AccessRule;
  /** Ms since 1970. */
  readonly createdAt: number;
  /** `socket`, or the name of the token. */
  readonly who: string;
}

export interface RuleStore {
  /** Newest first. */
  rules(): Promise<readonly StoredRule[]>;
  addRule(rule: StoredRule): Promise<void>;
  /** False if there is no rule with this id. */
  removeRule(id: string): Promise<boolean>;
}
