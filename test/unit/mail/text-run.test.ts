import assert from "node:assert/strict";
import { test } from "node:test";
import { TextRun } from "../../../src/mail/text-run.ts";
import { seededRandom } from "../../support/random.ts";

const LONGEST = 20;
/** What the run must tell apart, and neighbours of its bounds. */
const OCTETS = [0x00, 0x0a, 0x0c, 0x0d, 0x0e, 0x2e, 0x41, 0x41, 0x41, 0x7f, 0x80, 0x8d, 0xff];

interface Skipped {
  readonly at: number;
  readonly lineStart: number;
  readonly longLines: number;
  readonly eightBit: boolean;
}

/** Octet by octet, as the words of the file say. */
function reference(chunk: Buffer, from: number): Skipped {
  const last = chunk.length - 1;
  const octet = (place: number): number => chunk[place] ?? assert.fail("behind the end");
  const begins = (place: number): boolean => octet(place) > 0x0d && octet(place) !== 0x2e;
  let [at, lineStart, longLines] = [from, 0, 0];
  for (;;) {
    while (at < last && octet(at) > 0x0d) at += 1;
    const isUsual = octet(at) === 0x0d && at + 2 < last && octet(at + 1) === 0x0a && begins(at + 2);
    if (!isUsual) break;
    if (at - lineStart > LONGEST) longLines += 1;
    at += 2;
    lineStart = at;
  }
  return { at, lineStart, longLines, eightBit: chunk.subarray(from, at).some((passed) => passed > 0x7f) };
}

test("passes over what an octet by octet reading does, wherever in memory a chunk lies", () => {
  const random = seededRandom(5);
  const memory = Buffer.alloc(300);
  for (let round = 0; round < 40_000; round++) {
    const start = random.below(8);
    const chunk = memory.subarray(start, start + 1 + random.below(80));
    const rare = 1 + random.below(30);
    for (let at = 0; at < chunk.length; at++) chunk[at] = random.below(rare) > 0 ? 0x61 : random.pick(OCTETS);
    for (let line = random.below(4); line > 0 && chunk.length > 2; line--)
      chunk.write("\r\n", random.below(chunk.length - 1), "latin1");
    const from = random.below(chunk.length);
    const run = new TextRun(LONGEST);
    const at = run.skip(chunk, from);
    const { lineStart, longLines, eightBit } = run;
    assert.deepEqual({ at, lineStart, longLines, eightBit }, reference(chunk, from), chunk.toString("hex"));
  }
});
