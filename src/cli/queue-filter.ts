/** Which mail is meant: an id, what filters say, or all. */
import { ReasonName, StateName } from "../endpoints/admin/contract.ts";
import { WrongUse, type Input, type Option, type Tool } from "./command.ts";
import { domainPath } from "./domains.ts";

const STATES: readonly string[] = StateName.options;
/** Why mail is held, parked or gone. */
const REASONS: readonly string[] = ReasonName.options;

export const FILTERS: readonly Option[] = [
  { name: "domain", value: "DOMAIN", help: "only recipients of this domain" },
  { name: "sender", value: "ADDRESS", help: "only from this sender; <> is the null sender" },
  { name: "recipient", value: "ADDRESS", help: "only for this recipient" },
  { name: "state", value: "STATE", choices: STATES, help: STATES.join(", ") },
  { name: "reason", value: "REASON", choices: REASONS, help: REASONS.join(", ") },
];

/** The filter that was given; `<>` is the null sender. */
export function filterOf(input: Input): Record<string, string> {
  const given = FILTERS.map(({ name }) => [name, input.text(name)] as const);
  const filter = Object.fromEntries(
    given.filter((entry): entry is readonly [string, string] => entry[1] !== undefined),
  );
  return filter["sender"] === "<>" ? { ...filter, sender: "" } : filter;
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
