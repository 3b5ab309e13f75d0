import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import type { Batch } from "../../../../../../src/adapters/storage/sqlite/commit/batch.ts";
import { CommitLoop } from "../../../../../../src/adapters/storage/sqlite/commit/commit-loop.ts";
import { failureOf } from "../../../../../../src/adapters/storage/sqlite/disk/failure.ts";
import { openMailDatabase } from "../../../../../../src/adapters/storage/sqlite/disk/connection.ts";
import { ManualClock } from "../../../../../support/manual-clock.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";
import {
  DELIVERED,
  SETTINGS,
  accept,
  fillBody,
  newMail,
  settlement,
  to,
} from "../../../../../contract/mails.ts";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { systemError } from "../disk/file-faults.ts";
import { FlakyDisk } from "../disk/flaky-disk.ts";

const MAILS = 100;

it("puts all waiting mail, claims and settlements into one commit each", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  const bodies = await Promise.all(Array.from({ length: MAILS }, () => fillBody(store.intake, "x")));
  const before = disk.commits;
  const answers = await Promise.all(
    bodies.map((body) => store.intake.accept(newMail(store.clock.now()), body)),
  );
  assert.ok(answers.every(({ kind }) => kind === "accepted"));
  assert.equal(disk.commits - before, 1);
  const claims = await store.work.claim({ domain: "one.test", limit: MAILS, now: store.clock.now() });
  assert.equal(disk.commits - before, 2);
  const settle = (claim: (typeof claims)[0]): Promise<boolean> =>
    store.work.settle(settlement(claim, { state: "gone", outcome: DELIVERED }, 1));
  assert.ok((await Promise.all(claims.map(settle))).every(Boolean));
  assert.equal(disk.commits - before, 3);
});

it("refuses a mail whose deadline passed before its transaction began", async () => {
  await using store = await openSqliteStore();
  const mail = newMail(store.clock.now());
  const answer = store.intake.accept(mail, await fillBody(store.intake, "x"));
  store.clock.advance(20_001);
  assert.deepEqual(await answer, { kind: "refused", why: "late" });
  assert.equal(await store.reader.show(mail.id), undefined);
});

it("gives a grant's credit back if the commit fails, and does not report that claim", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  const claimed: string[] = [];
  store.work.onEvent((event) => event.kind === "claimed" && claimed.push(event.mail.id));
  store.work.grant("one.test", 1);
  await store.work.work();
  disk.failCommit = "SQLITE_FULL";
  const lost = newMail(store.clock.now());
  assert.deepEqual(await accept(store.intake, lost), { kind: "refused", why: "full" });
  disk.failCommit = undefined;
  store.clock.advance(6000);
  const mail = newMail(store.clock.now());
  await accept(store.intake, mail);
  assert.equal(await store.reader.show(lost.id), undefined);
  assert.equal((await store.reader.show(mail.id))?.recipients[0]?.state, "claimed");
  assert.deepEqual(claimed, [mail.id]);
});

/** Makes a single step of a long task use up the whole time that a turn has for long tasks, on every machine. */
function slow(t: TestContext): void {
  let time = 0;
  t.mock.method(performance, "now", () => (time += 1000));
}

it("accepts mail while 100,000 recipients are staged", async (t) => {
  slow(t);
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  await store.control.addDomain({ name: "one.test", settings: SETTINGS });
  const changes = disk.opened[0]?.prepare<[], number>("SELECT total_changes()").pluck() ?? assert.fail();
  let [before, largest] = [changes.get() as number, 0];
  disk.failCommit = () => {
    const now = changes.get() as number;
    largest = Math.max(largest, now - before);
    before = now;
    return undefined;
  };
  const recipients = Array.from({ length: 100_000 }, (_, i) => `user${i}`);
  const change = store.control.changeRecipients({ domain: "one.test", verb: "replace", recipients });
  let accepted = 0;
  let longest = 0;
  const acceptOne = async (): Promise<"mail"> => {
    const begun = disk.commits;
    assert.equal((await accept(store.intake, newMail(store.clock.now()))).kind, "accepted");
    longest = Math.max(longest, disk.commits - begun);
    accepted += 1;
    return "mail";
  };
  while ((await Promise.race([change, acceptOne()])) === "mail");
  assert.deepEqual(await change, { before: 0, after: 100_000 });
  assert.ok(largest < 1100, `${largest} changes in one commit`);
  assert.ok(accepted >= 10, `${accepted} mails in ${disk.commits} commits`);
  assert.ok(longest <= 10, `one mail took ${longest} of ${disk.commits} commits`);
});

