/**
 * What grows with what: `npm run bench -- growth`. Accepting with 1, 2 and 4 SMTP threads, and with 1,000 and 100,000
 * mails held; memory, the first page of the list and the start to the banner with as many. All daemons of one table
 * run side by side and take the load in turn. The store is filled by the same code that the storage thread runs.
 */
import { join } from "node:path";
import { Daemon } from "../test/support/daemon.ts";
import { freePort } from "../test/support/free-port.ts";
import { processMemory } from "../test/support/process-usage.ts";
import { median } from "../test/support/quantiles.ts";
import { openSmtp } from "../test/support/raw-smtp.ts";
import { tempFolder } from "../test/support/temp-folder.ts";
import { pause } from "../test/support/wait.ts";
import { daemonPlan } from "./contestants.ts";
import { fillStore } from "./fill-store.ts";
import { needPeers, send } from "./load.ts";
import { publish, readChoice, scaled, turnAbout, type Choice, type Row } from "./rows.ts";

const THREADS = [1, 2, 4];
const HELD = [0, 1000, 100_000];
const LOAD = { sessions: 50, size: 4096, reuse: true };
/** Mails that are measured, and those before. */
const MESSAGES = 5000;
const WARM_UP = 3000;
/** Before memory is read, in ms. */
const REST = 5000;
/** Pages of the list that are read. */
const PAGES = 20;

/** A daemon with what was measured while nobody sent anything. */
interface Held {
  readonly daemon: Daemon;
  readonly memory: number;
  readonly page: number;
  readonly start: number;
}

export async function benchGrowth(args: readonly string[]): Promise<void> {
  const choice = readChoice(args);
  needPeers();
  await threads(choice);
  await held(choice);
}

async function threads(choice: Choice): Promise<void> {
  await using place = await tempFolder(choice.folder);
  const daemons: Daemon[] = [];
  try {
    for (const count of THREADS) daemons.push(await startDaemon(join(place.path, String(count)), count));
    const rows = [await acceptRow(daemons, choice, "")];
    const heads = THREADS.map((count) => `${count} SMTP thread${count === 1 ? "" : "s"}`);
    const words =
      "Mails of 4 KB a second over 50 sessions that stay open; on two cores more than one thread has nowhere to run.";
    await publish({ name: "threads", bench: "growth", heads, rows, words }, choice);
  } finally {
    for (const daemon of daemons) await daemon.stop();
  }
}

async function held(choice: Choice): Promise<void> {
  await using place = await tempFolder(choice.folder);
  const all: Held[] = [];
  try {
    for (const count of HELD) all.push(await startHolding(join(place.path, String(count)), count));
    // 100,000 against none: the first two columns are the ones that the table compares.
    const order = [all.at(-1), all[0], all[1]].filter((one) => one !== undefined);
    const rows: Row[] = [
      await acceptRow(
        order.map(({ daemon }) => daemon),
        choice,
        ">= 0.9 x",
      ),
      {
        what: "memory at rest (PSS), MB",
        goal: "< 60 MB more",
        columns: order.map(({ memory }) => [memory]),
      },
      {
        what: "first page of the list at the API, ms",
        goal: "< 100 ms",
        columns: order.map(({ page }) => [page]),
        digits: 1,
      },
      { what: "start to banner, ms", goal: "< 3000 ms", columns: order.map(({ start }) => [start]) },
    ];
    const heads = ["100,000 held", "none held", "1,000 held"];
    const words =
      "One daemon each; memory, page and start before the load. A page has 100 entries, median of 20.";
    await publish({ name: "held", bench: "growth", heads, rows, words }, choice);
  } finally {
    for (const { daemon } of all) await daemon.stop();
  }
}

async function acceptRow(daemons: readonly Daemon[], choice: Choice, goal: string): Promise<Row> {
  const what = "accept, mails/s";
  const messages = scaled(MESSAGES, choice);
  for (const daemon of daemons) await accept(daemon, scaled(WARM_UP, choice));
  const runs = daemons.map((daemon, n) => ({ name: `daemon ${n + 1}`, run: () => accept(daemon, messages) }));
  return { what, goal, columns: await turnAbout(what, choice, runs) };
}

async function accept(daemon: Daemon, messages: number): Promise<number> {
  const before = await daemon.held();
  const rate = await send({ smtpPort: daemon.smtpPort }, { ...LOAD, messages });
  const now = await daemon.held();
  if (now !== before + messages) throw new Error(`${now - before} mails in the queue instead of ${messages}`);
  return rate;
}

async function startHolding(folder: string, count: number): Promise<Held> {
  // Without mail first: it makes the schema, and compiles.
  const daemon = await startDaemon(folder);
  await daemon.stop();
  if (count > 0) await fillStore(join(folder, "holdfast", "data"), count);
  const begun = performance.now();
  const ready = daemon.restart();
  const start = await untilBanner(daemon.smtpPort, begun);
  await ready;
  const found = await daemon.held();
  if (found !== count) throw new Error(`${found} mails are held instead of ${count}`);
  await pause(REST);
  const memory = processMemory(daemon.pid).pss;
  return { daemon, memory, page: await firstPage(daemon), start };
}

async function startDaemon(folder: string, count?: number): Promise<Daemon> {
  const [smtpPort, primaryPort] = [await freePort(), await freePort()];
  return Daemon.start(
    daemonPlan({ folder, smtpPort, primaryPort, ...(count !== undefined && { threads: count }) }),
  );
}

async function untilBanner(port: number, begun: number): Promise<number> {
  for (;;) {
    const smtp = await openSmtp(port);
    smtp?.close();
    if (smtp !== undefined) return performance.now() - begun;
    await pause(5);
  }
}

async function firstPage(daemon: Daemon): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < PAGES; n++) {
    const begun = performance.now();
    await daemon.api("GET", "/v1/queue?limit=100");
    times.push(performance.now() - begun);
  }
  return median(times);
}
