/** Compares all that can be seen of a store with its model. */
import { strict as assert } from "node:assert";
import { DSN_DOMAIN } from "../../../src/ports/dsn.ts";
import type { ListRequest, QueueCount, QueueEntry } from "../../../src/ports/operator.ts";
import type { Random } from "../../support/random.ts";
import { bodyOf } from "../../contract/mails.ts";
import { ADDRESSES, anyFilter, DOMAINS, KEYS } from "./choices.ts";
import { needsBody } from "./queue-model.ts";
import { matches } from "./verbs.ts";
import { asideOf, countsOf, detailOf, dueOf, entryOf, keptOf, owedOf, workOf } from "./views.ts";
import { compareBody, type World } from "./world.ts";

/** How long after it was learned a refusal must not be overlooked, in ms. */
const REFUSED_FOR = 26 * 3_600_000;

/** Looks, from the one that tells most. */
const LOOKS: readonly ((world: World, random: Random) => Promise<void>)[] = [
  compareDetails,
  compareFiltered,
  compareCounts,
  compareWork,
  compareDebts,
  compareBodies,
  compareMemory,
];

/** The whole list after each step, and often one look more. */
export async function compareSome(world: World, random: Random): Promise<void> {
  await compareList(world);
  if (random.below(2) === 0) await random.pick(LOOKS)(world, random);
}

export async function compareAll(world: World, random: Random): Promise<void> {
  await compareList(world);
  for (const look of LOOKS) await look(world, random);
}

async function compareList(world: World): Promise<void> {
  const items = await wholeList(world, { filter: {}, ledger: true, limit: 1000 });
  assert.deepEqual(items, world.queue.rows().map(entryOf), "the list of all recipients");
}

/** Page by page. */
export async function wholeList({ clients }: World, request: ListRequest): Promise<readonly QueueEntry[]> {
  const { reader } = clients.store;
  const items: QueueEntry[] = [];
  let page = await reader.list(request);
  for (; page.next !== undefined; page = await reader.list({ ...request, cursor: page.next }))
    items.push(...page.items);
  return [...items, ...page.items];
}

async function compareDetails({ clients, queue }: World): Promise<void> {
  for (const mail of queue.mails)
    assert.deepEqual(await clients.store.reader.show(mail.mail.id), detailOf(mail), "a mail");
}

async function compareFiltered(world: World, random: Random): Promise<void> {
  const { queue } = world;
  const filter = anyFilter(queue, random);
  const ledger = random.below(2) === 0;
  const request: ListRequest = { filter, ledger, limit: 1 + random.below(9) };
  const shown = await wholeList(world, request);
  const isWanted = (state: string): boolean => ledger || filter.state === "gone" || state !== "gone";
  const rows = queue.rows((row) => matches(row, filter) && isWanted(row.recipient.state));
  // Those of one mail come in its own order.
  const wanted = filter.id === undefined ? rows : rows.toSorted((a, b) => a.recipient.n - b.recipient.n);
  assert.deepEqual(shown, wanted.map(entryOf), `the list of ${JSON.stringify({ ...request })}`);
}

function byState(counts: readonly QueueCount[]): ReadonlyMap<string, QueueCount> {
  return new Map(counts.map((count) => [`${count.domain} ${count.state}`, count]));
}

async function compareCounts({ clients, queue }: World): Promise<void> {
  const { reader } = clients.store;
  const expected = countsOf(queue);
  assert.deepEqual(byState(await reader.counts()), expected, "counts");
  for (const domain of DOMAINS) {
    const own = new Map([...expected].filter(([, count]) => count.domain === domain));
    assert.deepEqual(byState(await reader.counts(domain)), own, `counts of ${domain}`);
  }
  const kept = DOMAINS.map((domain) => keptOf(queue, domain));
  assert.deepEqual(await reader.kept(DOMAINS), kept, "kept");
  const quarantined = queue.rows(
    ({ recipient: { state, reason } }) => state === "held" && reason === "quarantine",
  );
  assert.deepEqual(await reader.quarantined(), asideOf(quarantined), "quarantined");
  const parked = queue.rows(({ recipient }) => recipient.state === "parked");
  const content = asideOf(parked.filter(({ recipient }) => recipient.reason === "content")).oldest;
  assert.deepEqual(
    await reader.parked(),
    { ...asideOf(parked), ...(content !== undefined && { oldestContent: content }) },
    "parked",
  );
}

async function compareWork(world: World, random: Random): Promise<void> {
  const { clients, queue } = world;
  const work = await clients.work.work();
  assert.deepEqual(new Map(work.map((of) => [of.domain, of])), workOf(queue), "work");
  const now = world.now();
  const limit = 1 + random.below(20);
  for (const domain of KEYS)
    assert.deepEqual(
      await clients.work.due({ domain, now, limit }),
      dueOf(queue.due(domain, now), limit),
      `what is due for ${domain}`,
    );
}

async function compareDebts(world: World): Promise<void> {
  const now = world.now();
  const found = await world.clients.work.owed({ limit: 1000, now });
  const debts = found.map(({ body: _body, ...mail }) => mail);
  assert.deepEqual(debts, owedOf(world.queue, now), "what is owed");
  for (const { id, body } of found) {
    const wanted = world.queue.find(id)?.body ?? assert.fail(id);
    assert.ok(
      (await bodyOf({ body: body ?? assert.fail(`${id} has no body`) })).equals(wanted),
      `the body of ${id}`,
    );
  }
}

async function compareBodies({ clients, queue, claims }: World): Promise<void> {
  for (const mail of queue.mails) {
    const { id, topFields } = mail.mail;
    const stream = await clients.store.reader.export(id);
    assert.equal(stream !== undefined, needsBody(mail), `${id} has a body`);
    const octets = Buffer.concat((await stream?.toArray()) ?? []);
    const wanted = Buffer.concat([Buffer.from(topFields), mail.body]);
    if (stream !== undefined) assert.ok(octets.equals(wanted), `the export of ${id}`);
  }
  for (const claim of claims) await compareBody(claim);
}

async function compareMemory(world: World): Promise<void> {
  const { clients, memory } = world;
  for (const address of ADDRESSES) {
    const remembered = memory.find(address);
    assert.deepEqual(clients.recipients.find(address), remembered, `what is remembered of ${address}`);
    const { refused } = remembered;
    if (refused !== undefined && refused.at > world.now() - REFUSED_FOR)
      assert.ok(clients.recipients.mayBeRefused(address), `${address} was refused`);
  }
  const accepted = ADDRESSES.map((address) => [address, memory.accepted.get(address)?.at] as const);
  assert.deepEqual(
    await clients.work.accepted(ADDRESSES),
    new Map(accepted.filter(([, at]) => at !== undefined)),
    "accepted addresses",
  );
  assert.deepEqual(
    (await clients.work.encrypted()).toSorted(),
    [...memory.encrypted].toSorted(),
    "who spoke TLS",
  );
  for (const [key, sighting] of memory.sightings)
    assert.deepEqual(clients.greylist.find(key), sighting, `the sighting of ${key}`);
  assert.equal(await world.clients.store.reader.show(DSN_DOMAIN), undefined);
}
