/** Which mail is meant: an id, what filters say, or all. */
import { ReasonName, StateName } from "../endpoints/admin/contract.ts";
import { WrongUse, type Input, type Option, type Tool } from "./command.ts";
import { domainPath } from "./domains.ts";

const STATES: readonly string[] = StateName.options;
/** Why mail is held, parked or gone. */
export const REASONS: readonly string[] = ReasonName.options;

export const FILTERS: readonly Option[] = [
  { name: "domain", value: "DOMAIN", help: "only recipients of this domain" },
  { name: "sender", value: "ADDRESS", help: "only from this sender; <> is the null sender" },
  { name: "recipient", value: "ADDRESS", help: "only for this recipient" },
  { name: "state", value: "STATE", choices: STATES, help: STATES.join(", ") },
  { name: "reason", value: "REASON", choices: REASONS, help: REASONS.join(", ") },
];

/** The filter that was given. */
export function filterOf(input: Input): Record<string, string> {
  // As a variable of the shell leaves it that was never set.
  if (input.text("sender") === "") throw new WrongUse("--sender is empty; <> is the null sender");
  const given = FILTERS.map(({ name }) => [name, input.text(name)] as const);
  return Object.fromEntries(
    given.flatMap(([name, text]) => (text === undefined ? [] : [[name, bare(text)]])),
  );
}

/** An address without the angle brackets in which a path stands; that of the null sender is empty. */
export function bare(text: string): string {
  return text.replace(/^<(.*)>$/, "$1");
}

/** An id or a filter; empty only after `--all`: nothing given never means everything. */
export function selectionOf(verb: string, input: Input): Record<string, string> {
  const [id] = input.words;
  const filter = { ...filterOf(input), ...(id !== undefined && { id }) };
  if (Object.keys(filter).length === 0 && !input.flag("all"))
    throw new WrongUse(`what to ${verb}? give an id, a filter such as --domain example.com, or --all`);
  return filter;
}

/** Where nothing was found: rejects when the domain that was given is none of ours, as after a slip of the pen. */
export async function refuseForeign(tool: Tool, input: Input): Promise<void> {
  const domain = input.text("domain");
  // Notices to senders wait under `+notices`, a name that no domain can have.
  const isDomain = domain !== undefined && !domain.startsWith("+");
  if (isDomain) await tool.daemon.ask({ path: domainPath(domain) });
}