/** A clock that moves only when the test says so; each commit takes the given time. */
function ownTime(t: TestContext, disk: FlakyDisk): { pass(time: number): void; commitTakes: number[] } {
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const commitTakes: number[] = [];
  disk.failCommit = () => {
    now += commitTakes.shift() ?? 0;
    return undefined;
  };
  return { pass: (time) => void (now += time), commitTakes };
}

it("gives long tasks 4 ms of a turn, or a quarter of the last commit's time, up to 20 ms", async (t) => {
  await using folder = await tempFolder();
  const { disk, database, loop } = openLoop(folder.path);
  const time = ownTime(t, disk);
  time.commitTakes.push(1, 40, 200, 0);
  const steps: number[] = [];
  await loop.submitSlices(function* () {
    for (let step = 0; step < 60; step++) {
      const turn = disk.commits;
      steps[turn] = (steps[turn] ?? 0) + 1;
      time.pass(1);
      yield;
    }
  });
  assert.deepEqual(steps.slice(0, 5), [4, 4, 10, 20, 4]);
  database.close();
});

it("shares the time for long tasks equally between their two lines", async (t) => {
  await using folder = await tempFolder();
  const { disk, database, loop } = openLoop(folder.path);
  const time = ownTime(t, disk);
  const steps = { mail: 0, rest: 0 };
  const begun = disk.commits;
  const tasks = (["mail", "rest"] as const).map((line) =>
    loop.submitSlices(function* () {
      for (let step = 0; step < 8; step++) {
        if (disk.commits === begun) steps[line] += 1;
        time.pass(1);
        yield;
      }
    }, line),
  );
  await Promise.all(tasks);
  assert.deepEqual(steps, { mail: 2, rest: 2 });
  database.close();
});

it("runs other work during an operator's verb over thousands of recipients, and runs verbs one by one", async (t) => {
  slow(t);
  await using store = await openSqliteStore();
  await store.control.addDomain({ name: "one.test", settings: SETTINGS });
  const recipients = to(...Array.from({ length: 1000 }, (_, i) => `user${i}@one.test`));
  const now = store.clock.now();
  for (let i = 0; i < 5; i++) await accept(store.intake, newMail(now, { recipients }));
  const ended: string[] = [];
  const end = (what: string, act: Promise<unknown>): Promise<unknown> => act.then(() => ended.push(what));
  const verb = { filter: { domain: "one.test" }, who: "socket", now };
  await Promise.all([
    end("hold", store.control.operate({ ...verb, verb: "hold" })),
    end("delete", store.control.operate({ ...verb, verb: "delete" })),
    end("pause", store.control.setPaused("one.test", true)),
    end("work", store.work.work()),
  ]);
  assert.deepEqual(
    [ended.slice(0, 2).toSorted(), ended.slice(2)],
    [
      ["pause", "work"],
      ["hold", "delete"],
    ],
  );
  const { items } = await store.reader.list({ filter: {}, limit: 1000 });
  assert.deepEqual(items, []);
});

function openLoop(folder: string, onCommitted: () => void = () => {}) {
  const disk = new FlakyDisk();
  const database = openMailDatabase(folder, disk);
  const failures: string[] = [];
  const loop = new CommitLoop<{ readonly database: typeof database }>({
    clock: new ManualClock(),
    store: () => ({ database }),
    judge: failureOf,
    onCommitted,
    onTrouble: ({ why }) => failures.push(why),
    onSlicesUndone: () => {},
    makeRoom: () => false,
    onTurnEnd: () => {},
  });
  return { disk, database, loop, failures };
}

