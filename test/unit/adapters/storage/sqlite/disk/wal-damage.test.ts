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
/** The size of a frame, which is a frame header and a page, in octets. */
const FRAME = 24 + 4096;

/** The offsets at which the last frame of each commit ends. */
function commitsIn(wal: Buffer): readonly number[] {
  const ends: number[] = [];
  for (let at = HEADER; at < wal.length; at += FRAME) if (wal.readUInt32BE(at + 4) > 0) ends.push(at + FRAME);
  return ends;
}

/** What the next start finds after a kill and after `change` was made to the WAL, which holds ten mails. */
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

/** The end offset of the commit that is `n`th from the end. */
function fromEnd(commits: readonly number[], n: number): number {
  return commits.at(-n) ?? assert.fail("there are fewer commits");
}

function flip(wal: Buffer, at: number): Buffer {
  wal.writeUInt8(wal.readUInt8(at) ^ 1, at);
  return wal;
}

describe("damage in the middle of the WAL, after which SQLite drops every commit", () => {
  const damages: Record<string, (wal: Buffer, commits: readonly number[]) => Buffer> = {
    "a bit of a page": (wal, commits) => flip(wal, fromEnd(commits, 5) - 1),
    "a frame of zeros": (wal, commits) => wal.fill(0, fromEnd(commits, 5) - FRAME, fromEnd(commits, 5)),
    "the first page": (wal) => flip(wal, HEADER + 100),
    "a bit of the header": (wal) => flip(wal, 12),
    "a bit of the last commit but one, followed by one frame": (wal, commits) =>
      flip(wal, fromEnd(commits, 2) - 1).subarray(0, fromEnd(commits, 2) + FRAME),
    "a bit of the last commit but one": (wal, commits) => flip(wal, fromEnd(commits, 2) - 1),
  };
  for (const [what, damage] of Object.entries(damages))
    it(`is reported at the start, and the WAL is kept: ${what}`, async () => {
      const { mails, findings, kept } = await startAfter(damage);
      assert.ok(mails < 10);
      assert.match(
        findings.join(),
        /^queue\.sqlite-wal: damaged in the middle.*kept as queue\.sqlite-wal\.damaged/,
      );
      assert.equal(kept, true);
    });
});

describe("no damage is reported", () => {
  const sound: Record<string, (wal: Buffer, commits: readonly number[]) => Buffer> = {
    "for a complete WAL": (wal) => wal,
    "if the last commit is torn": (wal, commits) => wal.subarray(0, fromEnd(commits, 1) - 100),
    "if a page of the last commit did not reach the disk": (wal, commits) =>
      wal.fill(0, fromEnd(commits, 2), fromEnd(commits, 2) + FRAME),
    "if failed commits follow the last commit": (wal, commits) =>
      Buffer.concat([
        wal.subarray(0, fromEnd(commits, 3)),
        wal.subarray(fromEnd(commits, 2), fromEnd(commits, 1)),
        wal.subarray(fromEnd(commits, 4), fromEnd(commits, 3)),
      ]),
    "if the header was being written": (wal) => flip(wal, 20),
    "for a WAL with an incomplete header": (wal) => wal.subarray(0, 10),
    "for an empty WAL": () => Buffer.alloc(0),
  };
  for (const [what, change] of Object.entries(sound))
    it(what, async () => {
      const { findings, kept } = await startAfter(change);
      assert.deepEqual([findings, kept], [[], undefined]);
    });
});
