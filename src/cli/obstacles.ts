/**
 * Finds what keeps waiting mail here: a pause, a probation that stopped, or primaries that take no mail at the moment.
 */
import type { DomainBody, QueueEntryBody } from "../endpoints/admin/contract.ts";
import type { Tool } from "./command.ts";
import { domainPath, ownPrimaries } from "./domains.ts";
import { ageOf, timeWithZone } from "./terminal.ts";

type Primary = DomainBody["primaries"][number];

/** Returns one line about a recipient that waits and cannot be delivered now. */
export type Obstacles = (entry: QueueEntryBody) => string | undefined;

/** Asks the daemon once for each domain. */
export async function obstaclesOf(tool: Tool, entries: readonly QueueEntryBody[]): Promise<Obstacles> {
  const waiting = entries.filter(({ state }) => state === "waiting" || state === "unconfirmed");
  const names = [...new Set(waiting.map(({ domain }) => domain))];
  const asked = names.map(async (name) => {
    const { ok, body } = await tool.daemon.askAnyway<DomainBody>({ path: domainPath(name) });
    return [name, ok ? body : undefined] as const;
  });
  const domains = new Map(await Promise.all(asked));
  return (entry) => {
    const domain = domains.get(entry.domain);
    return domain === undefined || !waiting.includes(entry) ? undefined : obstacle(entry, domain, tool.now);
  };
}

function obstacle({ route }: QueueEntryBody, domain: DomainBody, now: number): string | undefined {
  const { name, paused, pausedUntil } = domain;
  if (paused && pausedUntil === undefined) return `\`holdfast domain resume ${name}\`: deliveries are paused`;
  if (paused) return `the end of the pause, ${timeWithZone(pausedUntil as number)}`;
  const primaries =
    route === undefined
      ? ownPrimaries(domain)
      : domain.primaries.filter(({ destination }) => destination === route);
  const closed = primaries.map((primary) => closedText(primary, name, now));
  // If one primary is open, mail goes there when it is due.
  return closed.length === 0 || closed.includes(undefined) ? undefined : closed.join("; ");
}

const SHUT: ReadonlySet<Primary["state"]> = new Set(["down", "banned", "loop"]);

function closedText(
  { destination, state, since, why, probation = [] }: Primary,
  domain: string,
  now: number,
): string | undefined {
  const reason = why === undefined ? "" : `: ${why}`;
  if (SHUT.has(state)) return `${destination}, ${state} for ${ageOf(since, now)}${reason}`;
  const stopped = probation.some((each) => each.state === "stopped" && each.domain === domain);
  return stopped ? `\`holdfast domain resume ${domain}\`: probation at ${destination} stopped` : undefined;
}
