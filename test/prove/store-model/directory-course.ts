/** Walks of the directory: changes of all kinds, whole or cut short, while readers keep the generation they began with. */
import { strict as assert } from "node:assert";
import { setImmediate as turn } from "node:timers/promises";
import { accept, newMail, to } from "../../contract/mails.ts";
import type { Random } from "../../support/random.ts";
import { anyChange, type Change, NAMES } from "./directory-changes.ts";
import type { Course } from "./walk.ts";
import { compareDirectory } from "./directory-compare.ts";
import { DirectoryWorld } from "./directory-world.ts";

const HOUR = 3_600_000;
/** After this a disk is asked again that was full or sick, in ms. */
const REST = 35_000;

type Step = (world: DirectoryWorld, random: Random) => Promise<string>;

const change: Step = async (world, random) => {
  const { text, ask, plan } = anyChange(world.model, random);
  const planned = plan();
  if (planned === undefined) await assert.rejects(ask(world.store.control), text);
  else assert.deepEqual(await ask(world.store.control), planned.answer, text);
  if (planned?.next !== undefined) world.model.apply(planned.next, world.clock.now());
  return text;
};

/** One that the end of the process cuts short is seen as a whole, or not at all. */
const cutShort: Step = async (world, random) => {
  const asked = anyChange(world.model, random);
  const planned = asked.plan();
  const answer = asked.ask(world.store.control).then(
    () => true,
    () => false,
  );
  const at = world.clock.now();
  for (let turns = random.below(40); turns > 0; turns--) await turn();
  await world.crash();
  await answer;
  see(world, planned, at);
  return `${asked.text}, cut short`;
};

/** The same with a commit of it that fails. */
const failing: Step = async (world, random) => {
  const { disk, clock, store } = world;
  const asked = anyChange(world.model, random);
  const planned = asked.plan();
  const code = random.pick(["EIO", "ENOSPC"]);
  // What found no room did not reach the disk.
  const took = code === "EIO" && random.below(2) === 0;
  let left = random.below(6);
  disk.failCommit = () => {
    left -= 1;
    if (left === -1 && took) disk.failAfterCommit = code;
    else if (left < 0) disk.failAfterCommit = undefined;
    return left === -1 && !took ? code : undefined;
  };
  const at = clock.now();
  const done = await asked.ask(store.control).then(
    () => true,
    () => false,
  );
  disk.failCommit = undefined;
  disk.failAfterCommit = undefined;
  clock.advance(REST);
  assert.equal(store.writer.condition, "ok");
  const seen = see(world, planned, at);
  assert.ok(!done || planned?.next === undefined || seen, "what was answered is seen");
  return `${asked.text}, ${code} ${took ? "after" : "instead of"} a commit: ${done ? "done" : "failed"}`;
};

/** The new whole, where the store shows another generation. */
function see({ store, model }: DirectoryWorld, planned: ReturnType<Change["plan"]>, at: number): boolean {
  const isNew = store.directory.generation() > model.newest;
  if (!isNew) return false;
  model.apply(planned?.next ?? assert.fail("a generation of nothing"), at);
  return true;
}

const pause: Step = async ({ store, model, clock }, random) => {
  const name = random.pick(NAMES);
  const paused = random.below(2) === 0;
  const until = random.below(2) === 0 ? clock.now() + random.below(2 * HOUR) : undefined;
  const known = model.whole.domains.has(name);
  assert.equal(await store.control.setPaused(name, paused, until), known);
  if (known && paused) model.pauses.set(name, until);
  else if (known) model.pauses.delete(name);
  return `pause ${name} ${paused} ${until}`;
};

const endPauses: Step = async ({ store, model, clock }) => {
  const over = [...model.pauses].filter(([, until]) => until !== undefined && until <= clock.now());
  const names = over.map(([name]) => name);
  assert.deepEqual((await store.control.endPauses()).toSorted(), names.toSorted());
  for (const name of names) model.pauses.delete(name);
  return `end pauses ${names.join()}`;
};

/** For a domain that is there, or that was when the mail's transaction began. */
const mailComes: Step = async ({ store, model, clock }, random) => {
  const lately = [...model.ended].filter(([, { at }]) => at > clock.now() - HOUR).map(([name]) => name);
  const names = [...model.whole.domains.keys(), ...lately];
  if (names.length === 0) return "no domain takes mail";
  const name = random.pick(names);
  await accept(store.intake, newMail(clock.now(), { recipients: to(`ann@${name}`) }));
  model.held.set(name, (model.held.get(name) ?? 0) + 1);
  if (random.below(2) === 0) await operateOn({ store, clock }, name, { verb: "reroute", to: "h.test:25" });
  if (model.ended.has(name)) await retire({ store, model, clock });
  return `mail for ${name}`;
};

const mailGoes: Step = async ({ store, model, clock }, random) => {
  const name = random.pick(NAMES);
  await operateOn({ store, clock }, name, { verb: "delete" });
  model.held.delete(name);
  return `no mail for ${name} any more`;
};

async function operateOn(
  { store, clock }: Pick<DirectoryWorld, "store" | "clock">,
  domain: string,
  act: { readonly verb: "delete" | "reroute"; readonly to?: string },
): Promise<void> {
  await store.control.operate({ ...act, filter: { domain }, who: "socket", now: clock.now() });
}

const retireThem: Step = async (world) => `retire ${(await retire(world)).join()}`;

async function retire({
  store,
  model,
  clock,
}: Pick<DirectoryWorld, "store" | "model" | "clock">): Promise<readonly string[]> {
  const planned = model.retire();
  const names = await store.control.retire();
  assert.deepEqual(names.toSorted(), planned?.answer);
  if (planned?.next !== undefined) model.apply(planned.next, clock.now());
  return names;
}

/** The directory is swept once an hour. */
const pass: Step = async ({ clock, store }, random) => {
  const time = random.below(random.pick([1000, HOUR / 2, 2 * HOUR]));
  clock.advance(time);
  await store.control.tokens();
  return `${time} ms pass`;
};

const restart: Step = async (world) => {
  await world.close();
  await world.open();
  return "closed in order and opened again";
};

/** As often as each is named, but for changes: every other step is one. */
const OTHERS: readonly Step[] = [
  cutShort,
  failing,
  failing,
  pause,
  endPauses,
  mailComes,
  mailComes,
  mailGoes,
  retireThem,
  pass,
  pass,
  pass,
  restart,
];

/** Changes of the directory, each compared as soon as it is made. */
export const directoryCourse: Course<DirectoryWorld> = {
  name: "directory",
  open: async (home) => {
    const world = new DirectoryWorld(home);
    await world.open();
    return world;
  },
  step: (world, random) => {
    const step = random.below(2) === 0 ? change : random.pick(OTHERS);
    return step(world, random);
  },
  compare: compareDirectory,
  finish: (world) => world.close(),
  giveUp: (world) => world.close(),
};
