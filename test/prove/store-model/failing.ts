/** Commits that fail: the disk is full, or sick, and what it took all the same is put right. */
import { strict as assert } from "node:assert";
import type { Random } from "../../support/random.ts";
import type { Act, Acts } from "./act.ts";
import { anyKey, oneIn, smallBody } from "./choices.ts";
import { forgetSettled, noteDelivered, requestFor } from "./handing-over.ts";
import { arrive, textOf } from "./taking.ts";
import type { World } from "./world.ts";

/** How long the store lets a disk rest that is sick, and one that is full, in ms. */
const REST = 5000;

/** One thing that is asked of a store whose commit fails; `took`: the disk took it all the same. */
type Attempt = (world: World, random: Random, took: boolean) => Promise<Attempted>;

interface Attempted {
  readonly text: string;
  /** What the cure puts right in the model. */
  readonly cured?: () => void;
}

const acceptance: Attempt = async (world, random) => {
  const intake = world.clients.intake(random.below(2));
  const arrivals = [await arrive(world, intake, { random, body: smallBody(random) })];
  if (oneIn(2, random)) arrivals.push(await arrive(world, intake, { random, body: smallBody(random) }));
  const answers = await Promise.all(arrivals.map(({ mail, written }) => intake.accept(mail, written)));
  for (const answer of answers) assert.deepEqual(answer, { kind: "refused", why: "sick" });
  return { text: `accept ${arrivals.map(textOf).join("; ")}` };
};

const claim: Attempt = async (world, random, took) => {
  const now = world.now();
  const request = { domain: anyKey(world.queue, now, random), limit: 1 + random.below(3), now };
  await assert.rejects(world.clients.work.claim(request));
  const claimed = took ? world.queue.claimable(request) : [];
  for (const each of claimed) world.queue.mark(each, -1, now);
  // Nobody was told of it, so nothing was sent.
  const cured = (): void => {
    for (const recipient of claimed.flatMap(({ recipients }) => recipients))
      Object.assign(recipient, { state: "waiting", token: undefined, updatedAt: world.now() });
  };
  return { text: `claim ${JSON.stringify(request)}`, cured };
};

const settlement: Attempt = async (world, random, took) => {
  if (world.claims.length === 0) return claim(world, random, took);
  const held = random.pick(world.claims);
  const request = requestFor(world, held, random);
  await assert.rejects(world.clients.work.settle(request));
  if (took) {
    assert.ok(world.queue.settle(request));
    noteDelivered(world, held, request);
    forgetSettled(world, held);
  }
  return { text: `settle ${request.id}` };
};

const fallSick: Act = async (world, random) => {
  const took = oneIn(2, random);
  if (took) world.disk.failAfterCommit = "EIO";
  else world.disk.failCommit = "EIO";
  const { text, cured } = await random.pick([acceptance, claim, settlement])(world, random, took);
  world.disk.failAfterCommit = undefined;
  world.disk.failCommit = undefined;
  assert.equal(world.clients.store.writer.condition, "sick");
  const end = random.pick(["cured", "cured", "restarted", "killed"]);
  if (end === "killed") await world.crash();
  else if (end === "restarted") await world.restart();
  else {
    world.clock.advance(REST);
    assert.equal(world.clients.store.writer.condition, "ok");
    world.memory.restart();
    cured?.();
  }
  await world.hear([]);
  return `${text}: fails${took ? ", but reaches the disk" : ""}; ${end}`;
};

/** New mail is refused, attempts are closed. */
const fallFull: Act = async (world, random) => {
  const intake = world.clients.intake(0);
  const { mail, written, body } = await arrive(world, intake, { random, body: smallBody(random) });
  world.disk.failCommit = "ENOSPC";
  const refused = intake.accept(mail, written);
  await world.until(() => world.clients.store.writer.condition === "full", "the disk is full");
  world.disk.failCommit = undefined;
  assert.deepEqual(await refused, { kind: "refused", why: "full" });
  const held = world.claims[0];
  if (held !== undefined) {
    const request = requestFor(world, held, random);
    assert.equal(await world.clients.work.settle(request), true);
    world.queue.settle(request);
    noteDelivered(world, held, request);
    forgetSettled(world, held);
  }
  world.clock.advance(REST + 30_000);
  assert.equal(world.clients.store.writer.condition, "ok");
  await world.hear([]);
  return `no room for ${textOf({ mail, body })}`;
};

export const FAILING: Acts = [
  [2, fallSick],
  [1, fallFull],
];
