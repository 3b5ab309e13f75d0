/** Reads lists of the API page by page. */
import type { Input, Option, Tool } from "./command.ts";

/** Entries per request, and entries that are shown by default. */
const PAGE = 1000;
const DEFAULT_LIMIT = 50;

/** Options for the length of a list. */
export const PAGING: readonly Option[] = [
  { name: "limit", value: "N", help: `how many (${DEFAULT_LIMIT})` },
  { name: "all", help: "all of them" },
];

interface Page {
  readonly items: readonly unknown[];
  readonly next?: string;
}

interface Listed {
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
}

/** Yields pages until the list ends, or `limit` entries have arrived. */
export async function* pagesOf<P extends Page>(
  tool: Tool,
  { path, query }: Listed,
  limit = Infinity,
): AsyncGenerator<P> {
  let left = limit;
  let cursor: string | undefined;
  do {
    const size = String(Math.min(PAGE, left));
    const page = await tool.daemon.ask<P>({ path, query: { ...query, limit: size, cursor } });
    yield page;
    left -= page.items.length;
    cursor = page.next;
  } while (cursor !== undefined && left > 0);
}

/** Returns as many entries as `--limit` or `--all` say, as one page. */
export async function collect<P extends Page>(tool: Tool, input: Input, listed: Listed): Promise<P> {
  const limit = input.flag("all") ? Infinity : input.number("limit", DEFAULT_LIMIT);
  const items: unknown[] = [];
  let last: P | undefined;
  for await (const page of pagesOf<P>(tool, listed, limit)) {
    items.push(...page.items);
    last = page;
  }
  return { ...last, items } as unknown as P;
}

/** Returns the line after a list that was cut short. */
export function moreText({ next }: Page): string {
  return next === undefined ? "" : "There are more; --limit N or --all shows them.\n";
}
