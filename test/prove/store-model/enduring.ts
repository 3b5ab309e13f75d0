/** What happens to the store itself: time, ends of threads, of the process, and the sweep of what they left. */
import { readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { SqliteStore } from "../../contract/sqlite-harness.ts";
import type { Act, Acts } from "./act.ts";
import { anyTime } from "./choices.ts";

const HOUR = 3_600_000;
/** Longest time that passes in one go, in ms, and how far a clock is set back. */
const MOST = 2 * HOUR;
const BACK = 3 * 24 * HOUR;

const pass: Act = async (world, random) => {
  const time = random.below(random.pick([2000, 90_000, MOST]));
  world.clock.advance(time);
  await world.hear([]);
  return `${time} ms pass`;
};

const setForward: Act = async (world, random) => {
  const time = anyTime(random);
  world.clock.set(time);
  await world.hear([]);
  return `the clock is set forward by ${time} ms`;
};

const setBack: Act = async (world, random) => {
  const time = random.below(BACK);
  world.clock.set(-time);
  world.paging = undefined;
  await world.hear([]);
  return `the clock is set back by ${time} ms`;
};

const restart: Act = async (world) => {
  await world.restart();
  await world.hear([]);
  return "closed in order and opened again";
};

const crash: Act = async (world) => {
  const lost = await world.crash();
  await world.hear([]);
  return `killed with ${lost} recipients in conversation, and opened again`;
};

const killDelivery: Act = async (world) => {
  await world.killDelivery();
  await world.hear([]);
  return "the delivery thread dies";
};

const killIntake: Act = async (world, random) => {
  const thread = random.below(2);
  world.clients.replaceIntake(thread);
  await world.hear([]);
  return `SMTP thread ${thread} dies`;
};

const sweep: Act = async (world) => {
  await sweepSpool(world.clients.store);
  await world.hear([]);
  return "the spool is swept";
};

/** What is in the spool grows old, and what nobody needs of it goes. */
export async function sweepSpool({ folder, writer }: SqliteStore): Promise<void> {
  const spool = join(folder, "spool");
  for (const name of await readdir(spool)) await utimes(join(spool, name), 0, 0).catch(() => undefined);
  await writer.sweepSpool();
}

export const ENDURING: Acts = [
  [6, pass],
  [3, setForward],
  [1, setBack],
  [1, restart],
  [1, crash],
  [1, killDelivery],
  [1, killIntake],
  [1, sweep],
];