for (const [what, jobs, bytes] of [
  ["jobs", 1001, 0],
  ["bytes", 3, 16 * 1024 * 1024],
] as const)
  it(`limits one transaction by its ${what}, and runs the rest in the next transaction`, async () => {
    await using folder = await tempFolder();
    const { disk, database, loop } = openLoop(folder.path);
    const before = disk.commits;
    const run = (): number => disk.commits - before;
    const each = Array.from({ length: jobs }, () => loop.submit({ rank: "settle", bytes, run }));
    const commits = await Promise.all(each);
    assert.deepEqual([commits.indexOf(1), commits.length], [jobs - 1, jobs]);
    database.close();
  });

it("commits the other jobs of a batch if only its mail finds no room on the disk", async () => {
  await using folder = await tempFolder();
  const { disk, database, loop, failures } = openLoop(folder.path);
  database.exec("CREATE TABLE done (what TEXT)");
  const write = (what: string) => (): unknown => {
    disk.failCommit = what === "mail" ? "SQLITE_FULL" : undefined;
    return database.prepare("INSERT INTO done VALUES (?)").run(what).changes;
  };
  const settled = loop.submit({ rank: "settle", bytes: 0, run: write("settle") });
  const refused = loop.submit({ rank: "accept", bytes: 0, run: write("mail") });
  await assert.rejects(refused, { why: "full" });
  assert.equal(await settled, 1);
  assert.deepEqual(database.prepare("SELECT what FROM done").all(), [{ what: "settle" }]);
  assert.deepEqual(failures, ["full"]);
  database.close();
});

it("refuses only the job whose statement failed, also on a full disk", async () => {
  await using folder = await tempFolder();
  const { disk, database, loop } = openLoop(folder.path);
  let isFull = true;
  disk.failCommit = () => {
    const code = isFull ? "SQLITE_FULL" : undefined;
    isFull = false;
    return code;
  };
  const fail = (): never => {
    throw systemError("SQLITE_CONSTRAINT");
  };
  const refused = assert.rejects(loop.submit({ rank: "accept", bytes: 0, run: () => 1 }), { why: "full" });
  const guilty = assert.rejects(loop.submit({ rank: "settle", bytes: 0, run: fail }), { why: "row" });
  assert.equal(await loop.submit({ rank: "settle", bytes: 0, run: () => 2 }), 2);
  await Promise.all([refused, guilty]);
  database.close();
});

it("restarts a long task if the mail in the same transaction made it roll back", async () => {
  await using folder = await tempFolder();
  const { disk, database, loop } = openLoop(folder.path);
  let begun = 0;
  disk.failCommit = () => (begun === 1 ? "SQLITE_FULL" : undefined);
  const refused = loop.submit({ rank: "accept", bytes: 0, run: () => undefined });
  const task = loop.submitSlices(function* () {
    begun += 1;
    yield;
    return begun;
  });
  await assert.rejects(refused, { why: "full" });
  assert.equal(await task, 2);
  database.close();
});

it("rejects a long task on a full disk if a part of it was already committed", async () => {
  await using folder = await tempFolder();
  const { disk, database, loop } = openLoop(folder.path);
  let steps = 0;
  disk.failCommit = () => (steps > 1 ? "SQLITE_FULL" : undefined);
  const task = loop.submitSlices(function* () {
    const end = performance.now() + 30;
    for (steps = 1; steps <= 2; steps++) {
      while (performance.now() < end);
      yield;
    }
  });
  await assert.rejects(task, { why: "full" });
  database.close();
});

