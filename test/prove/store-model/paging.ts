/**
 * A list that is read page by page while its mail goes on: whoever was there all the time is shown. Lists go by the
 * clock, so this holds while that is not set back: what came later by the clock may change its state before them.
 */
import { strict as assert } from "node:assert";
import type { Random } from "../../support/random.ts";
import type { Act } from "./act.ts";
import { oneIn } from "./choices.ts";
import type { Row } from "./queue-model.ts";
import type { World } from "./world.ts";

const MOST = 9;

/** Where the reader of such a list stands. */
export interface Paging {
  readonly ledger: boolean;
  readonly cursor: string | undefined;
  /** Were there when the list was begun, and were not shown yet. */
  readonly missing: ReadonlySet<string>;
}

export const turnPage: Act = async (world, random) => {
  const ahead = world.queue.rows(({ recipient }) => recipient.since > world.now());
  if (world.paging === undefined && ahead.length > 0) return "no list is begun: the clock was set back";
  const paging = world.paging ?? begin(world, random);
  const { ledger, cursor } = paging;
  const request = { filter: {}, ledger, limit: 1 + random.below(MOST) };
  const { reader } = world.clients.store;
  const { items, next } = await reader.list({ ...request, ...(cursor !== undefined && { cursor }) });
  const shown = new Set(items.map(({ id, n }) => nameOf(id, n)));
  assert.equal(shown.size, items.length, "nobody is on one page twice");
  const missing = new Set([...paging.missing].filter((name) => !shown.has(name)));
  world.paging = next === undefined ? undefined : { ledger, cursor: next, missing };
  if (next === undefined)
    assert.deepEqual(stillThere(world, { ...paging, missing }), [], "missing in the list");
  return `a page of ${items.length}${next === undefined ? ", the last" : ""}`;
};

function begin({ queue }: World, random: Random): Paging {
  const ledger = oneIn(2, random);
  const rows = queue.rows((row) => isListed(row, ledger));
  const missing = new Set(rows.map(({ mail, recipient }) => nameOf(mail.mail.id, recipient.n)));
  return { ledger, cursor: undefined, missing };
}

function stillThere({ queue }: World, { ledger, missing }: Paging): readonly string[] {
  return queue
    .rows((row) => isListed(row, ledger))
    .map(({ mail, recipient }) => nameOf(mail.mail.id, recipient.n))
    .filter((name) => missing.has(name));
}

function isListed({ recipient }: Row, ledger: boolean): boolean {
  return ledger || recipient.state !== "gone";
}

function nameOf(id: string, n: number): string {
  return `${id}/${n}`;
}
