/** Selection of mail: by id, by filters, or all. */
import { ReasonName, StateName } from "../endpoints/admin/contract.ts";
import { WrongUse, type Input, type Option, type Tool } from "./command.ts";
import { domainPath } from "./domains.ts";

const STATES: readonly string[] = StateName.options;
/** Reasons for which mail is held, parked or gone. */
export const REASONS: readonly string[] = ReasonName.options;

export const FILTERS: readonly Option[] = [
  { name: "domain", value: "DOMAIN", help: "only recipients of this domain" },
  { name: "sender", value: "ADDRESS", help: "only from this sender; <> is the null sender" },
  { name: "recipient", value: "ADDRESS", help: "only for this recipient" },
  { name: "state", value: "STATE", choices: STATES, help: STATES.join(", ") },
  { name: "reason", value: "REASON", choices: REASONS, help: REASONS.join(", ") },
];

/** Returns the given filter. */
export function filterOf(input: Input): Record<string, string> {
  // An empty value is usually a shell variable that was never set.
  if (input.text("sender") === "") throw new WrongUse("--sender is empty; <> is the null sender");
  const given = FILTERS.map(({ name }) => [name, input.text(name)] as const);
  return Object.fromEntries(
    given.flatMap(([name, text]) => (text === undefined ? [] : [[name, bare(text)]])),
  );
}

/** Removes the angle brackets of a path; the address of the null sender is empty. */
export function bare(text: string): string {
  return text.replace(/^<(.*)>$/, "$1");
}

/** Returns an id or a filter. It is empty only with `--all`: giving nothing never selects everything. */
export function selectionOf(verb: string, input: Input): Record<string, string> {
  const [id] = input.words;
  const filter = { ...filterOf(input), ...(id !== undefined && { id }) };
  if (Object.keys(filter).length === 0 && !input.flag("all"))
    throw new WrongUse(`what to ${verb}? give an id, a filter such as --domain example.com, or --all`);
  return filter;
}

/** Called when nothing was found: rejects if the given domain is not one of ours, as after a typing error. */
export async function refuseForeign(tool: Tool, input: Input): Promise<void> {
  const domain = input.text("domain");
  // Notices to senders are queued under `+notices`, a name that no domain can have.
  const isDomain = domain !== undefined && !domain.startsWith("+");
  if (isDomain) await tool.daemon.ask({ path: domainPath(domain) });
}