it("runs the rollback effects of a job that a disk error stopped, also when each job has a savepoint", async () => {
  await using folder = await tempFolder();
  const { database, loop, failures } = openLoop(folder.path);
  const faults = ["SQLITE_CONSTRAINT", "SQLITE_IOERR"];
  let credits = 9;
  const take = (batch: Batch): never => {
    credits -= 1;
    batch.onRollback(() => (credits += 1));
    throw systemError(faults.shift() ?? "SQLITE_IOERR");
  };
  const job = loop.submit({ rank: "accept", bytes: 0, run: (_, batch) => take(batch) });
  await assert.rejects(job, { why: "sick" });
  assert.deepEqual([faults, credits], [[], 9]);
  const task = loop.submitSlices(function* (_, batch) {
    yield take(batch());
  });
  await assert.rejects(task, { why: "sick" });
  assert.deepEqual([credits, failures], [9, ["sick", "sick"]]);
  database.close();
});

it("runs the commit effects of the other jobs after the commit if one job of the batch is refused", async () => {
  await using folder = await tempFolder();
  const did: string[] = [];
  const { database, loop } = openLoop(folder.path, () => did.push("durable"));
  const fail = (): never => {
    throw systemError("SQLITE_CONSTRAINT");
  };
  const leave = (what: string, batch: Batch): void => batch.onCommit(() => did.push(what));
  const refused = assert.rejects(loop.submit({ rank: "settle", bytes: 0, run: fail }), { why: "row" });
  const job = loop.submit({ rank: "accept", bytes: 0, run: (_, batch) => leave("job", batch) });
  const task = loop.submitSlices(function* (_, batch) {
    leave("step", batch());
    yield;
  });
  await Promise.all([refused, job, task]);
  assert.deepEqual(did, ["durable", "job", "step"]);
  database.close();
});

it("does not reject a long task that had not begun when the disk was full", async (t) => {
  await using folder = await tempFolder();
  const { disk, database, loop } = openLoop(folder.path);
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const codes = [undefined, "SQLITE_FULL"];
  disk.failCommit = () => codes.shift();
  const first = loop.submitSlices(function* () {
    for (let step = 0; step < 3; step++) {
      now += 1000;
      yield;
    }
  });
  const second = loop.submitSlices(function* () {
    yield;
    return "done";
  });
  await assert.rejects(first, { why: "full" });
  assert.equal(await second, "done");
  database.close();
});

it("commits nothing of a job, or of a long task, whose statement failed", async () => {
  await using folder = await tempFolder();
  const { database, loop } = openLoop(folder.path);
  database.exec("CREATE TABLE done (what TEXT)");
  const write = (what: string): unknown => database.prepare("INSERT INTO done VALUES (?)").run(what);
  const begin = (): never => {
    write("half");
    throw systemError("SQLITE_CONSTRAINT");
  };
  const guilty = loop.submit({ rank: "accept", bytes: 0, run: begin });
  const other = loop.submit({ rank: "accept", bytes: 0, run: () => write("whole") });
  await assert.rejects(guilty, { why: "row" });
  await other;
  const task = loop.submitSlices(function* () {
    yield begin();
  });
  await assert.rejects(task, { why: "row" });
  assert.deepEqual(database.prepare("SELECT what FROM done").all(), [{ what: "whole" }]);
  database.close();
});

it("commits no other job of a batch that a disk error stopped, and reports the error once", async () => {
  await using folder = await tempFolder();
  const { database, loop, failures } = openLoop(folder.path);
  const faults = ["SQLITE_CONSTRAINT", "SQLITE_IOERR"];
  const fail = (): never => {
    throw systemError(faults.shift() ?? "SQLITE_IOERR");
  };
  const stopped = loop.submit({ rank: "settle", bytes: 0, run: fail });
  const other = loop.submit({ rank: "accept", bytes: 0, run: () => 1 });
  await assert.rejects(stopped, { why: "sick" });
  await assert.rejects(other, { why: "sick" });
  assert.deepEqual([faults, failures], [[], ["sick"]]);
  database.close();
});
