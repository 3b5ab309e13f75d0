/** Changes of the directory as operators make them, and what the model makes of each. */
import type { DeclaredDomain, DirectoryWriter, DomainSettings } from "../../../src/ports/directory.ts";
import { SETTINGS } from "../../contract/mails.ts";
import type { Random } from "../../support/random.ts";
import type { DirectoryModel, Plan } from "./directory-model.ts";

export interface Change {
  readonly text: string;
  readonly ask: (control: DirectoryWriter) => Promise<unknown>;
  readonly plan: () => Plan<unknown>;
}

export const NAMES = ["a.test", "b.test", "c.test", "d.test"] as const;
const PATTERNS = ["ann", "bob", "zed", "list-*", "li*", "lists", "*"] as const;
/** That are looked for. */
export const LOCALS = ["ann", "bob", "list-", "list-x", "lists", "lima", "u7", ""] as const;
/** Entries of a list that goes in several slices. */
const MANY = 2500;

const KINDS: readonly DomainSettings[] = [
  SETTINGS,
  SETTINGS,
  { ...SETTINGS, catchAll: true },
  { ...SETTINGS, callout: true },
  { ...SETTINGS, fetched: { url: "https://lists.test/a", every: 1000 } },
];

export function anyChange(model: DirectoryModel, random: Random): Change {
  const make = random.pick([declare, declare, add, change, remove, recipients, recipients, recipients]);
  return make(model, random);
}

function declare(model: DirectoryModel, random: Random): Change {
  const domains = NAMES.filter(() => random.below(2) === 0).map((name) => anyDomain(name, random));
  return {
    text: `declare ${domains.map(textOf).join("; ")}`,
    ask: async (control) => {
      const { generation: _generation, ...answer } = await control.declare(domains);
      return answer;
    },
    plan: () => model.declare(domains),
  };
}

function add(model: DirectoryModel, random: Random): Change {
  const domain = anyDomain(random.pick(NAMES), random);
  return {
    text: `add ${textOf(domain)}`,
    ask: (control) => control.addDomain(domain),
    plan: () => model.add(domain),
  };
}

function change(model: DirectoryModel, random: Random): Change {
  const name = random.pick(NAMES);
  const settings = random.pick(KINDS);
  return {
    text: `change ${name} to ${KINDS.indexOf(settings)}`,
    ask: (control) => control.changeDomain(name, settings),
    plan: () => model.change(name, settings),
  };
}

function remove(model: DirectoryModel, random: Random): Change {
  const name = random.pick(NAMES);
  return {
    text: `remove ${name}`,
    ask: (control) => control.removeDomain(name),
    plan: () => model.remove(name),
  };
}

function recipients(model: DirectoryModel, random: Random): Change {
  const verb = random.pick(["add", "remove", "replace"] as const);
  const fetched = verb === "replace" && random.below(2) === 0;
  const request = {
    domain: random.pick(NAMES),
    verb,
    recipients: anyList(random),
    ...(fetched && { fetched }),
  };
  return {
    text: `${verb} ${request.recipients.length} recipients of ${request.domain}${fetched ? ", fetched" : ""}`,
    ask: (control) => control.changeRecipients(request),
    plan: () => model.changeRecipients(request),
  };
}

function anyDomain(name: string, random: Random): DeclaredDomain {
  const settings = random.pick(KINDS);
  return random.below(4) === 0 ? { name, settings } : { name, settings, recipients: anyList(random) };
}

function anyList(random: Random): readonly string[] {
  const some = PATTERNS.filter(() => random.below(3) === 0);
  const many = random.below(12) === 0 ? Array.from({ length: MANY }, (_, i) => `u${i}`) : [];
  return [...some, ...many];
}

function textOf({ name, settings, recipients: list }: DeclaredDomain): string {
  return `${name} ${KINDS.indexOf(settings)} ${list?.slice(0, PATTERNS.length).join()}`;
}
