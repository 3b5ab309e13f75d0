/**
 * Everything at once: senders of all manners, primaries that go, come back, refuse, hang and lose replies, an operator
 * who changes whatever can be changed, and a machine that crashes, loses threads, has no room and no steady clock. Then
 * all is well again, and everything must add up: what was taken is at a primary of its domain, once, octet for octet,
 * or was given up as the ledger says; doubles are named; the ledger quotes what the primaries said; the store is sound
 * and holds nothing else.
 */
import { readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import type { QueueEntryBody } from "../../src/endpoints/admin/contract.ts";
import { describeMail } from "../support/sink.ts";
import { pause, waitFor } from "../support/wait.ts";
import type { Ledger } from "./checker.ts";
import { inTurns, type ProofOptions, type ProofResult, type Part } from "./proof.ts";
import { recordNamedDoubles } from "./story.ts";
import { audit, auditAll } from "./storm/accounts.ts";
import { K, livesIn, placeOfAddress } from "./storm/places.ts";
import { isNotice } from "./storm/primary.ts";
import { lookForScars, troubleOf } from "./storm/recovery.ts";
import { setScene, type Scene } from "./storm/scene.ts";
import { lookIntoStore } from "./storm/store-check.ts";

const MINUTE = 60_000;
const SENDERS = 8;
/** Mails that get their 250 between two faults. */
const BETWEEN_FAULTS = 10;
/** Milliseconds until all mail has gone once everything is well, and for whatever else is waited for. */
const CALM_DEADLINE = 60_000;
const SOON = { deadline: CALM_DEADLINE, every: 5 };
/** What the log may tell of what was done to it; any other line of level error is a bug. */
const EXPECTED =
  /the other thread has ended|the storage thread has ended|thread died|thread did not start|store\.condition|config\.refused|primary\.loop|generation \d+ is not known any more|ENOSPC/;

interface Length {
  /** Milliseconds that a storm lasts. */
  readonly lasts: number;
  /** Milliseconds between two faults at most. */
  readonly faultEach: number;
  /** Octets of the largest mails. */
  readonly largest: number;
  /** Mails that must have got their 250 before a storm may end. */
  readonly enough: number;
}

export async function prove({ seed, short, say }: ProofOptions): Promise<ProofResult> {
  const length = short
    ? { lasts: 3000, faultEach: 1000, largest: 400_000, enough: 30 }
    : { lasts: 20_000, faultEach: 2500, largest: 3_000_000, enough: 50 };
  const turns = Array.from({ length: short ? 1 : 6 }, (_, n) => ({ name: `storm ${n + 1}`, seed: seed + n }));
  const part = await inTurns(turns, async (turn) => {
    const { counts, failures } = await storm(turn.seed, length);
    say(`${turn.name}, seed ${turn.seed}: ${counts["acked"]} acked, ${failures.length} failures`);
    return { counts, failures };
  });
  return {
    claim: "a storm of all faults at once loses nothing, doubles nothing unnamed, and leaves nothing behind",
    ...part,
  };
}

async function storm(seed: number, { lasts, faultEach, largest, enough }: Length): Promise<Part> {
  await using stack = new AsyncDisposableStack();
  const scene = await setScene({ seed, largest }, stack);
  await scene.operator.addDomain();
  const over = new AbortController();
  const raging = rage(scene, { over: over.signal, faultEach });
  await Promise.all([pause(lasts), untilEnough(scene.ledger, enough)]).finally(() => over.abort());
  await raging;
  const failures = [...(await calm(scene))];
  // Refused mail is still parked: its words are looked at before it is let go, too.
  const parked = (await rowsOf(scene)).filter(({ state }) => state === "parked");
  failures.push(...audit(parked, scene));
  await scene.daemon.process.api("POST", "/v1/queue/actions", { verb: "release", all: true });
  failures.push(...(await calm(scene)), ...(await lookForScars(scene)));
  failures.push(...(await calm(scene)), ...(await addUp(scene)));
  const { counts } = scene.ledger.check();
  const faults = Object.values(scene.faults.counts).reduce((sum, count) => sum + count, 0);
  return { counts: { ...counts, parked: parked.length, faults, acts: scene.operator.acts }, failures };
}

/** However slow the machine is. */
function untilEnough(ledger: Ledger, enough: number): Promise<unknown> {
  return waitFor({ ...SOON, what: `${enough} mails get their 250` }, () => ledger.count("acked") >= enough);
}

async function rage(
  scene: Scene,
  { over, faultEach }: { readonly over: AbortSignal; readonly faultEach: number },
): Promise<void> {
  const { senders, operator, weather, faults, ledger, random } = scene;
  const now = async (each: number, act: () => Promise<void>): Promise<void> => {
    while (!over.aborted) {
      await pause(random.below(each));
      if (!over.aborted) await act();
    }
  };
  await Promise.all([
    senders.send(SENDERS, over),
    now(60, () => operator.act()),
    now(100, () => random.pick(weather).change()),
    now(faultEach, async () => {
      const enough = ledger.count("acked") + BETWEEN_FAULTS;
      await waitFor({ ...SOON, what: "mail flows" }, async () => {
        await faults.revive();
        return over.aborted || ledger.count("acked") >= enough;
      });
      if (!over.aborted) await faults.strike();
    }),
  ]);
}

/** All is well: resolves when no mail waits and nothing is owed, or says what is left. */
async function calm(scene: Scene): Promise<readonly string[]> {
  const { daemon, operator, weather, faults } = scene;
  faults.end();
  for (const one of weather) await one.mend();
  await faults.revive();
  await waitFor({ what: "mail is accepted", deadline: CALM_DEADLINE }, () => daemon.process.isReady());
  await operator.reload(true);
  let left: readonly QueueEntryBody[] = [];
  return waitFor({ what: "all mail has gone", deadline: CALM_DEADLINE, every: 200 }, async () => {
    left = (await rowsOf(scene)).filter(
      ({ state, owed }) => owed !== undefined || !/gone|parked/.test(state),
    );
    if (left.length === 0) return true;
    await operator.letGo();
    // What is in a conversation should not find itself minutes later.
    if (left.every(({ state }) => state !== "claimed")) daemon.pass(10 * MINUTE);
    return false;
  }).then(
    () => [],
    async (error: unknown) => [
      `${String(error)}: ${JSON.stringify(left.slice(0, 3))}`,
      ...troubleOf(await daemon.process.status()),
    ],
  );
}

async function rowsOf({ daemon }: Scene): Promise<readonly QueueEntryBody[]> {
  // The thread that reads for people may just be starting again.
  return waitFor({ what: "the ledger is read", deadline: CALM_DEADLINE, every: 200 }, async () => {
    const rows: QueueEntryBody[] = [];
    try {
      for await (const row of daemon.process.entries(true)) rows.push(row);
      return rows;
    } catch {
      return undefined;
    }
  });
}

/** Everything that anybody saw, against everything that the daemon says and holds. */
async function addUp(scene: Scene): Promise<readonly string[]> {
  const { daemon, data, ledger, chronicle, senders, operator, faults } = scene;
  const rows = await rowsOf(scene);
  await recordNamedDoubles(daemon.process, ledger);
  for (const { mail } of chronicle.taken) if (!isNotice(mail)) ledger.sink(mail);
  for (const { state, reason, subject = "", recipient } of rows)
    if (state === "parked" || (state === "gone" && reason !== "delivered"))
      ledger.hold(subject.replace("proof ", ""), recipient);
  const shown = await shownCounts(scene);
  const output = daemon.process.output();
  const code = await daemon.process.stop();
  await sweep(scene);
  const store = lookIntoStore(data);
  const verdict = ledger.check();
  return [
    ...audit(rows, scene),
    ...stillRefused(rows),
    ...auditAll(rows, chronicle, senders.ids),
    ...exportFailures(scene),
    ...(code === 0 ? [] : [`the last stop ended with ${code}`]),
    ...store.failures,
    ...shown
      .filter(([state, count]) => count !== (store.counts[state] ?? 0))
      .map((one) => `counted ${one.join()}`),
    ...logFailures(output),
    ...operator.complaints,
    ...senders.complaints,
    ...faults.complaints,
    ...verdict.failures,
  ];
}

/** Files that crashes left go when they are an hour old and the daemon runs. */
async function sweep({ daemon, data }: Scene): Promise<void> {
  const spool = join(data, "spool");
  const left = (): readonly string[] => readdirSync(spool);
  if (left().length === 0) return;
  const old = new Date(Date.now() - 240 * MINUTE);
  for (const name of left()) utimesSync(join(spool, name), old, old);
  await daemon.process.restart();
  daemon.pass(61 * MINUTE);
  await waitFor({ what: "the sweep", deadline: 10_000 }, () => left().length === 0).catch(() => undefined);
  await daemon.process.stop();
}

/** Recipients by state, as status and metrics have them; metrics do not count what is gone. */
async function shownCounts({ daemon }: Scene): Promise<readonly (readonly [state: string, count: number])[]> {
  const { mail } = await daemon.process.status();
  const metrics = await daemon.process.metrics();
  const measured = metrics.matchAll(/^holdfast_queue_recipients\{state="(\w+)"\} (\d+)/gm);
  return [
    ...Object.entries(mail).map(([state, count = 0]) => [state, count] as const),
    ...[...measured].map(([, state = "", count]) => [state, Number(count)] as const),
  ];
}

/** Whom a primary that is well does not know is refused in the end, too; nobody else. */
function stillRefused(rows: readonly QueueEntryBody[]): readonly string[] {
  return rows
    .filter(
      ({ state, recipient }) =>
        state === "parked" && !(placeOfAddress(recipient) === K && livesIn(K, recipient) === "never"),
    )
    .map(({ subject, recipient, lastReply }) => `${subject} for ${recipient} is still refused: ${lastReply}`);
}

function exportFailures({ operator, letters }: Scene): readonly string[] {
  const mails = operator.exported.map((text) => describeMail(Buffer.from(text).toString("latin1"), []));
  return mails
    .filter(({ proofId, hash }) => proofId !== undefined && letters.hashes.get(proofId) !== hash)
    .filter(({ queueId }) => queueId !== undefined)
    .map(({ proofId }) => `${proofId} was exported as something else`);
}

function logFailures(output: string): readonly string[] {
  return output
    .split("\n")
    .filter((line) => line.includes('"level":"error"') && !EXPECTED.test(line))
    .map((line) => `the log says ${line.slice(0, 600)}`);
}
