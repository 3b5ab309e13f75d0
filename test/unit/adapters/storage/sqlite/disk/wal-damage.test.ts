import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { accept, newMail } from "../../../../../contract/mails.ts";
import { crashCopy, openSqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { MemoryJournal } from "../../../../../support/memory-journal.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";

const WAL = "queue.sqlite-wal";
const HEADER = 32;
/** A page and what stands before it, in octets. */
const FRAME = 24 + 4096;

/** Where the last frames of commits end. */
function commitsIn(wal: Buffer): readonly number[] {
  const ends: number[] = [];
  for (let at = HEADER; at < wal.length; at += FRAME) if (wal.readUInt32BE(at + 4) > 0) ends.push(at + FRAME);
  return ends;
}

/** What a start finds that comes after a kill, and after `change` was made to the WAL of ten mails. */
async function startAfter(change: (wal: Buffer, commits: readonly number[]) => Buffer) {
  await using home = await tempFolder();
  await using store = await openSqliteStore({ folder: join(home.path, "data") });
  for (let n = 0; n < 10; n++) await accept(store.intake, newMail(store.clock.now(), { id: `m${n}` }));
  const folder = join(home.path, "copy");
  await crashCopy(store, folder);
  const wal = readFileSync(join(folder, WAL));
  const changed = change(wal, commitsIn(wal));
  writeFileSync(join(folder, WAL), changed);
  const journal = new MemoryJournal();
  await using next = await openSqliteStore({ folder, clock: store.clock, journal });
  const kept = join(folder, `${WAL}.damaged`);
  return {
    mails: (await next.reader.list({ filter: {}, limit: 100 })).items.length,
    findings: journal.of("store.checked").flatMap(({ findings }) => findings),
    kept: existsSync(kept) ? readFileSync(kept).equals(changed) : undefined,
  };
}

/** The end of the commit that is `n`th from the end. */
function fromEnd(commits: readonly number[], n: number): number {
  return commits.at(-n) ?? assert.fail("there are fewer commits");
}

function flip(wal: Buffer, at: number): Buffer {
  wal.writeUInt8(wal.readUInt8(at) ^ 1, at);
  return wal;
}

describe("damage in the middle of the WAL, behind which SQLite drops every commit", () => {
  const damages: Record<string, (wal: Buffer, commits: readonly number[]) => Buffer> = {
    "a bit of a page": (wal, commits) => flip(wal, fromEnd(commits, 5) - 1),
    "a frame of zeros": (wal, commits) => wal.fill(0, fromEnd(commits, 5) - FRAME, fromEnd(commits, 5)),
    "the first page": (wal) => flip(wal, HEADER + 100),
    "a bit of the header": (wal) => flip(wal, 12),
    "a bit of the last commit but one, behind which one frame is left": (wal, commits) =>
      flip(wal, fromEnd(commits, 2) - 1).subarray(0, fromEnd(commits, 2) + FRAME),
    "a bit of the last commit but one": (wal, commits) => flip(wal, fromEnd(commits, 2) - 1),
  };
  for (const [what, damage] of Object.entries(damages))
    it(`is told at the start, and the WAL is kept: ${what}`, async () => {
      const { mails, findings, kept } = await startAfter(damage);
      assert.ok(mails < 10);
      assert.match(
        findings.join(),
        /^queue\.sqlite-wal: damaged in the middle.*kept as queue\.sqlite-wal\.damaged/,
      );
      assert.equal(kept, true);
    });
});

describe("no damage is told", () => {
  const sound: Record<string, (wal: Buffer, commits: readonly number[]) => Buffer> = {
    "of a whole WAL": (wal) => wal,
    "where the last commit is torn": (wal, commits) => wal.subarray(0, fromEnd(commits, 1) - 100),
    "where a page of the last commit did not reach the disk": (wal, commits) =>
      wal.fill(0, fromEnd(commits, 2), fromEnd(commits, 2) + FRAME),
    "where commits that failed lie behind the last one, each longer than the next": (wal, commits) =>
      Buffer.concat([
        wal.subarray(0, fromEnd(commits, 3)),
        wal.subarray(fromEnd(commits, 2), fromEnd(commits, 1)),
        wal.subarray(fromEnd(commits, 4), fromEnd(commits, 3)),
      ]),
    "where the header was being written": (wal) => flip(wal, 20),
    "of a WAL that has hardly begun": (wal) => wal.subarray(0, 10),
    "of an empty WAL": () => Buffer.alloc(0),
  };
  for (const [what, change] of Object.entries(sound))
    it(what, async () => {
      const { findings, kept } = await startAfter(change);
      assert.deepEqual([findings, kept], [[], undefined]);
    });
});
