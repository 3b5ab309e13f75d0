/** Compares all that can be seen of the directory with its model. */
import { strict as assert } from "node:assert";
import type { DomainRecord } from "../../../src/ports/directory.ts";
import type { Random } from "../../support/random.ts";
import { LOCALS, NAMES } from "./directory-changes.ts";
import { type DirectoryModel, hitOf, listsOf, refuses, type Whole } from "./directory-model.ts";
import type { DirectoryWorld } from "./directory-world.ts";

/** Whoever began within the hour sees what he saw then; of those generations the two ends and one between are looked at. */
export async function compareDirectory(
  { store, model, clock }: DirectoryWorld,
  random: Random,
): Promise<void> {
  assert.equal(store.directory.generation(), model.newest, "the newest generation");
  const oldest = model.oldest(clock.now());
  const between = oldest + random.below(model.newest - oldest + 1);
  for (const g of new Set([oldest, between, model.newest])) compareGeneration({ store, model }, g);
  const { reader } = store;
  const names = [...model.whole.domains.keys()].toSorted();
  const shown = await reader.domains();
  assert.deepEqual(
    shown.map(bareRecord),
    names.map((name) => recordOf(model, model.whole, name)),
    "domains",
  );
  assert.deepEqual(
    (await reader.refusing()).toSorted(),
    names.filter((name) => refuses(model.whole, name)),
  );
  for (const name of NAMES) await compareEntries({ store, model }, name);
}

function compareGeneration({ store, model }: Pick<DirectoryWorld, "store" | "model">, g: number): void {
  const whole = model.at(g);
  const { directory } = store;
  assert.deepEqual(directory.names(g).toSorted(), [...whole.domains.keys()].toSorted(), `names of ${g}`);
  for (const name of NAMES) {
    const record = directory.domain(name, g);
    assert.deepEqual(record && bareRecord(record), recordOf(model, whole, name), `${name} in ${g}`);
    for (const local of record === undefined ? [] : LOCALS)
      assert.deepEqual(
        directory.recipient(record as DomainRecord, local),
        hitOf(whole, name, local),
        `${local}@${name} in ${g}`,
      );
  }
}

/** Without the keys of its lists, which are the store's own. */
function bareRecord({ name, origin, settings, paused, pausedUntil, draining }: DomainRecord): object {
  return { name, origin, settings, paused, pausedUntil, draining };
}

function recordOf({ pauses }: DirectoryModel, { domains }: Whole, name: string): object | undefined {
  const domain = domains.get(name);
  if (domain === undefined) return undefined;
  const { origin, settings, draining } = domain;
  return { name, origin, settings, paused: pauses.has(name), pausedUntil: pauses.get(name), draining };
}

async function compareEntries(
  { store, model }: Pick<DirectoryWorld, "store" | "model">,
  name: string,
): Promise<void> {
  const shown: string[] = [];
  let cursor: string | undefined;
  do {
    const request = { domain: name, limit: 7, ...(cursor !== undefined && { cursor }) };
    const page = await store.reader.recipients(request);
    shown.push(...page.items.map(({ pattern, origin }) => `${pattern} ${origin}`));
    // Of a long list the first pages tell enough.
    cursor = shown.length < 50 ? page.next : undefined;
  } while (cursor !== undefined);
  const entries = listsOf(model.whole, name).flatMap(([list, origin], rank) =>
    [...list].map((pattern) => ({ pattern, origin, rank })),
  );
  const sorted = entries.toSorted((a, b) => compareText(a.pattern, b.pattern) || a.rank - b.rank);
  const wanted = sorted.map(({ pattern, origin }) => `${pattern} ${origin}`);
  assert.deepEqual(shown, wanted.slice(0, shown.length < 50 ? Infinity : shown.length), `entries of ${name}`);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
